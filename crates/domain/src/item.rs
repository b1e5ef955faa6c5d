//! The lines of an order, and which of their units are where.

use crate::{
    actor::{Actor, ActorKind},
    ids::ItemId,
    name::names,
    shipment::{Origin, OriginKind, Shipment},
};

names! {
    /// How the merchant planned to fulfil an order. What happens is told by the origins.
    pub enum FulfillmentPath ("fulfillment path") {
        /// One origin, normally one parcel.
        SingleWarehouse => "single_warehouse",
        /// Several parcels, from several warehouses or at several times.
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
}

impl Item {
    /// Units the customer still waits for or has.
    pub fn wanted(&self) -> u32 {
        self.quantity.saturating_sub(self.cancelled)
    }

    /// Units in parcels that satisfy the condition.
    pub fn units_in<'a>(&self, shipments: impl IntoIterator<Item = &'a Shipment>) -> u32 {
        let lines = shipments.into_iter().flat_map(|shipment| &shipment.lines);
        lines.filter(|line| line.item_id == self.id).map(|line| line.quantity).sum()
    }

    /// Units in live parcels.
    pub fn allocated(&self, shipments: &[Shipment]) -> u32 {
        self.units_in(shipments.iter().filter(|shipment| shipment.is_live()))
    }

    /// Units that wait for a parcel.
    pub fn unallocated(&self, shipments: &[Shipment]) -> u32 {
        self.wanted().saturating_sub(self.allocated(shipments))
    }

    /// Whether the actor may put it into a parcel: staff may; a supplier only what it ships itself.
    pub fn may_be_shipped_by(&self, actor: &Actor) -> bool {
        match actor.kind {
            ActorKind::System | ActorKind::Support => true,
            ActorKind::Supplier => self.origin.as_ref().is_some_and(|origin| {
                origin.kind == OriginKind::Supplier && Some(&origin.code) == actor.id.as_ref()
            }),
            ActorKind::Carrier | ActorKind::Customer => false,
        }
    }
}
