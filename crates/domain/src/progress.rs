//! The progress of an order, for people: numbers of units and shipments, and a sentence.

use crate::{
    item::Item,
    shipment::{Rank, Shipment, live_shipments},
    status::OrderStatus,
};

/// How many units and shipments of an order are how far. Cancelled ones do not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Units that are wanted: ordered, less cancelled.
    pub items_total: u32,
    /// Units that a carrier has, or that are further.
    pub items_shipped: u32,
    /// Units that were delivered.
    pub items_delivered: u32,
    /// Units that came back.
    pub items_returned: u32,
    /// Shipments that are not cancelled.
    pub shipments_total: u32,
    /// Shipments that a carrier has, or that are further.
    pub shipments_shipped: u32,
    /// Shipments that were delivered.
    pub shipments_delivered: u32,
    /// One sentence, which counts units.
    pub summary: String,
}

/// Counts the units and shipments of an order. [`Item::units_at`] says when the order's status counts instead of its
/// shipments.
pub fn progress(status: OrderStatus, items: &[Item], shipments: &[Shipment]) -> Progress {
    let sum = |units: &dyn Fn(&Item) -> u32| items.iter().map(units).sum::<u32>();
    let count = |rank: Rank| live_shipments(shipments).filter(|s| s.status().rank() >= rank).count() as u32;
    let units = |rank: Rank| sum(&|item| item.units_at(rank, status, shipments));
    let mut progress = Progress {
        items_total: sum(&Item::wanted),
        items_shipped: units(Rank::Shipped),
        items_delivered: units(Rank::Delivered),
        items_returned: sum(&|item| item.returned),
        shipments_total: count(Rank::Labelled),
        shipments_shipped: count(Rank::Shipped),
        shipments_delivered: count(Rank::Delivered),
        summary: String::new(),
    };
    progress.summary = summary(status, &progress, sum(&|item| item.return_requested));
    progress
}

fn summary(status: OrderStatus, progress: &Progress, asked_back: u32) -> String {
    let Progress { items_total: total, items_shipped: shipped, items_delivered: delivered, .. } = *progress;
    let back = progress.items_returned;
    match status {
        OrderStatus::Cancelled => return "cancelled".to_owned(),
        OrderStatus::ReturnInitiated if asked_back == 0 => return "return under way".to_owned(),
        OrderStatus::ReturnInitiated => {
            return format!("return under way: {back} of {asked_back} {} back", items(asked_back));
        }
        OrderStatus::Returned if back < delivered => {
            return format!("returned: {back} of {delivered} {}", items(delivered));
        }
        OrderStatus::Returned => return "returned".to_owned(),
        OrderStatus::Placed
        | OrderStatus::PaymentConfirmed
        | OrderStatus::Processing
        | OrderStatus::AwaitingPickup
        | OrderStatus::Shipped
        | OrderStatus::OutForDelivery
        | OrderStatus::Delivered => {}
    }
    let items = items(total);
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

fn items(count: u32) -> &'static str {
    if count == 1 { "item" } else { "items" }
}
