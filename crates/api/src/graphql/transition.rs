//! The GraphQL types of transitions: the permitted transitions in general (`stateMachine`), and those that are possible
//! for one order and one caller (`allowedTransitions`).

use async_graphql::{ComplexObject, Context, Result, SimpleObject};
use domain::ShipmentId;

use super::{
    enums::{BlockerCode, OrderStatus},
    limits::weights::{SHIPMENTS, list},
    order::Order,
    shipment::{Shipment, shipments_of},
};

/// Whether the caller may give a status to an order now.
#[derive(SimpleObject)]
pub struct AllowedTransition {
    /// The status to which the order would change.
    to: OrderStatus,
    /// Whether `transitionOrder` to this status would succeed. True for the present status; that changes nothing.
    allowed: bool,
    /// What prevents the change. Null if it is allowed.
    blocked_by: Option<Blocker>,
}

impl AllowedTransition {
    pub(super) fn new(order: &Order, to: domain::OrderStatus, blocker: Option<domain::Blocker>) -> Self {
        let blocked_by = blocker.map(|blocker| Blocker::new(order.clone(), blocker));
        Self { to: to.into(), allowed: blocked_by.is_none(), blocked_by }
    }
}

/// What prevents an order from getting a status.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct Blocker {
    /// The reason, as a code for programs.
    code: BlockerCode,
    /// The reason, as text for people.
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
    /// The shipments that prevent the change. Only shipments that the caller may see.
    #[graphql(complexity = "list(SHIPMENTS, child_complexity)")]
    async fn shipments(&self, ctx: &Context<'_>) -> Result<Vec<Shipment>> {
        if self.ids.is_empty() {
            return Ok(vec![]);
        }
        let shipments = shipments_of(ctx, &self.order).await?;
        Ok(shipments.into_iter().filter(|shipment| shipment.is_among(&self.ids)).collect())
    }
}

/// One permitted change of an order's status.
#[derive(SimpleObject)]
pub struct StateMachineEdge {
    /// The status before the change.
    from: OrderStatus,
    /// The status after the change.
    to: OrderStatus,
}

/// The table of all permitted transitions.
pub(super) fn state_machine() -> Vec<StateMachineEdge> {
    let edge = |(from, to): (domain::OrderStatus, domain::OrderStatus)| StateMachineEdge {
        from: from.into(),
        to: to.into(),
    };
    domain::TRANSITIONS.into_iter().map(edge).collect()
}
