//! What stored webhooks say today, and of whom.

use std::collections::{BTreeMap, BTreeSet};

use domain::{OrderId, ShipmentId, WebhookId};
use persistence::{read, webhooks::Webhook};

use super::PAGE;
use crate::{
    App,
    error::Result,
    webhooks::{
        MOST_BYTES, matching,
        process::Claims,
        reading::{Parcel, Reading, numbers},
    },
};

/// What is said of the parcels of some orders, by order and parcel, the oldest word first.
pub(super) type Said = BTreeMap<(OrderId, ShipmentId), Vec<(WebhookId, Option<String>, Claims)>>;

impl App {
    /// What the webhooks say of these orders.
    pub(super) async fn said_of(
        &self,
        orders: &BTreeSet<OrderId>,
        webhooks: &BTreeSet<WebhookId>,
    ) -> Result<Said> {
        let ids: Vec<WebhookId> = webhooks.iter().copied().collect();
        let mut all = Said::new();
        let mut left = &ids[..];
        while !left.is_empty() {
            let page = &left[..left.len().min(PAGE as usize)];
            let (page, rest) = left.split_at(read::fitting_webhooks(&self.store, page, MOST_BYTES).await?);
            left = rest;
            let mut webhooks = read::webhooks(&self.store, page).await?;
            webhooks.sort_by_key(|webhook| webhook.id);
            for (parcel, words) in self.said_by(webhooks, |_, _| {}).await? {
                if orders.contains(&parcel.0) {
                    all.entry(parcel).or_default().extend(words);
                }
            }
        }
        Ok(all)
    }

    /// What the webhooks say, of whom. Those that speak of parcels are told to `readable`, and whether nobody has one of
    /// them.
    pub(super) async fn said_by(
        &self,
        webhooks: Vec<Webhook>,
        mut readable: impl FnMut(&Webhook, bool),
    ) -> Result<Said> {
        let readings: Vec<Reading> = webhooks.into_iter().map(|webhook| self.read_webhook(webhook)).collect();
        let holders = matching::look(&self.store, &numbers(readings.iter())).await?;
        let mut said = Said::new();
        for mut reading in readings {
            let parcels = reading.take_parcels();
            if !parcels.is_empty() {
                let is_nobodys = |parcel: &Parcel| !holders.knows(&(parcel.carrier, parcel.number.clone()));
                readable(&reading.webhook, parcels.iter().any(is_nobodys));
            }
            for parcel in parcels {
                let number = (parcel.carrier, parcel.number);
                for scan in parcel.scans {
                    let Some(owner) = holders.owner(&number, &scan) else { continue };
                    let words = said.entry((owner.order_id, owner.shipment_id)).or_default();
                    let webhook = &reading.webhook;
                    if words.last().is_none_or(|(last, ..)| *last != webhook.id) {
                        words.push((
                            webhook.id,
                            webhook.request_id.clone(),
                            Claims::by(parcel.carrier, true),
                        ));
                    }
                    if let Some((.., claims)) = words.last_mut() {
                        claims.scans.push(scan);
                    }
                }
            }
        }
        Ok(said)
    }
}
