//! The progress of an order, for people: numbers of units and shipments, and a sentence.
//!
//! `api`, the tracking page and the mails show it, `app::access` computes it for each caller. `progress` counts and
//! calls `summary` for the sentence, which is in English and has no full stop. `of_closed` puts "closed: " before the
//! sentence of a closed order, unless all wanted units were delivered.

use crate::{
    item::Item,
    rollup::is_status_disputed,
    shipment::{Shipment, live_shipments},
    shipment_status::{Rank, ShipmentStatus},
    status::OrderStatus,
};

/// How many units and shipments of an order are how far. Cancelled ones count only in `items_cancelled`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Units that are wanted: ordered, less cancelled.
    pub items_total: u32,
    /// Units that were called off and will not come.
    pub items_cancelled: u32,
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
    /// One sentence, which counts units. If units were called off, it counts them among all that were ordered, and says
    /// how many are not coming.
    pub summary: String,
}

/// Counts the units and shipments of an order. [`Item::units_at`] says when the order's status counts instead of its
/// shipments.
pub fn progress(status: OrderStatus, items: &[Item], shipments: &[Shipment]) -> Progress {
    // A delivery that was retracted counts no more, although the order keeps its status.
    let status = match status {
        OrderStatus::Delivered if is_status_disputed(status, items, shipments) => OrderStatus::Shipped,
        status => status,
    };
    let sum = |units: &dyn Fn(&Item) -> u32| items.iter().map(units).sum::<u32>();
    let count = |rank: Rank| live_shipments(shipments).filter(|s| s.status().rank() >= rank).count() as u32;
    let units = |rank: Rank| sum(&|item| item.units_at(rank, status, shipments));
    let mut progress = Progress {
        items_total: sum(&Item::wanted),
        items_cancelled: sum(&|item| item.cancelled),
        items_shipped: units(Rank::Shipped),
        items_delivered: units(Rank::Delivered),
        items_returned: sum(&|item| item.returned),
        shipments_total: count(Rank::Labelled),
        shipments_shipped: count(Rank::Shipped),
        shipments_delivered: count(Rank::Delivered),
        summary: String::new(),
    };
    let sent_back = || live_shipments(shipments).filter(|s| s.status() == ShipmentStatus::ReturnedToSender);
    let returning = sum(&|item| item.units_in(sent_back()));
    let written_off = sum(&|item| item.return_written_off);
    let asked_back = sum(&|item| item.return_requested).saturating_sub(written_off);
    progress.summary = summarize(status, &progress, asked_back, written_off, returning);
    progress
}

impl Progress {
    /// The progress of an order that is closed or not. The summary of a closed order says so where units are
    /// outstanding: they are not coming.
    pub fn of_closed(self, closed: bool) -> Self {
        if !closed || self.items_total == self.items_delivered {
            return self;
        }
        Self { summary: format!("closed: {}", self.summary), ..self }
    }
}

fn summarize(
    status: OrderStatus,
    progress: &Progress,
    asked_back: u32,
    written_off: u32,
    returning: u32,
) -> String {
    let back = progress.items_returned;
    let delivered = progress.items_delivered;
    match status {
        OrderStatus::Cancelled => return "cancelled".to_owned(),
        OrderStatus::ReturnInitiated if asked_back == 0 && written_off > 0 => {
            return format!("return ended: {written_off} {} not sent back", item_word(written_off));
        }
        OrderStatus::ReturnInitiated if asked_back == 0 => return "return under way".to_owned(),
        OrderStatus::ReturnInitiated => {
            return format!("return under way: {back} of {asked_back} {} back", item_word(asked_back));
        }
        OrderStatus::Returned if back < delivered => {
            return format!("returned: {back} of {delivered} {}", item_word(delivered));
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
    let called_off = progress.items_cancelled;
    match (progress.items_total, called_off) {
        (0, 1) => return "the only item was called off".to_owned(),
        (0, _) => return format!("all {called_off} items called off"),
        _ => {}
    }
    let mut summary = summarize_units(status, progress);
    if called_off > 0 {
        summary += &format!("; {called_off} called off");
    }
    if returning > 0 {
        summary += &format!("; {returning} returned to the sender");
    }
    summary
}

/// How far the wanted units are, of an order whose status says nothing else.
fn summarize_units(status: OrderStatus, progress: &Progress) -> String {
    let Progress { items_total: wanted, items_shipped: shipped, items_delivered: delivered, .. } = *progress;
    let ordered = wanted + progress.items_cancelled;
    let is_all = ordered == wanted;
    let items = item_word(ordered);
    match (shipped, delivered) {
        // Its shipments were called off after it was shipped.
        (0, _) if matches!(status, OrderStatus::Shipped | OrderStatus::OutForDelivery) => {
            format!("nothing on its way: 0 of {ordered} {items} shipped")
        }
        (0, _) if is_all => format!("nothing shipped yet: {wanted} {items}"),
        (0, _) => format!("nothing shipped yet: {wanted} of {ordered} {items} to come"),
        (_, delivered) if delivered == wanted && is_all => {
            format!("delivered: {delivered} of {ordered} {items}")
        }
        (_, delivered) if delivered == wanted => format!("{delivered} of {ordered} {items} delivered"),
        (shipped, 0) if shipped < wanted => {
            format!("partial shipment: {shipped} of {ordered} {items} shipped")
        }
        (shipped, delivered) if shipped < wanted => {
            format!("partial shipment: {shipped} of {ordered} {items} shipped, {delivered} delivered")
        }
        (_, 0) if is_all => format!("shipped: {shipped} of {ordered} {items}"),
        (_, 0) => format!("{shipped} of {ordered} {items} shipped"),
        (_, delivered) => format!("partial delivery: {delivered} of {ordered} {items} delivered"),
    }
}

fn item_word(count: u32) -> &'static str {
    if count == 1 { "item" } else { "items" }
}
