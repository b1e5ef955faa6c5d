//! The results of mutations. A refusal that a caller can expect is a member of the result union, with its facts as
//! fields. Other failures are GraphQL errors, see `error`.

use app::{
    App, Caller,
    orders::{CommandOutcome, Placed},
};
use async_graphql::{Context, ID, Interface, Result, SimpleObject, Union};
use domain::{OrderId, Refusal};

use super::{
    enums::OrderStatus,
    error::{convert_error, unwrap_result},
    event::OrderEvent,
    limits::weights::{STATUSES, list},
    order::Order,
    resend::NotificationQueued,
    shipment::Shipment,
    transition::Blocker,
};

/// Why a mutation was refused.
#[derive(Interface)]
#[graphql(field(name = "message", ty = "&String", desc = "The reason, for people."))]
pub enum Problem {
    /// The order cannot get the status now.
    InvalidTransition(InvalidTransition),
    /// The order has another version than expected.
    VersionConflict(VersionConflict),
    /// The record does not exist, or the caller may not see it.
    NotFound(NotFound),
    /// The caller's role may not do this.
    Forbidden(Forbidden),
    /// A value of the input is not valid.
    InvalidInput(InvalidInput),
    /// The idempotency key was used before with another input.
    IdempotencyMismatch(IdempotencyMismatch),
    /// The shipment cannot be registered or cancelled.
    ShipmentRefused(ShipmentRefused),
    /// More units are asked for than are free.
    OverAllocated(OverAllocated),
    /// The customer has placed too many orders within a minute.
    TooManyOrders(TooManyOrders),
    /// The notification waits to be sent already.
    NotificationQueued(NotificationQueued),
}

/// The result of placing an order.
#[derive(Union)]
pub enum PlaceOrderResult {
    /// The order was placed.
    Success(PlaceOrderSuccess),
    /// A value of the input is not valid.
    InvalidInput(InvalidInput),
    /// The idempotency key was used before with another input.
    IdempotencyMismatch(IdempotencyMismatch),
    /// The caller's role may not do this.
    Forbidden(Forbidden),
    /// The customer has placed too many orders within a minute.
    TooManyOrders(TooManyOrders),
}

/// The result of changing an order.
#[derive(Union)]
pub enum TransitionOrderResult {
    /// The change was made, or nothing had to be changed.
    Success(TransitionOrderSuccess),
    /// The order cannot get the status now.
    InvalidTransition(InvalidTransition),
    /// The order has another version than expected.
    VersionConflict(VersionConflict),
    /// The record does not exist, or the caller may not see it.
    NotFound(NotFound),
    /// The caller's role may not do this.
    Forbidden(Forbidden),
    /// A value of the input is not valid.
    InvalidInput(InvalidInput),
    /// The idempotency key was used before with another input.
    IdempotencyMismatch(IdempotencyMismatch),
}

/// The result of registering a shipment, of cancelling it, or of recording a scan for it.
#[derive(Union)]
pub enum ShipmentResult {
    /// The change was made, or nothing had to be changed.
    Success(ShipmentSuccess),
    /// More units are asked for than are free.
    OverAllocated(OverAllocated),
    /// The shipment cannot be registered or cancelled.
    ShipmentRefused(ShipmentRefused),
    /// The record does not exist, or the caller may not see it.
    NotFound(NotFound),
    /// The caller's role may not do this.
    Forbidden(Forbidden),
    /// A value of the input is not valid.
    InvalidInput(InvalidInput),
    /// The idempotency key was used before with another input.
    IdempotencyMismatch(IdempotencyMismatch),
}

/// The order was placed.
#[derive(SimpleObject)]
pub struct PlaceOrderSuccess {
    /// The order that was placed.
    order: Order,
    /// Whether an earlier request with the same idempotency key placed the order.
    replayed: bool,
}

/// The order is as requested.
#[derive(SimpleObject)]
pub struct TransitionOrderSuccess {
    /// The order as it is now. It may be further than requested, because it advances as far as its shipments are.
    order: Order,
    /// The event of the requested change. Null if the status did not change.
    event: Option<OrderEvent>,
    /// Whether the request changed anything. In a dry run, whether it would change anything.
    changed: bool,
}

/// The shipment is as requested.
#[derive(SimpleObject)]
pub struct ShipmentSuccess {
    /// The shipment as it is now.
    shipment: Shipment,
    /// The order of the shipment, as it is now.
    order: Order,
}

/// The order cannot get the requested status now.
#[derive(SimpleObject)]
pub struct InvalidTransition {
    /// The reason, as text for people.
    message: String,
    /// The present status of the order.
    from: OrderStatus,
    /// The requested status.
    to: OrderStatus,
    /// The statuses that this caller could request instead.
    #[graphql(complexity = "list(STATUSES, child_complexity)")]
    allowed: Vec<OrderStatus>,
    /// What prevents the change.
    blocked_by: Blocker,
}

/// The order has changed since the caller read it: its version is not `expectedVersion`.
#[derive(SimpleObject)]
pub struct VersionConflict {
    /// The reason, as text for people.
    message: String,
    /// The present version of the order.
    current_version: i32,
    /// The order as it is now.
    order: Order,
}

/// The record does not exist, or the caller may not see it.
#[derive(SimpleObject)]
pub struct NotFound {
    /// The reason, as text for people.
    message: String,
}

/// The caller's role may not do this.
#[derive(SimpleObject)]
pub struct Forbidden {
    /// The reason, as text for people.
    message: String,
}

impl NotFound {
    pub(super) fn new(refusal: &Refusal) -> Self {
        Self { message: refusal.to_string() }
    }
}

impl Forbidden {
    pub(super) fn new(refusal: &Refusal) -> Self {
        Self { message: refusal.to_string() }
    }
}

/// A value of the input is not valid, or not valid now.
#[derive(SimpleObject)]
pub struct InvalidInput {
    /// The reason, as text for people.
    pub(super) message: String,
    /// The path of the value in the input, for example `items[0].quantity`.
    pub(super) field: String,
}

/// The idempotency key was used before, with another operation or another input.
#[derive(SimpleObject)]
pub struct IdempotencyMismatch {
    /// The reason, as text for people.
    pub(super) message: String,
}

/// The customer has already placed as many orders within a minute as the merchant allows.
#[derive(SimpleObject)]
pub struct TooManyOrders {
    /// The reason, as text for people.
    message: String,
    /// How many orders a customer may place in a minute.
    per_minute: u32,
    /// The number of seconds until the customer may place the next order.
    retry_after: u32,
}

/// The shipment cannot be registered or cancelled.
#[derive(SimpleObject)]
pub struct ShipmentRefused {
    /// The reason, as text for people.
    message: String,
    /// The reason, as a code for programs: `ALREADY_MOVING`, `ALREADY_DELIVERED`, `ORDER_CLOSED`, `NUMBER_IN_USE` or
    /// `NOTHING_TO_SHIP`.
    code: String,
}

/// The request wants to ship more units of an item than are free.
#[derive(SimpleObject)]
pub struct OverAllocated {
    /// The reason, as text for people.
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

/// Maps the outcome of placing an order.
pub(super) fn convert_place_order_result(
    ctx: &Context<'_>,
    placed: app::Result<Placed>,
) -> Result<PlaceOrderResult> {
    let error = match placed {
        Ok(Placed { order, replayed }) => {
            return Ok(PlaceOrderSuccess { order: order.into(), replayed }.into());
        }
        Err(error) => error,
    };
    let message = error.to_string();
    Ok(match error {
        app::Error::KeyReused => IdempotencyMismatch { message }.into(),
        app::Error::Refused(Refusal::InvalidInput { field, .. }) => InvalidInput { message, field }.into(),
        app::Error::Refused(Refusal::Forbidden(_)) => Forbidden { message }.into(),
        app::Error::TooManyOrders { per_minute, retry_after } => {
            TooManyOrders { message, per_minute, retry_after }.into()
        }
        app::Error::Refused(
            Refusal::InvalidTransition { .. }
            | Refusal::VersionConflict { .. }
            | Refusal::NotFound(_)
            | Refusal::OverAllocated { .. }
            | Refusal::Shipment { .. },
        )
        | app::Error::Failed(_)
        | app::Error::BrokenOff
        | app::Error::Stopping => return Err(convert_error(ctx, &error)),
    })
}

/// Maps the outcome of changing an order. `id` is the order's id, or `None` if the input had no valid one.
pub(super) async fn convert_transition_result(
    ctx: &Context<'_>,
    id: Option<OrderId>,
    changed: app::Result<CommandOutcome>,
) -> Result<TransitionOrderResult> {
    let error = match changed {
        Ok(CommandOutcome { order, event, changed, .. }) => {
            let event = event.map(OrderEvent);
            return Ok(TransitionOrderSuccess { order: order.into(), event, changed }.into());
        }
        Err(error) => error,
    };
    let message = error.to_string();
    Ok(match error {
        app::Error::KeyReused => IdempotencyMismatch { message }.into(),
        app::Error::Refused(Refusal::NotFound(_)) => NotFound { message }.into(),
        app::Error::Refused(Refusal::Forbidden(_)) => Forbidden { message }.into(),
        app::Error::Refused(Refusal::InvalidInput { field, .. }) => InvalidInput { message, field }.into(),
        app::Error::Refused(Refusal::InvalidTransition { from, to, allowed, blocker }) => {
            match find_current_order(ctx, id).await? {
                Some(order) => InvalidTransition {
                    message,
                    from: from.into(),
                    to: to.into(),
                    allowed: allowed.into_iter().map(Into::into).collect(),
                    blocked_by: Blocker::new(order, blocker),
                }
                .into(),
                None => NotFound { message }.into(),
            }
        }
        app::Error::Refused(Refusal::VersionConflict { current: current_version, .. }) => {
            match find_current_order(ctx, id).await? {
                Some(order) => VersionConflict { message, current_version, order }.into(),
                None => NotFound { message }.into(),
            }
        }
        app::Error::Refused(Refusal::OverAllocated { .. } | Refusal::Shipment { .. })
        | app::Error::TooManyOrders { .. }
        | app::Error::Failed(_)
        | app::Error::BrokenOff
        | app::Error::Stopping => return Err(convert_error(ctx, &error)),
    })
}

/// Maps the outcome of registering a shipment, of cancelling it, or of recording a scan for it.
pub(super) fn convert_shipment_result(
    ctx: &Context<'_>,
    changed: app::Result<CommandOutcome>,
) -> Result<ShipmentResult> {
    let error = match changed {
        Ok(CommandOutcome { order, shipment, .. }) => {
            let order = Order::from(order);
            let shipment =
                shipment.ok_or_else(|| async_graphql::Error::new("an answer without its parcel"))?;
            let shipment = Shipment::with_own_batch(order.clone(), shipment);
            return Ok(ShipmentSuccess { shipment, order }.into());
        }
        Err(error) => error,
    };
    let message = error.to_string();
    Ok(match error {
        app::Error::KeyReused => IdempotencyMismatch { message }.into(),
        app::Error::Refused(Refusal::NotFound(_)) => NotFound { message }.into(),
        app::Error::Refused(Refusal::Forbidden(_)) => Forbidden { message }.into(),
        app::Error::Refused(Refusal::InvalidInput { field, .. }) => InvalidInput { message, field }.into(),
        app::Error::Refused(Refusal::OverAllocated { item, ordered, allocated, asked }) => {
            OverAllocated { message, item_id: item.to_string().into(), ordered, allocated, asked }.into()
        }
        app::Error::Refused(Refusal::Shipment { code, .. }) => {
            ShipmentRefused { message, code: code.as_str().to_ascii_uppercase() }.into()
        }
        app::Error::Refused(Refusal::InvalidTransition { .. } | Refusal::VersionConflict { .. })
        | app::Error::TooManyOrders { .. }
        | app::Error::Failed(_)
        | app::Error::BrokenOff
        | app::Error::Stopping => return Err(convert_error(ctx, &error)),
    })
}

/// Reads the order that a refusal is about, as it is now. `None` if the caller may not see it.
async fn find_current_order(ctx: &Context<'_>, id: Option<OrderId>) -> Result<Option<Order>> {
    let Some(id) = id else { return Ok(None) };
    let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
    Ok(unwrap_result(ctx, app.order(caller, id).await)?.map(Order::from))
}
