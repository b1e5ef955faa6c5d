//! What mutations answer. What the caller may expect to go wrong is data, with the facts in it.

use app::{
    App, Caller,
    orders::{CommandOutcome, Placed},
};
use async_graphql::{Context, ID, Interface, Result, SimpleObject, Union};
use domain::{OrderId, Refusal};

use super::{
    enums::OrderStatus,
    error::{answer, failed},
    event::OrderEvent,
    limits::weights::{STATUSES, list},
    order::Order,
    shipment::Shipment,
    transition::Blocker,
};

/// Why something was not done.
#[derive(Interface)]
#[graphql(field(name = "message", ty = "&String", desc = "The reason, for people."))]
pub enum Problem {
    /// The status cannot be had.
    InvalidTransition(InvalidTransition),
    /// The order has moved on.
    VersionConflict(VersionConflict),
    /// There is no such thing.
    NotFound(NotFound),
    /// The role may not.
    Forbidden(Forbidden),
    /// A value cannot be right.
    InvalidInput(InvalidInput),
    /// The key was used before.
    IdempotencyMismatch(IdempotencyMismatch),
    /// The shipment cannot be had.
    ShipmentRefused(ShipmentRefused),
    /// Too many units.
    OverAllocated(OverAllocated),
    /// Too many orders within a minute.
    TooManyOrders(TooManyOrders),
}

/// What placing an order comes to.
#[derive(Union)]
pub enum PlaceOrderResult {
    /// It was placed.
    Success(PlaceOrderSuccess),
    /// A value cannot be right.
    InvalidInput(InvalidInput),
    /// The key was used before.
    IdempotencyMismatch(IdempotencyMismatch),
    /// The role may not.
    Forbidden(Forbidden),
    /// Too many orders within a minute.
    TooManyOrders(TooManyOrders),
}

/// What changing an order comes to.
#[derive(Union)]
pub enum TransitionOrderResult {
    /// It is as asked.
    Success(TransitionOrderSuccess),
    /// The status cannot be had.
    InvalidTransition(InvalidTransition),
    /// The order has moved on.
    VersionConflict(VersionConflict),
    /// There is no such thing.
    NotFound(NotFound),
    /// The role may not.
    Forbidden(Forbidden),
    /// A value cannot be right.
    InvalidInput(InvalidInput),
    /// The key was used before.
    IdempotencyMismatch(IdempotencyMismatch),
}

/// What registering a shipment, calling it off or recording where it is comes to.
#[derive(Union)]
pub enum ShipmentResult {
    /// It is as asked.
    Success(ShipmentSuccess),
    /// Too many units.
    OverAllocated(OverAllocated),
    /// The shipment cannot be had.
    ShipmentRefused(ShipmentRefused),
    /// There is no such thing.
    NotFound(NotFound),
    /// The role may not.
    Forbidden(Forbidden),
    /// A value cannot be right.
    InvalidInput(InvalidInput),
    /// The key was used before.
    IdempotencyMismatch(IdempotencyMismatch),
}

/// The order was placed.
#[derive(SimpleObject)]
pub struct PlaceOrderSuccess {
    /// The order.
    order: Order,
    /// Whether it was placed before, under the same idempotency key.
    replayed: bool,
}

/// The order is as asked.
#[derive(SimpleObject)]
pub struct TransitionOrderSuccess {
    /// The order as it is now. It may have gone further than asked, as far as its shipments are.
    order: Order,
    /// The event that was asked for. Null when nothing changed the status.
    event: Option<OrderEvent>,
    /// Whether anything changed; in a dry run, whether anything would.
    changed: bool,
}

/// The shipment is as asked.
#[derive(SimpleObject)]
pub struct ShipmentSuccess {
    /// The shipment.
    shipment: Shipment,
    /// Its order as it is now.
    order: Order,
}

/// The order cannot have that status now.
#[derive(SimpleObject)]
pub struct InvalidTransition {
    /// The reason, for people.
    message: String,
    /// Where the order stands.
    from: OrderStatus,
    /// What was asked for.
    to: OrderStatus,
    /// What this caller could ask for instead.
    #[graphql(complexity = "list(STATUSES, child_complexity)")]
    allowed: Vec<OrderStatus>,
    /// What stands in the way.
    blocked_by: Blocker,
}

/// The order has changed since the caller looked at it.
#[derive(SimpleObject)]
pub struct VersionConflict {
    /// The reason, for people.
    message: String,
    /// The version there is.
    current_version: i32,
    /// The order as it is now.
    order: Order,
}

/// There is no such thing, or none the caller may see.
#[derive(SimpleObject)]
pub struct NotFound {
    /// The reason, for people.
    message: String,
}

/// The caller's role may not do this.
#[derive(SimpleObject)]
pub struct Forbidden {
    /// The reason, for people.
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

/// A value that cannot be right.
#[derive(SimpleObject)]
pub struct InvalidInput {
    /// The reason, for people.
    message: String,
    /// Where it stands in the input: `items[0].quantity`.
    field: String,
}

/// The idempotency key was used before, for something else.
#[derive(SimpleObject)]
pub struct IdempotencyMismatch {
    /// The reason, for people.
    message: String,
}

/// A customer has placed as many orders within a minute as the shop allows.
#[derive(SimpleObject)]
pub struct TooManyOrders {
    /// The reason, for people.
    message: String,
    /// How many orders a customer may place a minute.
    per_minute: u32,
    /// Seconds until the next order may be placed.
    retry_after: u32,
}

/// The shipment cannot be registered or called off.
#[derive(SimpleObject)]
pub struct ShipmentRefused {
    /// The reason, for people.
    message: String,
    /// The reason, for programs: `ALREADY_MOVING`, `ALREADY_DELIVERED`, `ORDER_CLOSED`, `NUMBER_IN_USE`,
    /// `NOTHING_TO_SHIP`.
    code: String,
}

/// More units than wait for a shipment.
#[derive(SimpleObject)]
pub struct OverAllocated {
    /// The reason, for people.
    message: String,
    /// Which item.
    item_id: ID,
    /// Units ordered, less those cancelled.
    ordered: u32,
    /// Units in live shipments.
    allocated: u32,
    /// Units asked for.
    asked: u32,
}

/// Maps what placing an order came to.
pub(super) fn placed(ctx: &Context<'_>, placed: app::Result<Placed>) -> Result<PlaceOrderResult> {
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
        | app::Error::Stopping => return Err(failed(ctx, &error)),
    })
}

/// Maps what changing an order came to. `id` is the order's, where the input had a readable one.
pub(super) async fn changed(
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
            match current(ctx, id).await? {
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
            match current(ctx, id).await? {
                Some(order) => VersionConflict { message, current_version, order }.into(),
                None => NotFound { message }.into(),
            }
        }
        app::Error::Refused(Refusal::OverAllocated { .. } | Refusal::Shipment { .. })
        | app::Error::TooManyOrders { .. }
        | app::Error::Failed(_)
        | app::Error::BrokenOff
        | app::Error::Stopping => return Err(failed(ctx, &error)),
    })
}

/// Maps what registering a shipment or calling it off came to.
pub(super) fn shipped(ctx: &Context<'_>, changed: app::Result<CommandOutcome>) -> Result<ShipmentResult> {
    let error = match changed {
        Ok(CommandOutcome { order, shipment, .. }) => {
            let order = Order::from(order);
            let shipment =
                shipment.ok_or_else(|| async_graphql::Error::new("an answer without its parcel"))?;
            let shipment = Shipment::alone(order.clone(), shipment);
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
        | app::Error::Stopping => return Err(failed(ctx, &error)),
    })
}

/// The order that a refusal speaks of, as it is now.
async fn current(ctx: &Context<'_>, id: Option<OrderId>) -> Result<Option<Order>> {
    let Some(id) = id else { return Ok(None) };
    let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
    Ok(answer(ctx, app.order(caller, id).await)?.map(Order::from))
}
