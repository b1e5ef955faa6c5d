//! What can be asked. What a caller may not see does not exist for them.

use app::{App, Caller};
use async_graphql::{Context, ID, InputObject, Object, Result};
use carriers::Sender;
use chrono::{DateTime, Utc};
use persistence::read::{self, Page};

use super::{
    connection::{Connection, PageArgs, Total, page_size},
    cursor::{self, Kind},
    enums::{ActorKind, Carrier, FulfillmentPath, OrderStatus, WebhookState},
    error::{answer, bad_input},
    event::{self, OrderEvent},
    input::Time,
    limits::weights::{STATE_MACHINE, UNKNOWN_CODES, list},
    node::{self, Node, uuid},
    order::Order,
    shipment::Shipment,
    transition::{StateMachineEdge, state_machine},
    webhook::{self, UnknownCode, Webhook},
};

/// What can be asked.
pub struct Query;

/// What can be asked. What a caller may not see is null, or missing from the list.
#[Object]
impl Query {
    /// The record with that id: an order, a shipment or an event.
    async fn node(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Node>> {
        node::node(ctx, &id).await
    }

    /// The order with that id.
    async fn order(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Order>> {
        let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
        Ok(answer(ctx, app.order(caller, uuid("id", &id)?).await)?.map(Order::from))
    }

    /// The order with the merchant's own number.
    async fn order_by_reference(&self, ctx: &Context<'_>, reference: String) -> Result<Option<Order>> {
        let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
        Ok(answer(ctx, app.order_by_reference(caller, &reference).await)?.map(Order::from))
    }

    /// Orders, newest first: a customer's own; those with an item of theirs for a supplier; every order for
    /// support and systems.
    #[graphql(complexity = "list(page_size(first, last), child_complexity)")]
    async fn orders(
        &self,
        ctx: &Context<'_>,
        filter: Option<OrderFilter>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<Connection<Order>> {
        let filter = filter.map(OrderFilter::read).transpose()?.unwrap_or_default();
        let window = PageArgs { first, after, last, before }.window(Kind::Orders, cursor::key)?;
        let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
        let page = answer(ctx, app.orders(caller, filter.clone(), &window.request()).await)?;
        let page = Page { rows: Order::with_shared_cache(page.rows), has_more: page.has_more };
        Ok(Connection::new(page, &window, Total::Orders(filter), |order| {
            let head = order.head();
            (Kind::Orders.encode(&(head.placed_at, head.id.0)), order)
        }))
    }

    /// The newest shipment with that number that the caller may see.
    async fn shipment(
        &self,
        ctx: &Context<'_>,
        carrier: Carrier,
        tracking_number: String,
    ) -> Result<Option<Shipment>> {
        let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
        let found = answer(ctx, app.shipment(caller, carrier.into(), &tracking_number).await)?;
        Ok(found.map(|(order, shipment)| Shipment::alone(order.into(), shipment)))
    }

    /// Events of all orders the caller may see, newest first.
    #[graphql(complexity = "list(page_size(first, last), child_complexity)")]
    async fn order_events(
        &self,
        ctx: &Context<'_>,
        filter: Option<OrderEventFilter>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<Connection<OrderEvent>> {
        let filter = filter.map(OrderEventFilter::read).transpose()?.unwrap_or_default();
        event::log(ctx, filter, PageArgs { first, after, last, before }).await
    }

    /// The table of permitted changes of status. What is not in it does not happen.
    #[graphql(complexity = "list(STATE_MACHINE, child_complexity)")]
    async fn state_machine(&self) -> Vec<StateMachineEdge> {
        state_machine()
    }

    /// What carriers sent, newest first. For support and systems.
    #[graphql(complexity = "list(page_size(first, last), child_complexity)")]
    async fn webhooks(
        &self,
        ctx: &Context<'_>,
        filter: Option<WebhookFilter>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<Connection<Webhook>> {
        let filter = filter.map(WebhookFilter::read).transpose()?.unwrap_or_default();
        webhook::inbox(ctx, filter, PageArgs { first, after, last, before }).await
    }

    /// The codes carriers sent that have no meaning here, the most frequent first, 500 at most. For support and
    /// systems.
    #[graphql(complexity = "list(UNKNOWN_CODES, child_complexity)")]
    async fn unknown_codes(&self, ctx: &Context<'_>) -> Result<Vec<UnknownCode>> {
        webhook::unknown_codes(ctx).await
    }
}

/// Which orders. What is left out does not matter.
#[derive(InputObject)]
pub struct OrderFilter {
    /// Of this customer. Not for suppliers.
    user_id: Option<ID>,
    /// In one of these statuses.
    statuses: Option<Vec<OrderStatus>>,
    /// Placed then or later.
    placed_since: Option<Time>,
    /// Placed before.
    placed_until: Option<Time>,
    /// With a shipment by this carrier. Not for suppliers.
    carrier: Option<Carrier>,
    /// Planned so.
    fulfillment_path: Option<FulfillmentPath>,
}

impl OrderFilter {
    fn read(self) -> Result<read::OrderFilter> {
        Ok(read::OrderFilter {
            user_id: self.user_id.map(|id| uuid("filter.userId", &id)).transpose()?,
            supplier: None,
            statuses: self.statuses.unwrap_or_default().into_iter().map(Into::into).collect(),
            placed_since: time("filter.placedSince", self.placed_since)?,
            placed_until: time("filter.placedUntil", self.placed_until)?,
            carrier: self.carrier.map(Into::into),
            fulfillment_path: self.fulfillment_path.map(Into::into),
        })
    }
}

/// Which events. What is left out does not matter.
#[derive(InputObject)]
pub struct OrderEventFilter {
    /// Of this order.
    order_id: Option<ID>,
    /// Leaving this status.
    from_status: Option<OrderStatus>,
    /// Reaching this status.
    to_status: Option<OrderStatus>,
    /// Caused by this kind of party. Not for suppliers.
    actor: Option<ActorKind>,
    /// Driven by what this carrier said itself, not by scans recorded by hand. Not for suppliers.
    carrier: Option<Carrier>,
    /// Happened then or later.
    since: Option<Time>,
    /// Happened before.
    until: Option<Time>,
}

impl OrderEventFilter {
    fn read(self) -> Result<read::EventFilter> {
        Ok(read::EventFilter {
            order_id: self.order_id.map(|id| uuid("filter.orderId", &id)).transpose()?,
            user_id: None,
            supplier: None,
            from: self.from_status.map(Into::into),
            to: self.to_status.map(Into::into),
            actor: self.actor.map(Into::into),
            carrier: self.carrier.map(Into::into),
            since: time("filter.since", self.since)?,
            until: time("filter.until", self.until)?,
        })
    }
}

/// Which webhooks. What is left out does not matter.
#[derive(InputObject)]
pub struct WebhookFilter {
    /// Of this sender: a carrier, in any spelling of its name, or one that reports for many (`easypost`).
    carrier: Option<String>,
    /// In one of these states.
    states: Option<Vec<WebhookState>>,
    /// Received then or later.
    since: Option<Time>,
    /// Received before.
    until: Option<Time>,
}

impl WebhookFilter {
    fn read(self) -> Result<read::WebhookFilter> {
        let sender = |name: String| sender("filter.carrier", &name).map(|sender| sender.as_str().to_owned());
        Ok(read::WebhookFilter {
            sender: self.carrier.map(sender).transpose()?,
            states: self.states.unwrap_or_default().into_iter().map(Into::into).collect(),
            since: time("filter.since", self.since)?,
            until: time("filter.until", self.until)?,
        })
    }
}

/// Who sends webhooks, in any spelling of a carrier's name.
pub(super) fn sender(field: &str, name: &str) -> Result<Sender> {
    name.parse().map_err(|error| bad_input(field, error))
}

fn time(field: &str, at: Option<Time>) -> Result<Option<DateTime<Utc>>> {
    at.map(|at| moment(field, &at)).transpose()
}

/// A time, if records can have it.
pub(super) fn moment(field: &str, at: &Time) -> Result<DateTime<Utc>> {
    at.read().map_err(|needed| bad_input(field, needed))
}
