//! Parses stored webhooks for a replay and routes their scans to shipments.

use std::collections::BTreeSet;

use domain::{OrderId, WebhookId};
use persistence::{
    read,
    webhooks::{Webhook, WebhookHead},
};

use super::PAGE;
use crate::{
    App,
    error::Result,
    webhooks::{
        MAX_BYTES,
        parsed_webhook::{ParcelScans, ParsedWebhook, tracking_numbers},
        routed_scans::RoutedScans,
        routing,
    },
};

impl App {
    /// The scans that the webhooks have for these orders.
    pub(super) async fn collect_for_orders(
        &self,
        orders: &BTreeSet<OrderId>,
        webhooks: &BTreeSet<WebhookId>,
    ) -> Result<RoutedScans> {
        let ids: Vec<WebhookId> = webhooks.iter().copied().collect();
        let mut all = RoutedScans::default();
        let mut left = &ids[..];
        while !left.is_empty() {
            let page = &left[..left.len().min(PAGE as usize)];
            let (page, rest) =
                left.split_at(read::count_webhooks_within_bytes(&self.store, page, MAX_BYTES).await?);
            left = rest;
            let mut webhooks = read::read_webhooks(&self.store, page).await?;
            webhooks.sort_by_key(|webhook| webhook.head.id);
            for (parcel, scans_of_webhooks) in self.collect_from(webhooks, |_, _| {}).await?.0 {
                if orders.contains(&parcel.0) {
                    all.0.entry(parcel).or_default().extend(scans_of_webhooks);
                }
            }
        }
        Ok(all)
    }

    /// The scans of the webhooks, routed to shipments. Calls `readable` for each webhook with at least one parcel; the
    /// second argument says whether one of its numbers has no shipment.
    pub(super) async fn collect_from(
        &self,
        webhooks: Vec<Webhook>,
        mut readable: impl FnMut(&WebhookHead, bool),
    ) -> Result<RoutedScans> {
        let parsed_webhooks: Vec<ParsedWebhook> =
            webhooks.into_iter().map(|webhook| self.parse_webhook(webhook)).collect();
        let router = routing::load_unlocked(&self.store, &tracking_numbers(parsed_webhooks.iter())).await?;
        let mut routed = RoutedScans::default();
        for mut parsed in parsed_webhooks {
            let parcels = parsed.take_parcels();
            if !parcels.is_empty() {
                let is_nobodys = |parcel: &ParcelScans| !router.knows_number(&parcel.number);
                readable(&parsed.webhook, parcels.iter().any(is_nobodys));
            }
            for parcel in parcels {
                routed.add(&parsed.webhook, parcel, &router, true);
            }
        }
        Ok(routed)
    }
}
