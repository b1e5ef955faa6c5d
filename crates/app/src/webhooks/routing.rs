//! Whose a scan is: numbers are used again, so a number alone does not name a shipment.
//!
//! What a shipment was told while it was on its way is that shipment's for good, however often it is told again: what
//! came before we called it off, and what happened up to its delivery. So is what happened up to its delivery and is
//! heard late. Everything else is of the newest shipment with the
//! number whose order existed then. So what comes between two shipments of a number waits with the first of them, and
//! passes on to the second when that is registered.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap, HashSet},
};

use chrono::{DateTime, Utc};
use domain::{Scan, ScanIdentity, ShipmentId, WebhookId, is_too_old};
use persistence::{
    Store, Tx, read, scans,
    scans::StoredScan,
    shipments::{self, Number, TrackedShipment},
};

/// The shipments that have or had some numbers, and what is theirs for good.
pub(super) struct ScanRouter {
    newest_first: HashMap<Number, Vec<TrackedShipment>>,
    permanent: HashSet<(ShipmentId, ScanIdentity)>,
    /// When scans without a time of their own were first heard of: they happened no later.
    first_received_at: HashMap<ScanIdentity, DateTime<Utc>>,
}

/// The shipments that have or had these numbers. Numbers that somebody may register at this moment, because none of
/// their shipments is on its way, are looked for again under their lock, which a registration holds too: either we see
/// the shipment, or it sees our waiting webhook, or our scan with the shipment before.
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

/// The same for whoever only looks, and locks nothing.
pub(super) async fn load_unlocked(store: &Store, numbers: &[Number]) -> persistence::Result<ScanRouter> {
    let found = read::tracked_shipments_of(store, numbers).await?;
    let told = read::scans_of(store, &sharing_numbers(&found)).await?;
    Ok(ScanRouter::new(found, &told))
}

/// The webhooks that brought what should have passed on to another parcel of one of these numbers, and did not.
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
            // Whoever has something of a webhook has heard all that it says today.
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

/// The shipments that share their number with another: only there it matters what each has been told.
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

    /// Whether anybody ever had the number.
    pub fn knows_number(&self, number: &Number) -> bool {
        self.newest_first.contains_key(number)
    }

    /// Whose a scan of a shipment with that number is. What happened up to a delivery is the delivered shipment's,
    /// however late we hear of it: nobody else had the number then. A scan that is older than every order goes to the
    /// oldest shipment, where it counts for nothing and can be seen.
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

    /// The scan with the earliest arrival that is known of it, where that stands in for its time.
    fn date_by_arrival<'a>(&self, scan: &'a Scan) -> Cow<'a, Scan> {
        match self.first_received_at.get(&scan.identity) {
            Some(&occurred_at) if scan.time_estimated && occurred_at < scan.occurred_at => {
                Cow::Owned(Scan { occurred_at, ..scan.clone() })
            }
            Some(_) | None => Cow::Borrowed(scan),
        }
    }
}

/// Whether the shipment was on its way when it was told this.
fn is_permanently_routed(stored: &StoredScan, shipment: &TrackedShipment) -> bool {
    let StoredScan { scan, called_off, .. } = stored;
    let is_up_to_delivery = shipment.delivered_at.is_none() || happened_before_delivery(scan, shipment);
    !called_off && is_up_to_delivery && !is_too_old(scan, shipment.placed_at)
}

/// Whether it happened up to the delivery of that shipment. Of what arrived behind it a clock without a zone may say
/// that it happened before.
fn happened_before_delivery(scan: &Scan, delivered: &TrackedShipment) -> bool {
    let happened = scan.clock().min(scan.occurred_at.naive_utc());
    delivered.delivered_at.is_some_and(|at| happened <= at.naive_utc())
}
