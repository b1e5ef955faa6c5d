//! A test's order that gets one request after the other, and whose invariants are checked after each.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    ActivityKind, Actor, ActorKind, Deadlines, DeclinedUnits, FULFILMENT_SEQUENCE, Item, ItemQuantity,
    NewShipment, Order, OrderStatus, Origin, OriginKind, Outcome, Rank, Refusal, Request, Scan, ScanEffect,
    ScanIdentity, ScanOutcome, Shipment, ShipmentId, ShipmentStatus, TRANSITIONS, Tracking,
};

use super::{
    VERSION, assert_same, assert_unchanged, by, fedex, item_id, items, lines, milestone, order,
    position_of_rank, shipment_id, slowest_by_hand, transition_to,
};

/// An order that gets one request a minute. The scans of its shipments are remembered.
pub struct Story {
    pub order: Order,
    pub now: i64,
    pub actor: Actor,
    scans: BTreeMap<ShipmentId, Vec<Scan>>,
}

impl Story {
    /// An order with this status, with one item for each quantity.
    pub fn new(status: OrderStatus, quantities: &[u32]) -> Self {
        Self::of(order(status, items(quantities), vec![]))
    }

    pub fn of(order: Order) -> Self {
        Self { order, now: 1, actor: Actor::SYSTEM, scans: BTreeMap::new() }
    }

    pub fn ask(&mut self, request: Request) -> Result<Outcome, Refusal> {
        let before = self.order.clone();
        let answer = self.order.apply(request, None, &by(self.actor.clone(), self.now));
        self.now += 1;
        match &answer {
            Ok(outcome) if outcome.changed => {}
            Ok(outcome) => {
                assert_unchanged(&before, &self.order);
                let new =
                    outcome.scan_outcomes.iter().filter(|one| matches!(one, ScanOutcome::New(_))).count();
                let by_hand = if self.actor.kind == ActorKind::Carrier { 0 } else { new };
                let activities = |order: &Order| order.changes().activities.len();
                assert_eq!(activities(&self.order), activities(&before) + by_hand);
            }
            Err(_) => assert_same(&before, &self.order),
        }
        self.assert_sound();
        answer
    }

    pub fn go(&mut self, to: OrderStatus) -> Result<Outcome, Refusal> {
        self.ask(transition_to(to))
    }

    /// Registers shipment `number` with FedEx and the tracking number `N{number}`.
    pub fn ship(&mut self, number: u32, of: &[(u32, u32)]) -> Result<Outcome, Refusal> {
        self.ship_as(number, &format!("N{number}"), Some(lines(of)))
    }

    pub fn ship_as(
        &mut self,
        id: u32,
        number: &str,
        of: Option<Vec<ItemQuantity>>,
    ) -> Result<Outcome, Refusal> {
        self.ship_from(None, id, number, of)
    }

    pub fn ship_from(
        &mut self,
        origin: Option<Origin>,
        id: u32,
        number: &str,
        of: Option<Vec<ItemQuantity>>,
    ) -> Result<Outcome, Refusal> {
        self.ask(Request::CreateShipment(NewShipment {
            id: shipment_id(id),
            tracking_number: fedex(number),
            further_numbers: vec![],
            shares_numbers: false,
            origin,
            lines: of,
            estimated_delivery: None,
        }))
    }

    pub fn accept(&mut self, of: &[u32]) -> Result<Outcome, Refusal> {
        self.ask(Request::AcceptItems { items: of.iter().copied().map(item_id).collect() })
    }

    pub fn decline(&mut self, of: &[u32]) -> Result<Outcome, Refusal> {
        let items = of.iter().copied().map(item_id).collect();
        self.ask(Request::DeclineItems { items, reason: "sold out".to_owned() })
    }

    /// Declines these units. Of an item that is split, the new item has the number `100 + number`.
    pub fn decline_units(&mut self, of: &[(u32, u32)]) -> Result<Outcome, Refusal> {
        let unit = |&(number, quantity): &(u32, u32)| DeclinedUnits {
            line: ItemQuantity { item_id: item_id(number), quantity },
            new_item: item_id(100 + number),
        };
        let units = of.iter().map(unit).collect();
        self.ask(Request::DeclineUnits { units, reason: "sold out".to_owned() })
    }

    pub fn close(&mut self) -> Result<Outcome, Refusal> {
        self.ask(Request::Close { reason: "refunded".to_owned() })
    }

    pub fn reopen(&mut self) -> Result<Outcome, Refusal> {
        self.ask(Request::Reopen { reason: "it was found".to_owned() })
    }

    pub fn is_closed(&self) -> bool {
        self.order.head().closed.is_some()
    }

    /// The kinds of the activities since the story began.
    pub fn activities(&self) -> Vec<ActivityKind> {
        self.order.changes().activities.iter().map(|activity| activity.kind).collect()
    }

    pub fn reassign(&mut self, of: &[u32], origin: Origin, deadlines: Deadlines) -> Result<Outcome, Refusal> {
        let items = of.iter().copied().map(item_id).collect();
        self.ask(Request::ReassignItems { items, origin, deadlines })
    }

    pub fn ask_back(&mut self, of: Option<&[(u32, u32)]>) -> Result<Outcome, Refusal> {
        self.ask(Request::InitiateReturn { lines: of.map(lines), reason: "too small".to_owned() })
    }

    pub fn receive(&mut self, of: Option<&[(u32, u32)]>) -> Result<Outcome, Refusal> {
        self.ask(Request::ReceiveReturn { lines: of.map(lines), notes: Some("as new".to_owned()) })
    }

    pub fn write_off(&mut self, of: Option<&[(u32, u32)]>) -> Result<Outcome, Refusal> {
        self.ask(Request::WriteOffReturn { lines: of.map(lines), reason: "never sent".to_owned() })
    }

    /// Registers return shipment `number` with FedEx and the tracking number `N{number}`.
    pub fn send_back(&mut self, number: u32, of: Option<&[(u32, u32)]>) -> Result<Outcome, Refusal> {
        self.ask(Request::CreateReturnShipment(NewShipment {
            id: shipment_id(number),
            tracking_number: fedex(&format!("N{number}")),
            further_numbers: vec![],
            shares_numbers: false,
            origin: None,
            lines: of.map(lines),
            estimated_delivery: None,
        }))
    }

    /// From now on, this supplier makes the requests.
    pub fn as_supplier(&mut self, code: &str) -> &mut Self {
        self.actor = Actor::new(ActorKind::Supplier, code);
        self
    }

    /// From now on, the merchant's system makes the requests.
    pub fn as_staff(&mut self) -> &mut Self {
        self.actor = Actor::SYSTEM;
        self
    }

    pub fn item(&self, number: u32) -> &Item {
        &self.order.items()[number as usize - 1]
    }

    pub fn cancel_shipment(&mut self, number: u32) -> Result<Outcome, Refusal> {
        self.ask(Request::CancelShipment { id: shipment_id(number), reason: "mislaid".to_owned() })
    }

    pub fn cancel_items(&mut self, of: &[(u32, u32)]) -> Result<Outcome, Refusal> {
        self.ask(Request::CancelItems { lines: lines(of), reason: "sold out".to_owned() })
    }

    /// Records the carrier's scans of shipment `number` in one batch. Scans that are known already are repeats.
    pub fn scans(&mut self, number: u32, new: &[Scan]) -> Vec<ScanEffect> {
        let shipment = shipment_id(number);
        let known = self.scans.entry(shipment).or_default().clone();
        self.record_scans(shipment, known, new, BTreeSet::new())
    }

    /// Records scans as a replay does: they are read again, with today's meanings.
    pub fn replayed(&mut self, number: u32, incoming: &[Scan]) -> Vec<ScanEffect> {
        let shipment = shipment_id(number);
        let known = self.scans.entry(shipment).or_default().clone();
        let restated = incoming.iter().map(|scan| scan.identity).collect();
        self.record_scans(shipment, known, incoming, restated)
    }

    fn record_scans(
        &mut self,
        shipment: ShipmentId,
        known: Vec<Scan>,
        incoming: &[Scan],
        restated: BTreeSet<ScanIdentity>,
    ) -> Vec<ScanEffect> {
        let request = Request::Scans { shipment, known, incoming: incoming.to_vec(), restated };
        let asking = std::mem::replace(&mut self.actor, Actor::new(ActorKind::Carrier, "fedex"));
        let outcome = self.ask(request).expect("the carrier's word is taken in");
        self.actor = asking;
        let kept = self.scans.entry(shipment).or_default();
        let mut effects = Vec::new();
        for (scan, answer) in incoming.iter().zip(outcome.scan_outcomes) {
            match answer {
                ScanOutcome::New(effect) => {
                    kept.push(scan.clone());
                    effects.push(effect);
                }
                ScanOutcome::Repeated => effects.push(ScanEffect::Stale),
                ScanOutcome::Revised(merged, effect) => {
                    let old = kept.iter_mut().find(|old| old.identity == merged.identity);
                    *old.expect("only what we had is revised") = *merged;
                    effects.push(effect.unwrap_or(ScanEffect::Stale));
                }
            }
        }
        effects
    }

    /// Records a scan of shipment `number` with this status and the present time.
    pub fn scanned(&mut self, number: u32, status: ShipmentStatus) -> ScanEffect {
        let count = self.scans.values().map(Vec::len).sum::<usize>();
        self.scans(number, &[milestone(100 + count as u8, status, self.now)])[0]
    }

    pub fn status(&self) -> OrderStatus {
        self.order.head().status
    }

    pub fn tracking(&self, number: u32) -> &Tracking {
        &self.shipment(number).tracking
    }

    pub fn shipment(&self, number: u32) -> &Shipment {
        let found = self.order.shipments().iter().find(|shipment| shipment.id == shipment_id(number));
        found.expect("the parcel is registered")
    }

    /// The statuses that the order has reached since the story began.
    pub fn path(&self) -> Vec<OrderStatus> {
        self.order.changes().transitions.iter().map(|step| step.to()).collect()
    }

    pub fn summary(&self) -> String {
        domain::progress(self.status(), self.order.items(), self.order.shipments()).summary
    }

    /// Checks what holds of every order at any time.
    fn assert_sound(&self) {
        let head = self.order.head();
        for item in self.order.items() {
            let outbound = self.order.shipments().iter().filter(|shipment| shipment.is_outbound());
            let live = outbound.filter(|shipment| shipment.cancelled_at.is_none());
            assert!(item.cancelled <= item.quantity);
            assert!(item.units_in(live) <= item.wanted(), "{} could travel twice", item.sku);
            let allocated = item.allocated(self.order.shipments());
            let waiting = item.unallocated(self.order.shipments());
            assert_eq!(allocated + waiting + item.cancelled, item.quantity, "a unit of {} is lost", item.sku);
            self.assert_supply_sound(item);
            let delivered = item.units_at(Rank::Delivered, head.status, self.order.shipments());
            let ended = item.returned + item.return_written_off;
            assert!(ended <= item.return_requested && item.return_requested <= delivered);
            let has_return = matches!(head.status, OrderStatus::ReturnInitiated | OrderStatus::Returned);
            assert!(item.return_requested == 0 || has_return, "{} units of no return", item.sku);
            let back = self.order.shipments().iter().filter(|one| !one.is_outbound() && one.is_live());
            assert!(item.units_in(back) <= delivered, "{} comes back twice", item.sku);
        }
        assert!(!(self.is_closed() && head.status.is_terminal()), "{} is final and closed", head.status);
        let steps = &self.order.changes().transitions;
        for (step, version) in steps.iter().zip(VERSION + 1..) {
            assert_eq!(step.version(), version);
            let from = step.from().expect("only a placement has none");
            assert!(TRANSITIONS.contains(&(from, step.to())), "{from} to {} is not permitted", step.to());
        }
        for pair in steps.windows(2) {
            assert_eq!(pair[1].from(), Some(pair[0].to()));
            assert!(pair[0].occurred_at() <= pair[1].occurred_at());
        }
        assert_eq!(head.version, VERSION + steps.len() as i32);
        if let Some(last) = steps.last() {
            assert_eq!((head.status, head.occurred_at), (last.to(), last.occurred_at()));
        }
        let here = FULFILMENT_SEQUENCE.iter().position(|status| *status == head.status);
        if let (Some(here), Some(slowest)) = (here, slowest_by_hand(&self.order)) {
            assert!(here >= position_of_rank(slowest), "the order stands behind its slowest unit");
        }
    }
    /// Checks that only suppliers have deadlines and answers, and that no supplier ships an item that it declined.
    fn assert_supply_sound(&self, item: &Item) {
        let theirs = item.origin.as_ref().filter(|origin| origin.kind == OriginKind::Supplier);
        let Some(theirs) = theirs else {
            assert_eq!(
                item.commitment,
                domain::SupplierCommitment::default(),
                "{} has no supplier",
                item.sku
            );
            return;
        };
        let outbound = self.order.shipments().iter().filter(|shipment| shipment.is_outbound());
        let mut from_them = outbound.filter(|shipment| shipment.origin == *theirs);
        if item.commitment.declined().is_some() {
            let could =
                |shipment: &Shipment| shipment.cancelled_at.is_none() && item.units_in([shipment]) > 0;
            assert!(!from_them.any(could), "{} was declined and travels", item.sku);
        } else if item.commitment.accepted_at().is_none() {
            let ships = |shipment: &Shipment| shipment.is_live() && item.units_in([shipment]) > 0;
            let since_asked = self.order.changes().new_shipments.clone();
            let mut from_them = from_them.filter(|shipment| since_asked.contains(&shipment.id));
            assert!(!from_them.any(ships), "{} is shipped and not accepted", item.sku);
        }
    }
}
