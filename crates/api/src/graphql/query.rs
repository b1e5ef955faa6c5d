//! The root type `Query`, and the filters of its lists. For a caller, records that they may not see do not exist.
//!
//! `parse_sender` and `parse_moment` are for the inputs of `replay` too. Their error `BAD_INPUT` names the field.

use app::{App, Caller};
use async_graphql::{Context, ID, InputObject, Object, Result};
use carriers::Sender;
use chrono::{DateTime, Utc};
use domain::TrackingNumber;
use persistence::read::{self, Page};

use super::{
    carrier::CarrierInput,
    connection::{Connection, PageArgs, Total, page_size},
    cursor::{self, Kind},
    enums::{ActorKind, FulfillmentPath, OrderStatus, WebhookState},
    error::{bad_input, convert_app_result},
    event::{self, OrderEvent},
    input::Time,
    limits::weights::{STATE_MACHINE, UNKNOWN_CODES, list},
    node::{self, Node, parse_uuid},
    order::Order,
    shipment::Shipment,
    transition::{StateMachineEdge, state_machine},
    webhook::{self, UnknownCode, Webhook},
};

/// The root type of queries.
pub struct Query;

/// All records that a client can read. A record that the caller may not see is null, or missing from its list.
#[Object]
impl Query {
    /// The order, shipment or order event with this id.
    async fn node(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Node>> {
        node::find_node(ctx, &id).await
    }

    /// The order with this id.
    async fn order(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Order>> {
        let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
        Ok(convert_app_result(ctx, app.reads().order(caller, parse_uuid("id", &id)?).await)?.map(Order::from))
    }

    /// The order with this merchant's own number (`Order.reference`).
    async fn order_by_reference(&self, ctx: &Context<'_>, reference: String) -> Result<Option<Order>> {
        let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
        Ok(convert_app_result(ctx, app.reads().order_by_reference(caller, &reference).await)?
            .map(Order::from))
    }

    /// Orders, the newest first. Customers see their own orders, suppliers see orders with an item that they ship, and
    /// support and systems see every order.
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
        let filter = filter.map(|filter| filter.read(ctx)).transpose()?.unwrap_or_default();
        let window = PageArgs { first, after, last, before }.window(Kind::Orders, cursor::plausible_key)?;
        let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
        let page =
            convert_app_result(ctx, app.reads().orders(caller, filter.clone(), &window.request()).await)?;
        let page = Page { rows: Order::with_shared_cache(page.rows), has_more: page.has_more };
        Ok(Connection::new(page, &window, Total::Orders(filter), |order| {
            let head = order.head();
            (Kind::Orders.encode(&(head.placed_at, head.id.0)), order)
        }))
    }

    /// The shipment of this carrier with this tracking number. If the caller may see several, the newest of them.
    async fn shipment(
        &self,
        ctx: &Context<'_>,
        carrier: CarrierInput,
        tracking_number: String,
    ) -> Result<Option<Shipment>> {
        let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
        let carrier = carrier.parse_for_query(ctx, "carrier")?;
        let Ok(number) = TrackingNumber::parse(carrier, &tracking_number) else { return Ok(None) };
        let found = convert_app_result(ctx, app.reads().shipment(caller, &number).await)?;
        Ok(found.map(|(order, shipment)| Shipment::with_own_batch(order.into(), shipment)))
    }

    /// The events of all orders that the caller may see, newest first.
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
        let filter = filter.map(|filter| filter.read(ctx)).transpose()?.unwrap_or_default();
        event::read_log(ctx, filter, PageArgs { first, after, last, before }).await
    }

    /// The table of all permitted changes of an order's status. No other change is possible.
    #[graphql(complexity = "list(STATE_MACHINE, child_complexity)")]
    async fn state_machine(&self) -> Vec<StateMachineEdge> {
        state_machine()
    }

    /// The webhooks that carriers and other senders have sent, newest first. For support and systems.
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
        webhook::read_inbox(ctx, filter, PageArgs { first, after, last, before }).await
    }

    /// The codes in scans that have no known meaning, the most frequent first. At most 500. For support and systems.
    #[graphql(complexity = "list(UNKNOWN_CODES, child_complexity)")]
    async fn unknown_codes(&self, ctx: &Context<'_>) -> Result<Vec<UnknownCode>> {
        webhook::unknown_codes(ctx).await
    }
}

/// Selects orders. An order must match all fields that are given.
#[derive(InputObject)]
pub struct OrderFilter {
    /// Orders of this customer. Suppliers may not use it.
    user_id: Option<ID>,
    /// Orders with one of these statuses. An empty list selects every status.
    statuses: Option<Vec<OrderStatus>>,
    /// Orders placed at this time or later.
    placed_since: Option<Time>,
    /// Orders placed before this time.
    placed_until: Option<Time>,
    /// Orders with a shipment of this carrier. Suppliers may not use it.
    carrier: Option<CarrierInput>,
    /// Orders that the merchant planned to fulfil in this way.
    fulfillment_path: Option<FulfillmentPath>,
    /// Orders that are closed (true), or that are not (false).
    closed: Option<bool>,
}

impl OrderFilter {
    fn read(self, ctx: &Context<'_>) -> Result<read::OrderFilter> {
        let carrier = |carrier: CarrierInput| carrier.parse_for_query(ctx, "filter.carrier");
        Ok(read::OrderFilter {
            user_id: self.user_id.map(|id| parse_uuid("filter.userId", &id)).transpose()?,
            supplier: None,
            statuses: self.statuses.unwrap_or_default().into_iter().map(Into::into).collect(),
            placed_since: parse_time("filter.placedSince", self.placed_since)?,
            placed_until: parse_time("filter.placedUntil", self.placed_until)?,
            carrier: self.carrier.map(carrier).transpose()?,
            fulfillment_path: self.fulfillment_path.map(Into::into),
            closed: self.closed,
        })
    }
}

/// Selects order events. An event must match all fields that are given.
#[derive(InputObject)]
pub struct OrderEventFilter {
    /// Events of the order with this id.
    order_id: Option<ID>,
    /// Events that changed the order's status from this one.
    from_status: Option<OrderStatus>,
    /// Events that changed the order's status to this one.
    to_status: Option<OrderStatus>,
    /// Events that this kind of party caused. Suppliers may not use it.
    actor: Option<ActorKind>,
    /// Events that scans reported by this carrier caused. Scans that were recorded by hand do not count. Suppliers may
    /// not use it.
    carrier: Option<CarrierInput>,
    /// Events that happened at this time or later.
    since: Option<Time>,
    /// Events that happened before this time.
    until: Option<Time>,
}

impl OrderEventFilter {
    fn read(self, ctx: &Context<'_>) -> Result<read::EventFilter> {
        let carrier = |carrier: CarrierInput| carrier.parse_for_query(ctx, "filter.carrier");
        Ok(read::EventFilter {
            order_id: self.order_id.map(|id| parse_uuid("filter.orderId", &id)).transpose()?,
            user_id: None,
            supplier: None,
            from: self.from_status.map(Into::into),
            to: self.to_status.map(Into::into),
            actor: self.actor.map(Into::into),
            carrier: self.carrier.map(carrier).transpose()?,
            since: parse_time("filter.since", self.since)?,
            until: parse_time("filter.until", self.until)?,
        })
    }
}

/// Selects webhooks. A webhook must match all fields that are given.
#[derive(InputObject)]
pub struct WebhookFilter {
    /// Webhooks of this sender: a carrier, in any spelling of its name, or a service that reports for many carriers
    /// (`easypost`).
    carrier: Option<String>,
    /// Webhooks in one of these states. An empty list selects every state.
    states: Option<Vec<WebhookState>>,
    /// Webhooks received at this time or later.
    since: Option<Time>,
    /// Webhooks received before this time.
    until: Option<Time>,
}

impl WebhookFilter {
    fn read(self) -> Result<read::WebhookFilter> {
        let sender =
            |name: String| parse_sender("filter.carrier", &name).map(|sender| sender.as_str().to_owned());
        Ok(read::WebhookFilter {
            sender: self.carrier.map(sender).transpose()?,
            states: self.states.unwrap_or_default().into_iter().map(Into::into).collect(),
            since: parse_time("filter.since", self.since)?,
            until: parse_time("filter.until", self.until)?,
        })
    }
}

/// Reads the name of a sender of webhooks. Every spelling of a carrier's name is accepted.
///
/// # Errors
/// `BAD_INPUT` for an unknown name.
pub(super) fn parse_sender(field: &str, name: &str) -> Result<Sender> {
    name.parse().map_err(|error| bad_input(field, error))
}

fn parse_time(field: &str, at: Option<Time>) -> Result<Option<DateTime<Utc>>> {
    at.map(|at| parse_moment(field, &at)).transpose()
}

/// Reads a time.
///
/// # Errors
/// `BAD_INPUT` for a value that is no time, or for a time that the database cannot store.
pub(super) fn parse_moment(field: &str, at: &Time) -> Result<DateTime<Utc>> {
    at.parse_plausible_time().map_err(|needed| bad_input(field, needed))
}
