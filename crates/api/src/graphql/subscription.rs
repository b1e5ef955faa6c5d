//! The root type `Subscription`: updates that a client receives while they happen.

use std::time::Duration;

use app::{App, Caller, feed::Feed};
use async_graphql::{Context, ID, Result, SimpleObject, Subscription};
use domain::OrderId;
use futures::{Stream, StreamExt};
use uuid::Uuid;

use super::{
    cursor::Kind,
    error::{bad_cursor, coded, convert_error},
    event::OrderEvent,
    node::parse_uuid,
    order::Order,
    order_stream::{self, NotStreamed, StartFrom},
};

/// How long a change can go unnoticed if the live feed has lost its message: the database is read at this interval.
const TICK: Duration = Duration::from_secs(5);

/// The root type of subscriptions.
pub struct Subscription;

/// Updates that a client receives while they happen.
#[Subscription]
impl Subscription {
    /// Follows one order. Without `after`, it sends the present state at once (with `event` null) and then every event
    /// when it happens. `after` is the cursor of the last update that the client received: then it first sends every
    /// event since then, in order and each exactly once, then the present state, and then every event when it happens.
    /// A change that leaves the status as it is, such as a change of a shipment, is sent with `event` null. Several
    /// such changes can arrive as one update.
    /// The subscription ends after `CANCELLED` or `RETURNED`. `DELIVERED` does not end it.
    async fn order_updated(
        &self,
        ctx: &Context<'_>,
        order_id: ID,
        after: Option<String>,
    ) -> Result<impl Stream<Item = OrderUpdate>> {
        let (reads, caller) = (ctx.data::<App>()?.reads().clone(), ctx.data::<Caller>()?.clone());
        let feed = ctx.data::<Feed>()?;
        let id: OrderId = parse_uuid("orderId", &order_id)?;
        let from = match after {
            None => StartFrom::Now,
            Some(after) => match Kind::Updates.decode::<(Uuid, i32)>(&after)? {
                (of, version) if of == id.0 && version >= 1 => StartFrom::Version(version),
                _ => return Err(bad_cursor()),
            },
        };
        let updates = order_stream::stream_order(reads, feed, caller, id, from, TICK).await.map_err(
            |error| match error {
                NotStreamed::NoOrder => coded("NOT_FOUND", "no order with that id"),
                NotStreamed::FutureVersion => bad_cursor(),
                NotStreamed::Failed(error) => convert_error(ctx, &error),
            },
        )?;
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
    /// The cursor of this update. Send it as `after` to continue after this update.
    cursor: String,
    /// The order as it is now.
    order: Order,
    /// The event that happened. Null for the present state, and for a change that left the status as it was.
    event: Option<OrderEvent>,
}
