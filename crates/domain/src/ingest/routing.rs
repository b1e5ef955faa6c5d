//! Routing: finds the shipment to which a carrier's scan belongs.
//!
//! Carriers use tracking numbers again, so several shipments can have the same number. "Its order existed" means that
//! the scan is at most a day older than the order ([`is_too_old`]). Rules, in order:
//! 1. Only one shipment ever had the number: that shipment.
//! 2. A shipment stored the scan before it was cancelled. The scan happened not later than its delivery, and its order
//!    existed: that shipment, however often the scan is sent again.
//! 3. The carrier gave the scan a time, and a shipment whose order existed was delivered at that time or later: the
//!    oldest such shipment, also when the scan arrives late. A carrier does not give a number to another parcel before
//!    the delivery.
//! 4. Otherwise: the newest shipment whose order existed.
//! 5. No order existed: the oldest shipment. The scan changes nothing there, but people can see it.
//!
//! Example: shipment A is delivered on Monday. A scan of Wednesday goes to A, by rule 1. On Thursday shipment B is
//! registered with the same number, its order was placed on Tuesday. The webhook is processed again, and the scan goes
//! to B, by rule 4.

#[cfg(test)]
mod tests;

use std::{
    borrow::Cow,
    cmp::Reverse,
    collections::{BTreeSet, HashMap, HashSet},
};

use chrono::{DateTime, Utc};

use super::{ScanKey, StoredScan, is_too_old};
use crate::{
    ids::{OrderId, ShipmentId, WebhookId},
    return_shipment::ShipmentDirection,
    scan::{Scan, ScanIdentity},
    shipment::ShipmentStatus,
    tracking_number::TrackingNumber,
};

/// A shipment that has or had a tracking number, with the facts that routing needs.
#[derive(Clone, Debug)]
pub struct TrackedShipment {
    /// The id of the shipment.
    pub shipment_id: ShipmentId,
    /// The order of the shipment.
    pub order_id: OrderId,
    /// Whether it goes to the customer or comes back.
    pub direction: ShipmentDirection,
    /// When its order was placed.
    pub placed_at: DateTime<Utc>,
    /// When the shipment was registered.
    pub created_at: DateTime<Utc>,
    /// Its status. `Cancelled` if it was cancelled in Milepost, whatever its scans report.
    pub status: ShipmentStatus,
    /// When it was delivered, by the carrier's clock.
    pub delivered_at: Option<DateTime<Utc>>,
    /// When it was cancelled in Milepost.
    pub cancelled_at: Option<DateTime<Utc>>,
}

impl TrackedShipment {
    /// When its delivery ended its use of the number. `None` if it was cancelled in Milepost: the cancellation ended
    /// it.
    fn delivery(&self) -> Option<DateTime<Utc>> {
        self.delivered_at.filter(|_| self.cancelled_at.is_none())
    }

    /// Whether a stored scan stays with this shipment, by rule 2.
    fn keeps(&self, stored: &StoredScan) -> bool {
        let is_up_to_delivery = self.delivery().is_none() || self.was_delivered_after(&stored.scan);
        !stored.shipment_was_cancelled && is_up_to_delivery && !is_too_old(&stored.scan, self.placed_at)
    }

    /// Whether the shipment was delivered at the time of the scan or later. Takes the earlier of the scan's two times:
    /// for a scan whose clock has no zone, `occurred_at` may be the time of receipt, after the delivery, while the
    /// local clock shows a time before it.
    fn was_delivered_after(&self, scan: &Scan) -> bool {
        let happened = scan.clock().min(scan.occurred_at.naive_utc());
        self.delivery().is_some_and(|at| happened <= at.naive_utc())
    }
}

/// Decides the shipment of each scan of some tracking numbers, from data that was loaded before.
#[derive(Debug)]
pub struct ScanRouter {
    newest_first: HashMap<TrackingNumber, Vec<TrackedShipment>>,
    stored: HashMap<ShipmentId, Vec<StoredScan>>,
    /// The stored scans that stay with their shipments, by rule 2.
    permanent: HashSet<ScanKey>,
    /// For scans without a usable time: the earliest time at which one was received. The scan happened at that time or
    /// earlier.
    first_received_at: HashMap<ScanIdentity, DateTime<Utc>>,
}

impl ScanRouter {
    /// Creates the router from all shipments that ever had the numbers, and from the stored scans of those that share
    /// their number (see [`shipments_with_shared_numbers`]).
    pub fn new(
        mut shipments: HashMap<TrackingNumber, Vec<TrackedShipment>>,
        stored: HashMap<ShipmentId, Vec<StoredScan>>,
    ) -> Self {
        let (mut permanent, mut first_received_at) = (HashSet::new(), HashMap::new());
        for scan in stored.values().flatten().map(|stored| &stored.scan).filter(|scan| scan.time_estimated) {
            let first = first_received_at.entry(scan.identity).or_insert(scan.occurred_at);
            *first = scan.occurred_at.min(*first);
        }
        for same_number in shipments.values_mut() {
            same_number.sort_by_key(|shipment| Reverse((shipment.created_at, shipment.shipment_id)));
            for shipment in same_number {
                let kept = stored.get(&shipment.shipment_id).into_iter().flatten();
                permanent.extend(kept.filter(|stored| shipment.keeps(stored)).map(StoredScan::key));
            }
        }
        Self { newest_first: shipments, stored, permanent, first_received_at }
    }

    /// Whether any shipment has or had the number.
    pub fn knows_number(&self, number: &TrackingNumber) -> bool {
        self.newest_first.contains_key(number)
    }

    /// The shipment to which a scan with this number belongs, by the rules of this module. `None` if no shipment ever
    /// had the number.
    pub fn route(&self, number: &TrackingNumber, scan: &Scan) -> Option<&TrackedShipment> {
        let newest_first = self.newest_first.get(number)?;
        if let [only] = &newest_first[..] {
            return Some(only);
        }
        let is_permanent =
            |shipment: &&TrackedShipment| self.permanent.contains(&(shipment.shipment_id, scan.identity));
        let dated = self.date_by_arrival(scan);
        let existed = |shipment: &&TrackedShipment| !is_too_old(&dated, shipment.placed_at);
        let had_number = |shipment: &&TrackedShipment| {
            dated.has_clock() && existed(shipment) && shipment.was_delivered_after(&dated)
        };
        let (newest, oldest) = (|| newest_first.iter(), || newest_first.iter().rev());
        newest()
            .find(is_permanent)
            .or(oldest().find(had_number))
            .or(newest().find(existed))
            .or(oldest().next())
    }

    /// The webhooks with a scan that is stored with one shipment and belongs to another one, which does not have it.
    /// They have to be processed again.
    pub fn find_misrouted(&self) -> BTreeSet<WebhookId> {
        let scans_of =
            |shipment: ShipmentId| self.stored.get(&shipment).map(Vec::as_slice).unwrap_or_default();
        let mut misrouted = BTreeSet::new();
        for (number, shipments) in &self.newest_first {
            for old in shipments.iter().flat_map(|shipment| scans_of(shipment.shipment_id)) {
                let target = self.route(number, &old.scan).map(|target| target.shipment_id);
                let target = target.filter(|target| *target != old.shipment_id);
                // A webhook is processed as a whole. If the target has any scan of this webhook, processing it again
                // would add nothing.
                let has_scan = |other: &StoredScan| {
                    other.scan.identity == old.scan.identity || other.webhook_id == old.webhook_id
                };
                if target.is_some_and(|target| !scans_of(target).iter().any(has_scan)) {
                    misrouted.extend(old.webhook_id);
                }
            }
        }
        misrouted
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

/// The shipments that share their number with another one. Only for these, routing depends on the scans that each has
/// stored.
pub fn shipments_with_shared_numbers(
    shipments: &HashMap<TrackingNumber, Vec<TrackedShipment>>,
) -> Vec<ShipmentId> {
    let shared = shipments.values().filter(|same_number| same_number.len() > 1);
    shared.flatten().map(|shipment| shipment.shipment_id).collect()
}
