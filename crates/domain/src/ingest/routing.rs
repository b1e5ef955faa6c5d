//! Routing: finds the shipment to which a carrier's scan belongs.
//!
//! The number of the scan is the one that `registered_number.rs` found. Void numbers do not count: a scan stays with
//! the shipment that stored it under a number that is void now, and belongs to the present one of the number besides.
//! Shipments of several orders in one box (`boxes.rs`) count as one: each of them gets the scan.
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
//!
//! `app::webhooks::load_router` makes a [`ScanRouter`] of what it has loaded. `RoutedScans::add` asks it for each scan.
//! `app::webhooks::misrouted` asks `find_misrouted`, which is empty if every stored scan is where it belongs. Nothing
//! here stores a scan.

mod boxes;
mod registered_number;
#[cfg(test)]
mod tests;

use std::{
    borrow::Cow,
    cmp::Reverse,
    collections::{BTreeSet, HashMap, HashSet},
};

use boxes::number_boxes;
use chrono::{DateTime, Utc};

use super::{ScanKey, StoredScan, is_too_old};
use crate::{
    ids::{OrderId, ShipmentId, WebhookId},
    scan::{Scan, ScanIdentity},
    shipment_direction::ShipmentDirection,
    shipment_status::ShipmentStatus,
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
    /// When the shipment got the number.
    pub created_at: DateTime<Utc>,
    /// Whether shipments of other orders may have the number too.
    pub is_shared: bool,
    /// Whether another number has replaced this one.
    pub is_void: bool,
    /// How many numbers the shipment has, void ones included.
    pub number_count: i64,
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
    /// The shipments of each number that is not void.
    newest_first: HashMap<TrackingNumber, Vec<TrackedShipment>>,
    /// The shipments for which a number is void.
    void: HashMap<TrackingNumber, Vec<TrackedShipment>>,
    /// The numbers of all carriers that are not void, by their text.
    by_text: HashMap<String, Vec<TrackingNumber>>,
    stored: HashMap<ShipmentId, Vec<StoredScan>>,
    /// The stored scans that stay with their shipments, by rule 2.
    permanent: HashSet<ScanKey>,
    /// For scans without a usable time: the earliest time at which one was received. The scan happened at that time or
    /// earlier.
    first_received_at: HashMap<ScanIdentity, DateTime<Utc>>,
}

impl ScanRouter {
    /// Creates the router from all shipments that ever had the numbers, and from the stored scans of those that share
    /// their number or had it (see [`shipments_routed_by_stored_scans`]).
    pub fn new(
        mut shipments: HashMap<TrackingNumber, Vec<TrackedShipment>>,
        stored: HashMap<ShipmentId, Vec<StoredScan>>,
    ) -> Self {
        let (mut permanent, mut first_received_at) = (HashSet::new(), HashMap::new());
        let void: HashMap<_, Vec<_>> = shipments
            .iter_mut()
            .map(|(number, all)| (number.clone(), all.extract_if(.., |one| one.is_void).collect()))
            .collect();
        shipments.retain(|_, live| !live.is_empty());
        let mut by_text: HashMap<String, Vec<TrackingNumber>> = HashMap::new();
        for number in shipments.keys() {
            by_text.entry(number.to_string()).or_default().push(number.clone());
        }
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
        Self { newest_first: shipments, void, by_text, stored, permanent, first_received_at }
    }

    /// The shipments to which a scan with this number belongs, by the rules of this module: one, or all in a box; and
    /// those that stored it under the number before the number became void. Empty if there are none.
    pub fn route(&self, number: &TrackingNumber, scan: &Scan) -> Vec<&TrackedShipment> {
        let stored_it = |shipment: &&TrackedShipment| {
            self.stored_of(shipment.shipment_id).iter().any(|stored| stored.scan.identity == scan.identity)
        };
        let mut targets: Vec<&TrackedShipment> =
            self.void.get(number).into_iter().flatten().filter(stored_it).collect();
        let newest_first = self.newest_first.get(number).map(Vec::as_slice).unwrap_or_default();
        let Some(target) = self.choose(newest_first, scan) else { return targets };
        let boxes = number_boxes(newest_first);
        let box_of_target =
            newest_first.iter().zip(&boxes).find(|(one, _)| one.shipment_id == target.shipment_id);
        let in_box = newest_first.iter().zip(&boxes).filter(|(one, of_box)| {
            let follows = one.cancelled_at.is_none() && !is_too_old(scan, one.placed_at);
            follows && box_of_target.is_some_and(|(_, of_target)| of_target == *of_box)
        });
        let in_box = in_box.map(|(one, _)| one).filter(|one| one.shipment_id != target.shipment_id);
        targets.extend([target].into_iter().chain(in_box));
        targets
    }

    /// The shipment of one number to which the scan belongs, by the rules of this module.
    fn choose<'a>(&self, newest_first: &'a [TrackedShipment], scan: &Scan) -> Option<&'a TrackedShipment> {
        if let [only] = newest_first {
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
        let mut misrouted = BTreeSet::new();
        for (number, shipments) in &self.newest_first {
            // A stored scan does not say under which number it came.
            let of_one_number = shipments.iter().filter(|shipment| shipment.number_count == 1);
            for old in of_one_number.flat_map(|shipment| self.stored_of(shipment.shipment_id)) {
                let targets = self.route(number, &old.scan).into_iter().map(|target| target.shipment_id);
                let mut others = targets.filter(|target| *target != old.shipment_id);
                // A webhook is processed as a whole. If the target has any scan of this webhook, processing it again
                // would add nothing.
                let has_scan = |other: &StoredScan| {
                    other.scan.identity == old.scan.identity || other.webhook_id == old.webhook_id
                };
                if others.any(|target| !self.stored_of(target).iter().any(has_scan)) {
                    misrouted.extend(old.webhook_id);
                }
            }
        }
        misrouted
    }

    fn stored_of(&self, shipment: ShipmentId) -> &[StoredScan] {
        self.stored.get(&shipment).map(Vec::as_slice).unwrap_or_default()
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

/// The shipments whose number is void, or one that another shipment has or had too. Only for these, routing depends on
/// the scans that each has stored.
pub fn shipments_routed_by_stored_scans(
    shipments: &HashMap<TrackingNumber, Vec<TrackedShipment>>,
) -> Vec<ShipmentId> {
    let several =
        |of_number: &&Vec<TrackedShipment>| of_number.len() > 1 || of_number.iter().any(|one| one.is_void);
    let routed = shipments.values().filter(several);
    routed.flatten().map(|shipment| shipment.shipment_id).collect()
}
