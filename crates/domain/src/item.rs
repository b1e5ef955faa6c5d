//! The items of an order, and where their units are.
//!
//! The files of `order/`, the roll-up and the progress count units with these functions; `api` shows them. Only
//! `overdue` compares with a clock. The functions that begin with `may_` and `is_` answer for one actor: `app::access`
//! asks `is_supplied_by`, the requests of `order/` the others.

use chrono::{DateTime, Utc};

use crate::{
    actor::{Actor, ActorKind},
    ids::ItemId,
    shipment::{Origin, OriginKind, Shipment, live_shipments},
    shipment_status::{Rank, rank_without_shipments},
    status::OrderStatus,
    string_enum::string_enum,
    supplier_commitment::{Deadlines, Overdue, SupplierCommitment},
};

string_enum! {
    /// How the merchant planned to fulfil an order. The origins of its shipments say what happens.
    pub enum FulfillmentPath ("fulfillment path") {
        /// One origin, normally one shipment.
        SingleWarehouse => "single_warehouse",
        /// Several shipments, from several warehouses or at several times.
        SplitShipment => "split_shipment",
        /// A supplier ships to the customer.
        Dropship => "dropship",
    }
}

impl FulfillmentPath {
    /// The path that the planned origins of the items suggest.
    pub fn suggested_by<'a>(origins: impl Iterator<Item = Option<&'a Origin>>) -> Self {
        let mut seen: Vec<&Origin> = origins.flatten().collect();
        if seen.iter().any(|origin| origin.kind == OriginKind::Supplier) {
            return Self::Dropship;
        }
        seen.sort_by_key(|origin| &origin.code);
        seen.dedup();
        if seen.len() > 1 { Self::SplitShipment } else { Self::SingleWarehouse }
    }
}

/// One position of an order: a SKU and a quantity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The id of the item.
    pub id: ItemId,
    /// The merchant's stock keeping unit.
    pub sku: String,
    /// The name of the item, as the customer knows it.
    pub name: String,
    /// Units ordered, at least one.
    pub quantity: u32,
    /// Units that were cancelled because they cannot be shipped. They do not count in the roll-up.
    pub cancelled: u32,
    /// The reason of the latest cancellation of units.
    pub cancel_reason: Option<String>,
    /// The planned origin, if there is a plan.
    pub origin: Option<Origin>,
    /// What is agreed with the supplier, if the origin is one.
    pub commitment: SupplierCommitment,
    /// Units that were asked back.
    pub return_requested: u32,
    /// The reason of the latest request for a return.
    pub return_reason: Option<String>,
    /// Units that came back, out of the units that were asked back.
    pub returned: u32,
    /// Units that were asked back and are not expected any more, out of the units that were asked back.
    pub return_written_off: u32,
    /// The item that these units belonged to before the supplier declined them and not the rest.
    pub split_from: Option<ItemId>,
}

impl Item {
    /// Units that the customer still waits for or has: ordered, less cancelled.
    pub fn wanted(&self) -> u32 {
        self.quantity.saturating_sub(self.cancelled)
    }

    /// Units in these shipments.
    pub fn units_in<'a>(&self, shipments: impl IntoIterator<Item = &'a Shipment>) -> u32 {
        let lines = shipments.into_iter().flat_map(|shipment| &shipment.lines);
        lines.filter(|line| line.item_id == self.id).map(|line| line.quantity).sum()
    }

    /// Units in live shipments.
    pub fn allocated(&self, shipments: &[Shipment]) -> u32 {
        self.units_in(live_shipments(shipments))
    }

    /// Wanted units that wait for a shipment.
    pub fn unallocated(&self, shipments: &[Shipment]) -> u32 {
        self.wanted().saturating_sub(self.allocated(shipments))
    }

    /// Units that are at `rank` or further.
    ///
    /// 1. Once the order is delivered, its status decides for all units. An order never goes back, whatever is
    ///    reported of a shipment later.
    /// 2. If the order never had a shipment, its status decides too: the merchant tracks elsewhere.
    /// 3. In all other cases the shipments of the units decide. So nothing counts as shipped if all shipments were
    ///    called off.
    pub fn units_at(&self, rank: Rank, status: OrderStatus, shipments: &[Shipment]) -> u32 {
        let by_order = rank_without_shipments(status);
        if by_order == Rank::Delivered || shipments.is_empty() {
            return if by_order >= rank { self.wanted() } else { 0 };
        }
        self.units_in(live_shipments(shipments).filter(|shipment| shipment.status().rank() >= rank))
    }

    /// Whether the actor may put it into a shipment. Staff may; a supplier may if it ships the item itself.
    pub fn may_be_shipped_by(&self, actor: &Actor) -> bool {
        match actor.kind {
            ActorKind::System | ActorKind::Support => true,
            ActorKind::Supplier => self.is_supplied_by(actor),
            ActorKind::Carrier | ActorKind::Customer => false,
        }
    }

    /// Whether the actor may name it in a request. For a supplier, items of others do not exist.
    pub fn may_be_named_by(&self, actor: &Actor) -> bool {
        match actor.kind {
            ActorKind::System | ActorKind::Support | ActorKind::Carrier | ActorKind::Customer => true,
            ActorKind::Supplier => self.is_supplied_by(actor),
        }
    }

    /// Whether the actor is the supplier of this item.
    pub fn is_supplied_by(&self, actor: &Actor) -> bool {
        self.origin.as_ref().is_some_and(|origin| origin.is_supplier(actor))
    }

    /// What the supplier is late with at `now`. `None` if the order takes no more shipments, if no unit is wanted, or
    /// if a carrier has every wanted unit.
    pub fn overdue(
        &self,
        shipments: &[Shipment],
        status: OrderStatus,
        now: DateTime<Utc>,
    ) -> Option<Overdue> {
        if !status.is_open() || self.wanted() == 0 {
            return None;
        }
        let Deadlines { accept_by, ship_by } = self.commitment.deadlines;
        let passed = |deadline: Option<DateTime<Utc>>| deadline.is_some_and(|deadline| deadline < now);
        let shipped = self.units_at(Rank::Shipped, status, shipments);
        // Units that others ship for the supplier count as shipped. For the rest, the supplier must still answer.
        if shipped >= self.wanted() {
            return None;
        }
        if passed(accept_by) && self.commitment.answer.is_none() {
            return Some(Overdue::AcceptBy);
        }
        passed(ship_by).then_some(Overdue::ShipBy)
    }
}
