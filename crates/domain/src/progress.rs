//! How far an order is, in words and figures for people.

use crate::{
    item::Item,
    rollup::carrying,
    shipment::{Rank, Shipment},
    status::OrderStatus,
};

/// Units and parcels, counted by how far they are. Cancelled units and parcels do not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Units still wanted.
    pub items_total: u32,
    /// Units with a carrier or further.
    pub items_shipped: u32,
    /// Units handed over.
    pub items_delivered: u32,
    /// Units that came back.
    pub items_returned: u32,
    /// Live parcels.
    pub shipments_total: u32,
    /// Parcels with a carrier or further.
    pub shipments_shipped: u32,
    /// Parcels handed over.
    pub shipments_delivered: u32,
    /// One sentence, counted in units.
    pub summary: String,
}

/// Counts the units and parcels of an order. Where no parcel is known (the merchant tracks elsewhere), the
/// order's status speaks for every unit.
pub fn progress(status: OrderStatus, items: &[Item], shipments: &[Shipment]) -> Progress {
    let items_total = items.iter().map(Item::wanted).sum();
    let count = |rank: Rank| carrying(shipments).filter(|s| s.status().rank() >= rank).count() as u32;
    let shipments_total = count(Rank::Labelled);
    let units = |rank: Rank| -> u32 {
        if shipments_total == 0 {
            return if by_hand(status) >= rank { items_total } else { 0 };
        }
        let far = || carrying(shipments).filter(|shipment| shipment.status().rank() >= rank);
        items.iter().map(|item| item.units_in(far())).sum()
    };
    let (items_shipped, items_delivered) = (units(Rank::Shipped), units(Rank::Delivered));
    Progress {
        items_total,
        items_shipped,
        items_delivered,
        items_returned: if status == OrderStatus::Returned { items_delivered } else { 0 },
        shipments_total,
        shipments_shipped: count(Rank::Shipped),
        shipments_delivered: count(Rank::Delivered),
        summary: summary(status, items_total, items_shipped, items_delivered),
    }
}

fn by_hand(status: OrderStatus) -> Rank {
    match status {
        OrderStatus::Placed
        | OrderStatus::PaymentConfirmed
        | OrderStatus::Processing
        | OrderStatus::Cancelled => Rank::None,
        OrderStatus::AwaitingPickup => Rank::Labelled,
        OrderStatus::Shipped => Rank::Shipped,
        OrderStatus::OutForDelivery => Rank::OutForDelivery,
        OrderStatus::Delivered | OrderStatus::ReturnInitiated | OrderStatus::Returned => Rank::Delivered,
    }
}

fn summary(status: OrderStatus, total: u32, shipped: u32, delivered: u32) -> String {
    match status {
        OrderStatus::Cancelled => return "cancelled".to_owned(),
        OrderStatus::ReturnInitiated => return "return under way".to_owned(),
        OrderStatus::Returned => return "returned".to_owned(),
        OrderStatus::Placed
        | OrderStatus::PaymentConfirmed
        | OrderStatus::Processing
        | OrderStatus::AwaitingPickup
        | OrderStatus::Shipped
        | OrderStatus::OutForDelivery
        | OrderStatus::Delivered => {}
    }
    let items = if total == 1 { "item" } else { "items" };
    match (shipped, delivered) {
        (0, _) => format!("nothing shipped yet: {total} {items}"),
        (_, delivered) if delivered == total => format!("delivered: {total} of {total} {items}"),
        (shipped, 0) if shipped < total => format!("partial shipment: {shipped} of {total} {items} shipped"),
        (shipped, delivered) if shipped < total => {
            format!("partial shipment: {shipped} of {total} {items} shipped, {delivered} delivered")
        }
        (_, 0) => format!("shipped: {total} of {total} {items}"),
        (_, delivered) => format!("partial delivery: {delivered} of {total} {items} delivered"),
    }
}
