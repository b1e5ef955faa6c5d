//! The results of mutations. A refusal that a caller can expect is a member of the result union, with its facts as
//! fields. Other failures are GraphQL errors, see `error`.
//!
//! `problems` has the members that say why a mutation was refused, and makes them. `order_changes` has the results of
//! the mutations that change one order.

/// Defines a result union: its success member, and the problems that can take its place.
macro_rules! result_union {
    ($(#[$about:meta])* $union:ident = $success:ident $(| $problem:ident)+) => {
        $(#[$about])*
        #[derive(async_graphql::Union)]
        pub enum $union {
            Success($success),
            $($problem($problem),)+
        }

        impl $crate::graphql::outcome::FromProblem for $union {
            fn from_problem(problem: $crate::graphql::outcome::Problem) -> Option<Self> {
                match problem {
                    $($crate::graphql::outcome::Problem::$problem(member) => Some(member.into()),)+
                    _ => None,
                }
            }
        }
    };
}

mod order_changes;
mod problems;
mod warnings;

use app::{
    App,
    orders::{CommandOutcome, Placed},
};
use async_graphql::{Context, Result, SimpleObject};
use domain::OrderId;

use super::{error::convert_error, order::Order, shipment::Shipment};
use problems::build_problem;
use warnings::ShipmentWarning;

pub use order_changes::{
    AcceptItemsResult, CancelItemsResult, CancelOrderResult, CloseOrderResult, DeclineItemsResult,
    InitiateReturnResult, ReassignItemsResult, ReceiveReturnResult, ReopenOrderResult, TransitionOrderResult,
    WriteOffReturnResult,
};
pub use problems::{
    Forbidden, IdempotencyMismatch, InvalidInput, InvalidTransition, NotFound, OverAllocated, Problem,
    ShipmentRefused, TooManyOrders, VersionConflict,
};
pub(super) use result_union;

/// A result union. Not every problem is a member of every union.
pub(super) trait FromProblem: Sized {
    /// The result for a problem. `None` if it is no member of this union.
    fn from_problem(problem: Problem) -> Option<Self>;
}

result_union! {
    /// The result of placing an order.
    PlaceOrderResult = PlaceOrderSuccess | InvalidInput | IdempotencyMismatch | Forbidden | TooManyOrders
}

result_union! {
    /// The result of registering a shipment, of changing its tracking numbers, of cancelling it, or of recording a scan for
    /// it.
    ShipmentResult = ShipmentSuccess
        | OverAllocated | ShipmentRefused | NotFound | Forbidden | InvalidInput | IdempotencyMismatch
}

/// The order was placed.
#[derive(SimpleObject)]
pub struct PlaceOrderSuccess {
    /// The order as it is now. If `replayed` is true, it may have changed since it was placed.
    order: Order,
    /// Whether an earlier request with the same idempotency key placed the order.
    replayed: bool,
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

impl From<Placed> for PlaceOrderResult {
    fn from(Placed { order, replayed }: Placed) -> Self {
        PlaceOrderSuccess { order: order.into(), replayed }.into()
    }
}

/// Maps the outcome of a mutation to its result. `id` is the order that the mutation changes. It is `None` if there is
/// none, or if the input had no valid id.
///
/// # Errors
/// A failure, and a refusal that is no member of the union.
pub(super) async fn convert_result<T, R: From<T> + FromProblem>(
    ctx: &Context<'_>,
    id: Option<OrderId>,
    outcome: app::Result<T>,
) -> Result<R> {
    match outcome {
        Ok(outcome) => Ok(outcome.into()),
        Err(error) => {
            let problem = build_problem(ctx, id, &error).await?;
            problem.and_then(R::from_problem).ok_or_else(|| convert_error(ctx, &error))
        }
    }
}

/// Maps the outcome of registering a shipment or a tracking number, and adds the warnings about its live numbers.
pub(super) async fn convert_new_number_result(
    ctx: &Context<'_>,
    changed: app::Result<CommandOutcome>,
) -> Result<ShipmentResult> {
    let app = ctx.data::<App>()?;
    let shipment = changed.as_ref().ok().and_then(|outcome| outcome.shipment.clone());
    let mut result = convert_shipment_result(ctx, changed).await?;
    if let (ShipmentResult::Success(success), Some(shipment)) = (&mut result, shipment) {
        let name = |carrier| app.carriers().name(carrier).into_owned();
        let numbers = shipment.live_numbers();
        success.warnings = numbers.flat_map(|number| warnings::check_number(number, name)).collect();
    }
    Ok(result)
}

/// Maps the outcome of changing a shipment.
pub(super) async fn convert_shipment_result(
    ctx: &Context<'_>,
    changed: app::Result<CommandOutcome>,
) -> Result<ShipmentResult> {
    let changed = match changed {
        Ok(CommandOutcome { order, shipment, changed, .. }) => {
            let order = Order::from(order);
            let shipment =
                shipment.ok_or_else(|| async_graphql::Error::new("an outcome without its shipment"))?;
            let shipment = Shipment::with_own_batch(order.clone(), shipment);
            Ok(ShipmentSuccess { shipment, order, changed, warnings: Vec::new() })
        }
        Err(error) => Err(error),
    };
    convert_result(ctx, None, changed).await
}
