//! The members of result unions that say why a mutation was refused, and the conversion of refusals into them.

use app::{App, Caller};
use async_graphql::{Context, ID, Interface, Result, SimpleObject};
use domain::{OrderId, Refusal};

use super::super::{
    enums::OrderStatus,
    error::convert_app_result,
    input_path::build_input_path,
    limits::weights::{STATUSES, list},
    order::Order,
    resend::NotificationQueued,
    transition::Blocker,
};

/// Why a mutation was refused.
#[derive(Interface)]
#[graphql(field(name = "message", ty = "&String", desc = "The reason, for people."))]
pub enum Problem {
    InvalidTransition(InvalidTransition),
    VersionConflict(VersionConflict),
    NotFound(NotFound),
    Forbidden(Forbidden),
    InvalidInput(InvalidInput),
    IdempotencyMismatch(IdempotencyMismatch),
    ShipmentRefused(ShipmentRefused),
    OverAllocated(OverAllocated),
    TooManyOrders(TooManyOrders),
    NotificationQueued(NotificationQueued),
}

/// The order cannot get the requested status now.
#[derive(SimpleObject)]
pub struct InvalidTransition {
    /// Why it was refused, as text for people.
    message: String,
    /// The present status of the order.
    from: OrderStatus,
    /// The status that was requested.
    to: OrderStatus,
    /// The statuses that this caller could request instead.
    #[graphql(complexity = "list(STATUSES, child_complexity)")]
    allowed: Vec<OrderStatus>,
    /// What prevents the change, with the shipments that are in the way.
    blocked_by: Blocker,
}

/// The order has changed since the caller read it: its version is not `expectedVersion`.
#[derive(SimpleObject)]
pub struct VersionConflict {
    /// Why it was refused, as text for people.
    message: String,
    /// The present version of the order.
    current_version: i32,
    /// The order as it is now.
    order: Order,
}

/// The record does not exist, or the caller may not see it.
#[derive(SimpleObject)]
pub struct NotFound {
    /// Why it was refused, as text for people.
    message: String,
}

/// The caller's role may not do this.
#[derive(SimpleObject)]
pub struct Forbidden {
    /// Why it was refused, as text for people.
    message: String,
}

/// A value of the input is not valid, or not valid now.
#[derive(SimpleObject)]
pub struct InvalidInput {
    /// Why it was refused, as text for people.
    message: String,
    /// The path of the value in the input, for example `items[0].quantity`.
    field: String,
}

/// The idempotency key was used before, with another operation or another input.
#[derive(SimpleObject)]
pub struct IdempotencyMismatch {
    /// Why it was refused, as text for people.
    message: String,
}

/// The customer has already placed as many orders within a minute as the merchant allows.
#[derive(SimpleObject)]
pub struct TooManyOrders {
    /// Why it was refused, as text for people.
    message: String,
    /// How many orders a customer may place in a minute.
    per_minute: u32,
    /// The number of seconds until the customer may place the next order.
    retry_after: u32,
}

/// The shipment cannot be registered, changed or cancelled.
#[derive(SimpleObject)]
pub struct ShipmentRefused {
    /// Why it was refused, as text for people.
    message: String,
    /// The reason, as a code for programs: `ALREADY_MOVING`, `ALREADY_DELIVERED`, `ALREADY_CANCELLED`,
    /// `ORDER_CLOSED`, `NUMBER_IN_USE` or `NOTHING_TO_SHIP`.
    code: String,
}

/// The request wants to ship more units of an item than are free.
#[derive(SimpleObject)]
pub struct OverAllocated {
    /// Why it was refused, as text for people.
    message: String,
    /// The id of the item.
    item_id: ID,
    /// How many units were ordered, without the cancelled ones.
    ordered: u32,
    /// How many units are in shipments that are not cancelled.
    allocated: u32,
    /// How many units were requested.
    asked: u32,
}

/// The problem that an error is. `None` for a failure, and for a refusal that needs the order `id` if there is none.
pub(super) async fn build_problem(
    ctx: &Context<'_>,
    id: Option<OrderId>,
    error: &app::Error,
) -> Result<Option<Problem>> {
    let message = error.to_string();
    let refusal = match error {
        app::Error::Refused(refusal) => refusal,
        app::Error::KeyReused => return Ok(Some(IdempotencyMismatch { message }.into())),
        &app::Error::TooManyOrders { per_minute, retry_after } => {
            return Ok(Some(TooManyOrders { message, per_minute, retry_after }.into()));
        }
        app::Error::Failed(_) | app::Error::BrokenOff | app::Error::Stopping => return Ok(None),
    };
    Ok(Some(match refusal {
        Refusal::NotFound(_) => NotFound { message }.into(),
        Refusal::Forbidden(_) => Forbidden { message }.into(),
        Refusal::InvalidInput { field, .. } => {
            InvalidInput { message, field: build_input_path(*field) }.into()
        }
        Refusal::Shipment { code, .. } => {
            ShipmentRefused { message, code: code.as_str().to_ascii_uppercase() }.into()
        }
        &Refusal::OverAllocated { item, ordered, allocated, asked } => {
            OverAllocated { message, item_id: item.to_string().into(), ordered, allocated, asked }.into()
        }
        Refusal::InvalidTransition { .. } | Refusal::VersionConflict { .. } => {
            let Some(id) = id else { return Ok(None) };
            let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
            let order = convert_app_result(ctx, app.reads().order(caller, id).await)?.map(Order::from);
            match (refusal, order) {
                (Refusal::InvalidTransition { from, to, allowed, blocker }, Some(order)) => {
                    InvalidTransition {
                        message,
                        from: (*from).into(),
                        to: (*to).into(),
                        allowed: allowed.iter().copied().map(Into::into).collect(),
                        blocked_by: Blocker::new(order, blocker.clone()),
                    }
                    .into()
                }
                (Refusal::VersionConflict { current: current_version, .. }, Some(order)) => {
                    VersionConflict { message, current_version: *current_version, order }.into()
                }
                // The caller may no longer see the order.
                _ => NotFound { message }.into(),
            }
        }
    }))
}
