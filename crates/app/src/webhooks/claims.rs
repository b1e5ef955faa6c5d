//! What webhooks claim of which parcels, and telling it to their orders. Whoever reads a webhook for the first time and
//! whoever replays it go this way.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use domain::{
    Actor, ActorKind, Carrier, Context, Heard, Order, OrderId, Scan, Shipment, ShipmentId, WebhookId,
};
use persistence::{Error, webhooks::Webhook};

use super::{matching::Holders, parsed_webhook::ParcelScans};
use crate::scans::{Ledger, Source};

/// What one webhook says of one parcel.
#[derive(Clone, Debug)]
pub(super) struct Claims {
    pub webhook: WebhookId,
    request_id: Option<String>,
    carrier: Carrier,
    /// Whether it was heard before.
    tells_again: bool,
    pub scans: Vec<Scan>,
}

/// What is said of each shipment, the oldest word first.
#[derive(Default)]
pub(super) struct ByShipment(pub BTreeMap<(OrderId, ShipmentId), Vec<Claims>>);

impl ByShipment {
    /// Adds what a webhook says of the parcels of one number, to each what is its own. The webhooks come one after the
    /// other, the oldest first.
    pub fn add(&mut self, webhook: &Webhook, parcel: ParcelScans, holders: &Holders, tells_again: bool) {
        let number = (parcel.carrier, parcel.number);
        for scan in parcel.scans {
            let Some(owner) = holders.owner(&number, &scan) else { continue };
            let words = self.0.entry((owner.order_id, owner.shipment_id)).or_default();
            match words.last_mut().filter(|last| last.webhook == webhook.id) {
                Some(last) => last.scans.push(scan),
                None => words.push(Claims {
                    webhook: webhook.id,
                    request_id: webhook.request_id.clone(),
                    carrier: parcel.carrier,
                    tells_again,
                    scans: vec![scan],
                }),
            }
        }
    }

    /// The orders that something is said of, each once.
    pub fn orders(&self) -> Vec<OrderId> {
        let orders: BTreeSet<OrderId> = self.0.keys().map(|(order, _)| *order).collect();
        orders.into_iter().collect()
    }

    /// The shipments that something is said of.
    pub fn shipments(&self) -> Vec<ShipmentId> {
        self.0.keys().map(|(_, shipment)| *shipment).collect()
    }

    /// Tells all of it to the orders, which are locked. What became of each webhook's claims about a parcel is passed to
    /// `told`.
    ///
    /// # Errors
    /// [`Error::Corrupt`]: a shipment whose order is not there, or does not take what its carrier says of it.
    pub fn tell(
        &self,
        orders: &mut HashMap<OrderId, Order>,
        ledger: &mut Ledger,
        now: DateTime<Utc>,
        mut told: impl FnMut(&Claims, &Shipment, &[Heard]),
    ) -> persistence::Result<()> {
        for ((order, shipment), words) in &self.0 {
            let corrupt =
                |what: String| Error::Corrupt { table: "shipments", row: shipment.to_string(), what };
            let order = orders.get_mut(order).ok_or_else(|| corrupt("its order is not there".to_owned()))?;
            for claims in words {
                let source = Source::Webhook { id: claims.webhook, tells_again: claims.tells_again };
                let done = ledger.hear(order, *shipment, source, &claims.scans, &claims.context(now));
                let heard = done.map_err(|refusal| corrupt(refusal.to_string()))?.heard;
                let found = order.shipments().iter().find(|one| one.id == *shipment);
                let found = found.ok_or_else(|| corrupt("its order does not have it".to_owned()))?;
                told(claims, found, &heard);
            }
        }
        Ok(())
    }
}

impl Claims {
    /// Whose word it is.
    fn context(&self, now: DateTime<Utc>) -> Context {
        let actor = Actor::new(ActorKind::Carrier, self.carrier.as_str());
        Context { actor, now, request_id: self.request_id.clone(), webhook_id: Some(self.webhook) }
    }
}
