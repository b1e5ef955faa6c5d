//! The results of mutations. A refusal that a caller can expect is a member of the result union, with its facts as
//! fields. Other failures are GraphQL errors, see `error`.
//!
//! `problems` has the members that say why a mutation was refused.

mod problems;
mod warnings;

use app::{
    App, Caller,
    orders::{CommandOutcome, Placed},
};
use async_graphql::{Context, Result, SimpleObject, Union};
use domain::{OrderId, Refusal};

use super::{
    error::{convert_error, unwrap_result},
    event::OrderEvent,
    order::Order,
    shipment::Shipment,
    transition::Blocker,
};
use warnings::ShipmentWarning;

pub use problems::{
    Forbidden, IdempotencyMismatch, InvalidInput, InvalidTransition, NotFound, OverAllocated, Problem,
    ShipmentRefused, TooManyOrders, VersionConflict,
};

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
    /// The change was refused.
    #[graphql(flatten)]
    Refused(OrderChangeRefused),
}

/// The result of cancelling units of an order.
#[derive(Union)]
pub enum CancelItemsResult {
    /// The units were cancelled, or nothing had to be changed.
    Success(CancelItemsSuccess),
    /// The change was refused.
    #[graphql(flatten)]
    Refused(OrderChangeRefused),
}

/// Why an order was not changed. It is not in the schema: its members are members of the result unions.
#[derive(Union)]
pub enum OrderChangeRefused {
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

/// The result of registering a shipment, of changing its tracking numbers, of cancelling it, or of recording a scan for
/// it.
#[derive(Union)]
pub enum ShipmentResult {
    /// The change was made, or nothing had to be changed.
    Success(ShipmentSuccess),
    /// More units are asked for than are free.
    OverAllocated(OverAllocated),
    /// The shipment cannot be registered, changed or cancelled.
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

/// The units are cancelled.
#[derive(SimpleObject)]
pub struct CancelItemsSuccess {
    /// The order as it is now. If no unit is left, it is cancelled, or closed.
    order: Order,
    /// The event of the change. Null if the status did not change.
    event: Option<OrderEvent>,
    /// Whether the request changed anything.
    changed: bool,
}

/// The shipment is as requested.
#[derive(SimpleObject)]
pub struct ShipmentSuccess {
    /// The shipment as it is now.
    shipment: Shipment,
    /// The order of the shipment, as it is now.
    order: Order,
    /// Whether the request changed anything.
    changed: bool,
    /// What may be wrong with the tracking numbers of the shipment. Empty for mutations that do not register a number.
    warnings: Vec<ShipmentWarning>,
}

/// Maps the outcome of registering a shipment or a tracking number, and adds the warnings about its live numbers.
pub(super) fn convert_new_number_result(
    ctx: &Context<'_>,
    changed: app::Result<CommandOutcome>,
) -> Result<ShipmentResult> {
    let app = ctx.data::<App>()?;
    let shipment = changed.as_ref().ok().and_then(|outcome| outcome.shipment.clone());
    let mut result = convert_shipment_result(ctx, changed)?;
    if let (ShipmentResult::Success(success), Some(shipment)) = (&mut result, shipment) {
        let name = |carrier| app.carriers().name(carrier).into_owned();
        let numbers = shipment.live_numbers();
        success.warnings = numbers.flat_map(|number| warnings::check_number(number, name)).collect();
    }
    Ok(result)
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
        app::Error::Refused(Refusal::InvalidInput { field, .. }) => InvalidInput::new(message, field).into(),
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

impl From<CommandOutcome> for TransitionOrderResult {
    fn from(CommandOutcome { order, event, changed, .. }: CommandOutcome) -> Self {
        TransitionOrderSuccess { order: order.into(), event: event.map(OrderEvent), changed }.into()
    }
}

impl From<CommandOutcome> for CancelItemsResult {
    fn from(CommandOutcome { order, event, changed, .. }: CommandOutcome) -> Self {
        CancelItemsSuccess { order: order.into(), event: event.map(OrderEvent), changed }.into()
    }
}

/// Maps the outcome of changing an order. `id` is the order's id, or `None` if the input had no valid one.
pub(super) async fn convert_order_result<R: From<CommandOutcome> + From<OrderChangeRefused>>(
    ctx: &Context<'_>,
    id: Option<OrderId>,
    changed: app::Result<CommandOutcome>,
) -> Result<R> {
    match changed {
        Ok(outcome) => Ok(outcome.into()),
        Err(error) => Ok(convert_order_refusal(ctx, id, error).await?.into()),
    }
}

async fn convert_order_refusal(
    ctx: &Context<'_>,
    id: Option<OrderId>,
    error: app::Error,
) -> Result<OrderChangeRefused> {
    let message = error.to_string();
    Ok(match error {
        app::Error::KeyReused => IdempotencyMismatch { message }.into(),
        app::Error::Refused(Refusal::NotFound(_)) => NotFound { message }.into(),
        app::Error::Refused(Refusal::Forbidden(_)) => Forbidden { message }.into(),
        app::Error::Refused(Refusal::InvalidInput { field, .. }) => InvalidInput::new(message, field).into(),
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

/// Maps the outcome of changing a shipment.
pub(super) fn convert_shipment_result(
    ctx: &Context<'_>,
    changed: app::Result<CommandOutcome>,
) -> Result<ShipmentResult> {
    let error = match changed {
        Ok(CommandOutcome { order, shipment, changed, .. }) => {
            let order = Order::from(order);
            let shipment =
                shipment.ok_or_else(|| async_graphql::Error::new("an outcome without its shipment"))?;
            let shipment = Shipment::with_own_batch(order.clone(), shipment);
            return Ok(ShipmentSuccess { shipment, order, changed, warnings: Vec::new() }.into());
        }
        Err(error) => error,
    };
    let message = error.to_string();
    Ok(match error {
        app::Error::KeyReused => IdempotencyMismatch { message }.into(),
        app::Error::Refused(Refusal::NotFound(_)) => NotFound { message }.into(),
        app::Error::Refused(Refusal::Forbidden(_)) => Forbidden { message }.into(),
        app::Error::Refused(Refusal::InvalidInput { field, .. }) => InvalidInput::new(message, field).into(),
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
    Ok(unwrap_result(ctx, app.reads().order(caller, id).await)?.map(Order::from))
}
