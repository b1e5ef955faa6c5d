//! The GraphQL type of an order event, the history of one order, and the event log of all orders.
//!
//! Events of scans name the request of the webhook. `requestId` is `null` for suppliers, and for what Milepost does by
//! itself.

use app::{App, Caller};
use async_graphql::{Context, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use domain::OrderId;
use persistence::{
    Event,
    read::{EventFilter, EventId, Page},
};
use uuid::Uuid;

use super::{
    connection::{Connection, PageArgs, Total},
    cursor::{self, Kind},
    enums::{ActorKind, OrderStatus},
    error::convert_app_result,
    order::Order,
};

/// One order event, already reduced to the parts that the caller may see.
pub struct OrderEvent(pub(super) Event);

/// Reads a page of the history of one order, oldest first. Versions have no gaps, so a page is a range of versions.
pub(super) async fn read_history(
    ctx: &Context<'_>,
    order: &Order,
    args: PageArgs,
) -> Result<Connection<OrderEvent>> {
    let head = order.head();
    let own = |(of, version): (Uuid, i32)| (of == head.id.0).then_some(version);
    let window = args.window(Kind::History, own)?;
    let (_, _, has_more) = window.cut_number_range(head.version);
    let rows = order.batch().events(ctx, head, &window).await?.to_vec();
    let total = Total::Known(head.version.unsigned_abs().into());
    Ok(Connection::new(Page { rows, has_more }, &window, total, |event: Event| {
        (Kind::History.encode(&(event.order_id.0, event.version)), OrderEvent(event))
    }))
}

/// Reads a page of the event log of all orders, newest first.
pub(super) async fn read_log(
    ctx: &Context<'_>,
    filter: EventFilter,
    args: PageArgs,
) -> Result<Connection<OrderEvent>> {
    let window = args.window(Kind::Events, |(at, order_id, version): (DateTime<Utc>, Uuid, i32)| {
        cursor::plausible_key((at, EventId { order_id: OrderId(order_id), version }))
    })?;
    let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
    let page = convert_app_result(ctx, app.reads().events(caller, filter.clone(), &window.request()).await)?;
    Ok(Connection::new(page, &window, Total::Events(filter), |event: Event| {
        let place = (event.occurred_at, event.order_id.0, event.version);
        (Kind::Events.encode(&place), OrderEvent(event))
    }))
}

/// The record of one change of an order's status, or of its placement. It is never changed and never deleted.
#[Object]
impl OrderEvent {
    /// The id: the UUID of the order, a colon, and the version.
    pub(super) async fn id(&self) -> ID {
        format!("{}:{}", self.0.order_id, self.0.version).into()
    }

    /// The id of the order.
    async fn order_id(&self) -> ID {
        self.0.order_id.to_string().into()
    }

    /// The version of the order after this event. The events of an order have the versions 1, 2, 3 and so on, without
    /// gaps.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// The status before the event. Null for the placement.
    async fn from_status(&self) -> Option<OrderStatus> {
        self.0.from.map(OrderStatus::from)
    }

    /// The status after the event.
    async fn to_status(&self) -> OrderStatus {
        self.0.to.into()
    }

    /// Who caused the event.
    async fn actor(&self) -> Actor {
        Actor::from(&self.0.actor)
    }

    /// The notes of the actor. Null for suppliers. Customers see their own notes and the reason of a cancellation; for
    /// them, other notes of the merchant and of suppliers are null.
    async fn notes(&self) -> Option<&str> {
        self.0.notes.as_deref()
    }

    /// Data that the actor attached. If a scan caused the event, it has `carrier`, `tracking_number` and
    /// `carrier_status`. Null for suppliers.
    async fn metadata(&self) -> Option<&serde_json::Value> {
        self.0.metadata.as_ref()
    }

    /// Whether the status was inferred: no carrier reported it, but the order passed it on its way to a later status.
    async fn inferred(&self) -> bool {
        self.0.inferred
    }

    /// When it happened: by the carrier's clock if a scan shows the status, otherwise by Milepost's clock. For a
    /// placement, the time when the order was placed.
    async fn occurred_at(&self) -> DateTime<Utc> {
        self.0.occurred_at
    }

    /// When the event was stored, by Milepost's clock.
    async fn recorded_at(&self) -> DateTime<Utc> {
        self.0.recorded_at
    }

    /// The `x-request-id` of the HTTP request that caused the event. Null for suppliers.
    async fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// The id of the webhook that caused the event. Null for suppliers.
    async fn webhook_id(&self) -> Option<ID> {
        self.0.webhook_id.map(|id| id.to_string().into())
    }
}

/// The party that caused a change.
#[derive(SimpleObject)]
pub struct Actor {
    /// Whether it is a person, a carrier, a supplier or a system.
    kind: ActorKind,
    /// The id of the party: the id of a user, the code of a supplier or the name of a carrier. Suppliers see only their
    /// own code, customers only their own id.
    id: Option<String>,
}

impl From<&domain::Actor> for Actor {
    fn from(actor: &domain::Actor) -> Self {
        Self { kind: actor.kind.into(), id: actor.id.clone() }
    }
}
