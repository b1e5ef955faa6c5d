//! The roll-up: an order is as far as its slowest unit.
//!
//! `order/advance.rs` asks `find_slowest_rank`, `status_of_rank` and `time_of_rank`. The guard asks `find_slowest_rank`
//! and `rank_needed_for`. `app` and `api` show `is_status_disputed`, which counts units in no shipment too.
//!
//! `find_rank_time` is `None` if the shipment has not reached the rank.

use crate::{
    item::Item,
    shipment::{Reached, Shipment, Tracking, live_shipments},
    shipment_status::{Rank, rank_without_shipments},
    status::OrderStatus,
};

/// The rank of the slowest wanted unit. `None` if no unit is wanted.
pub fn find_slowest_rank(items: &[Item], shipments: &[Shipment]) -> Option<Rank> {
    let waiting = items.iter().any(|item| item.unallocated(shipments) > 0);
    if waiting {
        return Some(Rank::None);
    }
    if items.iter().all(|item| item.wanted() == 0) {
        return None;
    }
    live_shipments(shipments).map(Shipment::outbound_rank).min()
}

/// Whether the order stands further than its shipments: it is delivered or further, and a unit in its live shipments is
/// not delivered. This happens when a scan is retracted, or gets another meaning, after the order was delivered: an
/// order never goes back.
pub fn is_status_disputed(status: OrderStatus, items: &[Item], shipments: &[Shipment]) -> bool {
    rank_without_shipments(status) == Rank::Delivered
        && live_shipments(shipments).next().is_some()
        && find_slowest_rank(items, shipments).is_some_and(|rank| rank < Rank::Delivered)
}

/// The furthest status that an order may have if its slowest unit has this rank.
pub const fn status_of_rank(rank: Rank) -> Option<OrderStatus> {
    match rank {
        Rank::None => None,
        Rank::Labelled => Some(OrderStatus::AwaitingPickup),
        Rank::Shipped => Some(OrderStatus::Shipped),
        Rank::OutForDelivery => Some(OrderStatus::OutForDelivery),
        Rank::Delivered => Some(OrderStatus::Delivered),
    }
}

/// The rank that every unit needs before the order may have this status. `None` for a status that does not depend on
/// shipments.
pub const fn rank_needed_for(status: OrderStatus) -> Option<Rank> {
    match status {
        OrderStatus::Shipped => Some(Rank::Shipped),
        OrderStatus::OutForDelivery => Some(Rank::OutForDelivery),
        OrderStatus::Delivered => Some(Rank::Delivered),
        OrderStatus::Placed
        | OrderStatus::PaymentConfirmed
        | OrderStatus::Processing
        | OrderStatus::AwaitingPickup
        | OrderStatus::Cancelled
        | OrderStatus::ReturnInitiated
        | OrderStatus::Returned => None,
    }
}

/// When all live shipments had reached a rank. `None` if one of them has not, or if there is none.
pub(crate) fn time_of_rank(shipments: &[Shipment], rank: Rank) -> Option<Reached> {
    live_shipments(shipments)
        .map(|shipment| find_rank_time(shipment, rank))
        .reduce(|one, other| match (one, other) {
            (Some(a), Some(b)) => Some(Reached { at: a.at.max(b.at), inferred: a.inferred || b.inferred }),
            _ => None,
        })
        .flatten()
}

fn find_rank_time(shipment: &Shipment, rank: Rank) -> Option<Reached> {
    let Tracking { shipped, out_for_delivery, delivered_at, .. } = shipment.tracking;
    match rank {
        Rank::None | Rank::Labelled => Some(Reached { at: shipment.created_at, inferred: false }),
        Rank::Shipped => shipped,
        Rank::OutForDelivery => out_for_delivery,
        Rank::Delivered => delivered_at.map(|at| Reached { at, inferred: false }),
    }
}
