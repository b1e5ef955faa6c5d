//! The scans of webhooks for each shipment to which they were routed. Used when webhooks are processed
//! (`app::webhooks::process`), and by a replay (`app::webhooks::replay`).
//!
//! 1. `add` takes one webhook after the other. A parcel whose number no shipment has is left out: the summary
//!    notes that the webhook waits for it. So it is with a number that is void everywhere. What was settled before
//!    counts as repeated, except scans of the numbers for which the webhook waited (`waited_before`).
//! 2. `orders`, `shipments` and `webhooks` say what the caller has to lock and load.
//! 3. `record` changes the orders in memory. Its error means that what was loaded does not fit together.
//! 4. Only a replay calls `list_webhooks_with_parcels`, `find_differences`, `for_orders` and `append_for_orders`. The
//!    first says of each webhook whether it would wait. An order without differences is missing in the map.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::{IngestSummary, ParsedWebhook, ScanRecorder, ScanRouter, StoredScan};
use crate::{
    actor::{Actor, ActorKind},
    carrier::Carrier,
    ids::{OrderId, ShipmentId, WebhookId},
    order::Order,
    refusal::Refusal,
    scan::{Scan, ScanIdentity},
    tracking_number::TrackingNumber,
    transition::Context,
};

/// The scans of some webhooks for each shipment, and what the summary of each webhook says before they are recorded.
#[derive(Clone, Debug, Default)]
pub struct RoutedScans {
    by_shipment: BTreeMap<(OrderId, ShipmentId), Vec<WebhookScans>>,
    summaries: BTreeMap<WebhookId, IngestSummary>,
}

/// The scans of one webhook for one shipment.
#[derive(Clone, Debug)]
struct WebhookScans {
    webhook: WebhookId,
    request_id: Option<String>,
    carrier: Carrier,
    /// Whether these scans were recorded from this webhook before.
    is_repeated: bool,
    scans: Vec<Scan>,
}

/// Scans that were routed to a shipment and cannot be recorded there, because the stored data contradict each other.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("shipment {shipment}: {refusal}")]
pub struct Unrecordable {
    /// The shipment to which the scans were routed.
    pub shipment: ShipmentId,
    /// Why its order does not take the scans.
    pub refusal: Refusal,
}

impl RoutedScans {
    /// Routes the scans of a webhook to shipments. A number without a shipment goes into the summary: the webhook waits
    /// for it. So does a number that is void everywhere, unless the void number brought all these scans before. Call
    /// this for the webhooks in the sequence in which they were received.
    ///
    /// `waited_before` are the numbers for which webhooks waited when they were last settled. The scans of these
    /// numbers were not recorded then, so they are not repeated.
    pub fn add(
        &mut self,
        webhook: ParsedWebhook,
        router: &ScanRouter,
        waited_before: &HashSet<(WebhookId, TrackingNumber)>,
    ) {
        let ParsedWebhook { id, request_id, was_settled, parcels, summary } = webhook;
        let summary = self.summaries.entry(id).or_insert(summary);
        for parcel in parcels {
            let registered = router.find_registered_number(&parcel);
            if let Some(number) = registered.filter(|number| **number != parcel.number) {
                summary.found_by_other_number.push((parcel.number.clone(), number.clone()));
            }
            let number = registered.unwrap_or(&parcel.number);
            let mut is_missing = registered.is_none() && parcel.scans.is_empty();
            for scan in parcel.scans {
                summary.says_estimate |= scan.estimate.is_some_and(|estimate| estimate.counts_from_receipt());
                let targets = router.route(number, &scan);
                is_missing |= targets.is_empty();
                for target in targets {
                    let scan = Scan { meaning: scan.meaning.in_direction(target.direction), ..scan.clone() };
                    let of_shipment =
                        self.by_shipment.entry((target.order_id, target.shipment_id)).or_default();
                    match of_shipment.last_mut().filter(|last| last.webhook == id) {
                        Some(last) => last.scans.push(scan),
                        None => of_shipment.push(WebhookScans {
                            webhook: id,
                            request_id: request_id.clone(),
                            carrier: parcel.number.carrier(),
                            is_repeated: was_settled && !waited_before.contains(&(id, parcel.number.clone())),
                            scans: vec![scan],
                        }),
                    }
                }
            }
            if is_missing {
                summary.waits_for.push((parcel.number, parcel.other_numbers));
            }
        }
    }

    /// The orders of the shipments, each once.
    pub fn orders(&self) -> Vec<OrderId> {
        let orders: BTreeSet<OrderId> = self.by_shipment.keys().map(|(order, _)| *order).collect();
        orders.into_iter().collect()
    }

    /// The shipments.
    pub fn shipments(&self) -> Vec<ShipmentId> {
        self.by_shipment.keys().map(|(_, shipment)| *shipment).collect()
    }

    /// The webhooks that have scans for the shipments, each once.
    pub fn webhooks(&self) -> Vec<WebhookId> {
        let all = self.by_shipment.values().flatten().map(|scans| scans.webhook);
        all.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The webhooks that have at least one parcel, and whether one of their numbers has no shipment.
    pub fn list_webhooks_with_parcels(&self) -> impl Iterator<Item = (WebhookId, bool)> {
        self.summaries.iter().map(|(id, summary)| (*id, !summary.waits_for.is_empty()))
    }

    /// The scans for these orders.
    pub fn for_orders(&self, orders: &[OrderId]) -> Self {
        let scans = self.by_shipment.iter().filter(|((order, _), _)| orders.contains(order));
        let by_shipment = scans.map(|(shipment, scans)| (*shipment, scans.clone())).collect();
        Self { by_shipment, summaries: BTreeMap::new() }
    }

    /// Adds the scans of later webhooks for these orders.
    pub fn append_for_orders(&mut self, later: Self, orders: &BTreeSet<OrderId>) {
        for ((order, shipment), scans) in later.by_shipment {
            if orders.contains(&order) {
                self.by_shipment.entry((order, shipment)).or_default().extend(scans);
            }
        }
    }

    /// The webhooks with a scan that is not stored, or is stored differently, for each order. Takes the stored scans of
    /// the shipments.
    pub fn find_differences(
        &self,
        stored: &HashMap<ShipmentId, Vec<StoredScan>>,
    ) -> BTreeMap<OrderId, BTreeSet<WebhookId>> {
        let mut found: BTreeMap<OrderId, BTreeSet<WebhookId>> = BTreeMap::new();
        for ((order, shipment), of_shipment) in &self.by_shipment {
            let stored: HashMap<ScanIdentity, &StoredScan> =
                stored.get(shipment).into_iter().flatten().map(|old| (old.scan.identity, old)).collect();
            let is_stored = |webhook: WebhookId, scan: &Scan| {
                let old = stored.get(&scan.identity);
                old.is_some_and(|old| {
                    // An estimate that counts from its receipt is no difference: it may have been left out as a
                    // repetition.
                    let estimate = scan.estimate.filter(|estimate| !estimate.counts_from_receipt());
                    let scan = Scan { estimate, ..scan.clone() };
                    !old.counts() || old.scan.merge_repeated(&scan, old.is_from(Some(webhook))).is_none()
                })
            };
            for WebhookScans { webhook, scans, .. } in of_shipment {
                if !scans.iter().all(|scan| is_stored(*webhook, scan)) {
                    found.entry(*order).or_default().insert(*webhook);
                }
            }
        }
        found
    }

    /// Records all scans in their orders, which the caller has locked. Returns the summary of each webhook.
    ///
    /// # Errors
    /// [`Unrecordable`]: the order is missing, does not have the shipment, or refuses the scans.
    pub fn record(
        &self,
        orders: &mut HashMap<OrderId, Order>,
        recorder: &mut ScanRecorder,
        now: DateTime<Utc>,
    ) -> Result<BTreeMap<WebhookId, IngestSummary>, Unrecordable> {
        let mut summaries = self.summaries.clone();
        for (&(order, shipment), of_shipment) in &self.by_shipment {
            let unrecordable = |refusal| Unrecordable { shipment, refusal };
            let order = orders.get_mut(&order).ok_or(unrecordable(Refusal::NotFound("order")))?;
            for one in of_shipment {
                let context = Context {
                    actor: Actor::new(ActorKind::Carrier, one.carrier.as_str()),
                    now,
                    request_id: one.request_id.clone(),
                    webhook_id: Some(one.webhook),
                };
                let outcome = recorder.record(order, shipment, &one.scans, one.is_repeated, &context);
                let outcomes = outcome.map_err(unrecordable)?.scan_outcomes;
                let shipment = order.shipments().iter().find(|known| known.id == shipment);
                if let (Some(summary), Some(shipment)) = (summaries.get_mut(&one.webhook), shipment) {
                    summary.add_outcomes(&one.scans, &outcomes, shipment);
                }
            }
        }
        Ok(summaries)
    }
}
