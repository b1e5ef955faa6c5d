//! What may follow what, in general and for one order and one caller.

use async_graphql::{ComplexObject, Context, Result, SimpleObject};
use domain::ShipmentId;

use super::{
    enums::{BlockerCode, OrderStatus},
    limits::weights::{SHIPMENTS, list},
    order::Order,
    shipment::{Shipment, shipments_of},
};

/// Whether the caller may bring an order into a status now.
#[derive(SimpleObject)]
pub struct AllowedTransition {
    /// The status.
    to: OrderStatus,
    /// Whether `transitionOrder` would be granted. For the present status it is, and changes nothing.
    allowed: bool,
    /// What stands in the way. Null when it is allowed.
    blocked_by: Option<Blocker>,
}

impl AllowedTransition {
    pub(super) fn new(order: &Order, to: domain::OrderStatus, blocker: Option<domain::Blocker>) -> Self {
        let blocked_by = blocker.map(|blocker| Blocker::new(order.clone(), blocker));
        Self { to: to.into(), allowed: blocked_by.is_none(), blocked_by }
    }
}

/// What stands between an order and a status.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct Blocker {
    /// The reason, for programs.
    code: BlockerCode,
    /// The reason, for people.
    message: String,
    #[graphql(skip)]
    order: Order,
    #[graphql(skip)]
    ids: Vec<ShipmentId>,
}

impl Blocker {
    pub(super) fn new(order: Order, blocker: domain::Blocker) -> Self {
        Self { code: blocker.code.into(), message: blocker.message, order, ids: blocker.shipments }
    }
}

#[ComplexObject]
impl Blocker {
    /// The shipments that are behind, or moving.
    #[graphql(complexity = "list(SHIPMENTS, child_complexity)")]
    async fn shipments(&self, ctx: &Context<'_>) -> Result<Vec<Shipment>> {
        if self.ids.is_empty() {
            return Ok(vec![]);
        }
        let shipments = shipments_of(ctx, &self.order).await?;
        Ok(shipments.into_iter().filter(|shipment| shipment.is_among(&self.ids)).collect())
    }
}

/// One row of the table of transitions.
#[derive(SimpleObject)]
pub struct StateMachineEdge {
    /// The status before.
    from: OrderStatus,
    /// A status that may follow.
    to: OrderStatus,
}

/// The table of transitions.
pub(super) fn state_machine() -> Vec<StateMachineEdge> {
    let edge = |(from, to): (domain::OrderStatus, domain::OrderStatus)| StateMachineEdge {
        from: from.into(),
        to: to.into(),
    };
    domain::TRANSITIONS.into_iter().map(edge).collect()
}
