//! The lines of an order, and which of their units are where.

use crate::{
    actor::{Actor, ActorKind},
    ids::ItemId,
    rollup::{live_shipments, rank_without_shipments},
    shipment::{Origin, OriginKind, Rank, Shipment},
    status::OrderStatus,
    string_enum::string_enum,
    supplier_commitment::SupplierCommitment,
};

string_enum! {
    /// How the merchant planned to fulfil an order. What happens is told by the origins.
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
    /// The path that the planned origins of the items amount to.
    pub fn planned<'a>(origins: impl Iterator<Item = Option<&'a Origin>>) -> Self {
        let mut seen: Vec<&Origin> = origins.flatten().collect();
        if seen.iter().any(|origin| origin.kind == OriginKind::Supplier) {
            return Self::Dropship;
        }
        seen.sort_by_key(|origin| &origin.code);
        seen.dedup();
        if seen.len() > 1 { Self::SplitShipment } else { Self::SingleWarehouse }
    }
}

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its id.
    pub id: ItemId,
    /// The merchant's stock keeping unit.
    pub sku: String,
    /// What the customer calls it.
    pub name: String,
    /// Units ordered, at least one.
    pub quantity: u32,
    /// Units called off because they cannot be shipped. They leave the roll-up.
    pub cancelled: u32,
    /// Why units of it were last called off.
    pub cancel_reason: Option<String>,
    /// Where it is planned to come from.
    pub origin: Option<Origin>,
    /// What is agreed with the supplier, where the origin is one.
    pub commitment: SupplierCommitment,
    /// Units asked back.
    pub return_requested: u32,
    /// Why units of it were last asked back.
    pub return_reason: Option<String>,
    /// Units that came back, of those asked back.
    pub returned: u32,
}

impl Item {
    /// Units the customer still waits for or has.
    pub fn wanted(&self) -> u32 {
        self.quantity.saturating_sub(self.cancelled)
    }

    /// Units in shipments that satisfy the condition.
    pub fn units_in<'a>(&self, shipments: impl IntoIterator<Item = &'a Shipment>) -> u32 {
        let lines = shipments.into_iter().flat_map(|shipment| &shipment.lines);
        lines.filter(|line| line.item_id == self.id).map(|line| line.quantity).sum()
    }

    /// Units in live shipments.
    pub fn allocated(&self, shipments: &[Shipment]) -> u32 {
        self.units_in(shipments.iter().filter(|shipment| shipment.is_live()))
    }

    /// Units that wait for a shipment.
    pub fn unallocated(&self, shipments: &[Shipment]) -> u32 {
        self.wanted().saturating_sub(self.allocated(shipments))
    }

    /// Units that are at least that far. Where no shipment is known (the merchant tracks elsewhere), the order's
    /// status speaks for every unit. So it does once it is delivered: whatever a shipment is said to be since, it
    /// never goes back.
    pub fn units_at(&self, rank: Rank, status: OrderStatus, shipments: &[Shipment]) -> u32 {
        let by_order = rank_without_shipments(status);
        if by_order == Rank::Delivered || live_shipments(shipments).next().is_none() {
            return if by_order >= rank { self.wanted() } else { 0 };
        }
        self.units_in(live_shipments(shipments).filter(|shipment| shipment.status().rank() >= rank))
    }

    /// Whether the actor may put it into a shipment: staff may; a supplier only what it ships itself.
    pub fn may_be_shipped_by(&self, actor: &Actor) -> bool {
        match actor.kind {
            ActorKind::System | ActorKind::Support => true,
            ActorKind::Supplier => self.is_supplied_by(actor),
            ActorKind::Carrier | ActorKind::Customer => false,
        }
    }

    /// Whether the actor may name it in a request. To a supplier, items of others do not exist.
    pub fn may_be_named_by(&self, actor: &Actor) -> bool {
        match actor.kind {
            ActorKind::System | ActorKind::Support | ActorKind::Carrier | ActorKind::Customer => true,
            ActorKind::Supplier => self.is_supplied_by(actor),
        }
    }

    /// Whether the actor is the supplier who ships it.
    pub fn is_supplied_by(&self, actor: &Actor) -> bool {
        self.origin.as_ref().is_some_and(|origin| origin.is(actor))
    }
}
