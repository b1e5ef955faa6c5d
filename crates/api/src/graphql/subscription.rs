//! What can be followed as it happens.

use std::time::Duration;

use app::{App, Caller};
use async_graphql::{Context, ID, Result, SimpleObject, Subscription};
use domain::OrderId;
use futures::{Stream, StreamExt};
use uuid::Uuid;

use super::{
    cursor::Kind,
    error::{bad_cursor, coded, failed},
    event::OrderEvent,
    node::uuid,
    order::Order,
    order_stream::{self, NotStreamed, StartFrom},
};

/// How long a change may go unnoticed when the live feed has lost it.
const TICK: Duration = Duration::from_secs(5);

/// What can be followed as it happens.
pub struct Subscription;

/// What can be followed as it happens.
#[Subscription]
impl Subscription {
    /// One order. Without `after`: its present state at once (with `event` null), then every event as it
    /// happens. With `after`, the cursor of the last update received: every event since, none missing, none
    /// twice, in order, then the present state, then live.
    /// A change of shipments that leaves the status as it is comes with `event` null; several may come as one.
    /// Ends after `CANCELLED` or `RETURNED`; `DELIVERED` does not end it.
    async fn order_updated(
        &self,
        ctx: &Context<'_>,
        order_id: ID,
        after: Option<String>,
    ) -> Result<impl Stream<Item = OrderUpdate>> {
        let (app, caller) = (ctx.data::<App>()?.clone(), ctx.data::<Caller>()?.clone());
        let id: OrderId = uuid("orderId", &order_id)?;
        let from = match after {
            None => StartFrom::Now,
            Some(after) => match Kind::Updates.decode::<(Uuid, i32)>(&after)? {
                (of, version) if of == id.0 && version >= 1 => StartFrom::Version(version),
                _ => return Err(bad_cursor()),
            },
        };
        let updates =
            order_stream::stream_order(app, caller, id, from, TICK).await.map_err(|error| match error {
                NotStreamed::NoOrder => coded("NOT_FOUND", "no order with that id"),
                NotStreamed::FutureVersion => bad_cursor(),
                NotStreamed::Failed(error) => failed(ctx, &error),
            })?;
        Ok(updates.map(move |update| OrderUpdate {
            cursor: Kind::Updates.encode(&(id.0, update.version)),
            order: update.order.into(),
            event: update.event.map(OrderEvent),
        }))
    }
}

/// One update of an order.
#[derive(SimpleObject)]
pub struct OrderUpdate {
    /// Where to go on after this update: for `after`.
    cursor: String,
    /// The order as of now.
    order: Order,
    /// What happened. Null for the present state, and when shipments changed and the status did not.
    event: Option<OrderEvent>,
}
