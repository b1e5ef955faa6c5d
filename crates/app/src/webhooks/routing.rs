//! Routes scans to shipments: finds the shipment that a carrier's scan belongs to.
//!
//! Carriers use tracking numbers again, so several shipments can have the same carrier and number. "Its order existed"
//! means that the scan is at most a day older than the order ([`is_too_old`]). Rules, in order:
//! 1. Only one shipment ever had the number: that shipment.
//! 2. A shipment has already stored the scan, before the shipment was cancelled, not later than its delivery, and its
//!    order existed: that shipment, however often the scan is sent again.
//! 3. The carrier gave the scan a time, and a shipment whose order existed was delivered at that time or later: the
//!    oldest such shipment, also when the scan arrives late. No other shipment had the number then.
//! 4. Otherwise: the newest shipment whose order existed.
//! 5. No order existed: the oldest shipment. The scan changes nothing there, but people can see it.
//!
//! Example: shipment A is delivered on Monday. A scan of Wednesday goes to A, by rule 1. On Thursday shipment B is
//! registered with the same number, its order was placed on Tuesday. The webhook is processed again, and the scan goes
//! to B, by rule 4.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap, HashSet},
};

use chrono::{DateTime, Utc};
use domain::{Scan, ScanIdentity, ShipmentId, TrackingNumber as Number, WebhookId, is_too_old};
use persistence::{
    Store, Tx, read, scans,
    scans::StoredScan,
    shipments::{self, TrackedShipment},
};

/// Decides the shipment of each scan of some tracking numbers, from data that was loaded before.
pub(super) struct ScanRouter {
    newest_first: HashMap<Number, Vec<TrackedShipment>>,
    permanent: HashSet<(ShipmentId, ScanIdentity)>,
    /// For scans without a usable time: the earliest time at which one was received. The scan happened at that time or
    /// earlier.
    first_received_at: HashMap<ScanIdentity, DateTime<Utc>>,
}

/// Loads the router for these numbers, and locks the numbers that can be registered at this moment: those with no
/// shipment on its way.
///
/// A registration takes the same lock. So no scan is lost when a webhook is processed while its number is registered:
/// 1. The registration commits first: the shipments are read again under the lock, and the new one is found.
/// 2. This transaction commits first: the registration finds the waiting webhook, or the scan that went to an earlier
///    shipment with the number, and makes the webhook due again.
pub(super) async fn load_locking_numbers(tx: &Tx, numbers: &[Number]) -> persistence::Result<ScanRouter> {
    let mut found = shipments::find_tracked_shipments(tx, numbers).await?;
    let is_in_use = |number: &&Number| {
        found.get(*number).is_some_and(|shipments| shipments.iter().any(|shipment| shipment.is_on_its_way))
    };
    let free: Vec<Number> = numbers.iter().filter(|number| !is_in_use(number)).cloned().collect();
    if !free.is_empty() {
        shipments::lock_numbers(tx, &free).await?;
        found.extend(shipments::find_tracked_shipments(tx, &free).await?);
    }
    let told = scans::load_for_shipments(tx, &sharing_numbers(&found)).await?;
    Ok(ScanRouter::new(found, &told))
}

/// Loads the router for these numbers without locks, for callers that only read.
pub(super) async fn load_unlocked(store: &Store, numbers: &[Number]) -> persistence::Result<ScanRouter> {
    let found = read::tracked_shipments_of(store, numbers).await?;
    let told = read::scans_of(store, &sharing_numbers(&found)).await?;
    Ok(ScanRouter::new(found, &told))
}

/// Finds webhooks with a scan that is stored with one shipment of these numbers and belongs to another one, which does
/// not have it.
pub(super) async fn find_misrouted(
    store: &Store,
    numbers: &[Number],
) -> persistence::Result<BTreeSet<WebhookId>> {
    let found = read::tracked_shipments_of(store, numbers).await?;
    let told = read::scans_of(store, &sharing_numbers(&found)).await?;
    let router = ScanRouter::new(found, &told);
    let of =
        |shipment: &TrackedShipment| told.get(&shipment.shipment_id).map(Vec::as_slice).unwrap_or_default();
    let mut misrouted = BTreeSet::new();
    for (number, newest_first) in &router.newest_first {
        for (shipment, stored) in
            newest_first.iter().flat_map(|one| of(one).iter().map(move |told| (one, told)))
        {
            let target = router.route(number, &stored.scan);
            let target = target.filter(|target| target.shipment_id != shipment.shipment_id);
            // A webhook is processed as a whole. If the target has any scan of this webhook, processing it again would
            // add nothing.
            let has_scan = |other: &StoredScan| {
                other.scan.identity == stored.scan.identity || other.webhook_id == stored.webhook_id
            };
            if target.is_some_and(|target| !of(target).iter().any(has_scan)) {
                misrouted.extend(stored.webhook_id);
            }
        }
    }
    Ok(misrouted)
}

/// The shipments that share their number with another one. Only for these, routing depends on the scans that each has
/// stored.
fn sharing_numbers(found: &HashMap<Number, Vec<TrackedShipment>>) -> Vec<ShipmentId> {
    let shared = found.values().filter(|shipments| shipments.len() > 1);
    shared.flatten().map(|shipment| shipment.shipment_id).collect()
}

impl ScanRouter {
    fn new(
        newest_first: HashMap<Number, Vec<TrackedShipment>>,
        told: &HashMap<ShipmentId, Vec<StoredScan>>,
    ) -> Self {
        let (mut permanent, mut first_received_at) = (HashSet::new(), HashMap::new());
        for Scan { identity, occurred_at, .. } in
            told.values().flatten().map(|stored| &stored.scan).filter(|scan| scan.time_estimated)
        {
            let first = first_received_at.entry(*identity).or_insert(*occurred_at);
            *first = (*first).min(*occurred_at);
        }
        for shipment in newest_first.values().flatten() {
            let told = told.get(&shipment.shipment_id).map(Vec::as_slice).unwrap_or_default();
            let own = told.iter().filter(|stored| is_permanently_routed(stored, shipment));
            permanent.extend(own.map(|stored| (shipment.shipment_id, stored.scan.identity)));
        }
        Self { newest_first, permanent, first_received_at }
    }

    /// Whether any shipment has or had the number.
    pub fn knows_number(&self, number: &Number) -> bool {
        self.newest_first.contains_key(number)
    }

    /// The shipment that a scan with this number belongs to, by the rules of this module. `None` if no shipment ever
    /// had the number.
    pub fn route(&self, number: &Number, scan: &Scan) -> Option<&TrackedShipment> {
        let newest_first = self.newest_first.get(number)?;
        if let [only] = &newest_first[..] {
            return Some(only);
        }
        let is_permanent =
            |shipment: &&TrackedShipment| self.permanent.contains(&(shipment.shipment_id, scan.identity));
        let dated = self.date_by_arrival(scan);
        let existed = |shipment: &&TrackedShipment| !is_too_old(&dated, shipment.placed_at);
        let had_number = |shipment: &&TrackedShipment| {
            dated.has_clock() && existed(shipment) && happened_before_delivery(&dated, shipment)
        };
        let (newest, oldest) = (|| newest_first.iter(), || newest_first.iter().rev());
        newest()
            .find(is_permanent)
            .or(oldest().find(had_number))
            .or(newest().find(existed))
            .or(oldest().next())
    }

    /// The scan with the earliest time of receipt that is known of it, if its time is a time of receipt.
    fn date_by_arrival<'a>(&self, scan: &'a Scan) -> Cow<'a, Scan> {
        match self.first_received_at.get(&scan.identity) {
            Some(&occurred_at) if scan.time_estimated && occurred_at < scan.occurred_at => {
                Cow::Owned(Scan { occurred_at, ..scan.clone() })
            }
            Some(_) | None => Cow::Borrowed(scan),
        }
    }
}

/// Whether a stored scan stays with its shipment (rule 2): it was stored before the shipment was cancelled, happened
/// not later than the delivery, and its order existed.
fn is_permanently_routed(stored: &StoredScan, shipment: &TrackedShipment) -> bool {
    let StoredScan { scan, called_off, .. } = stored;
    let is_up_to_delivery = shipment.delivered_at.is_none() || happened_before_delivery(scan, shipment);
    !called_off && is_up_to_delivery && !is_too_old(scan, shipment.placed_at)
}

/// Whether the scan happened not later than the delivery of the shipment. Takes the earlier of the scan's two times:
/// for a scan whose clock has no zone, `occurred_at` may be the time of receipt, after the delivery, while the local
/// clock shows a time before it.
fn happened_before_delivery(scan: &Scan, delivered: &TrackedShipment) -> bool {
    let happened = scan.clock().min(scan.occurred_at.naive_utc());
    delivered.delivered_at.is_some_and(|at| happened <= at.naive_utc())
}
