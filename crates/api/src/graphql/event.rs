//! Events: the history of one order, and the log of all.

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
    error::answer,
    order::Order,
};

/// The recorded fact of one change of status, or of the placement. Never changed, never deleted.
pub struct OrderEvent(pub(super) Event);

/// A page of the history of one order, oldest first. Versions are dense, so a page is a range of them.
pub(super) async fn history(
    ctx: &Context<'_>,
    order: &Order,
    args: PageArgs,
) -> Result<Connection<OrderEvent>> {
    let head = order.head();
    let own = |(of, version): (Uuid, i32)| (of == head.id.0).then_some(version);
    let window = args.window(Kind::History, own)?;
    let (_, _, has_more) = window.range(head.version);
    let rows = order.batch().events(ctx, head, &window).await?.to_vec();
    let total = Total::Known(head.version.unsigned_abs().into());
    Ok(Connection::new(Page { rows, has_more }, &window, total, |event: Event| {
        (Kind::History.encode(&(event.order_id.0, event.version)), OrderEvent(event))
    }))
}

/// A page of the log of all orders, newest first.
pub(super) async fn log(
    ctx: &Context<'_>,
    filter: EventFilter,
    args: PageArgs,
) -> Result<Connection<OrderEvent>> {
    let window = args.window(Kind::Events, |(at, order_id, version): (DateTime<Utc>, Uuid, i32)| {
        cursor::key((at, EventId { order_id: OrderId(order_id), version }))
    })?;
    let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
    let page = answer(ctx, app.events(caller, filter.clone(), &window.request()).await)?;
    Ok(Connection::new(page, &window, Total::Events(filter), |event: Event| {
        let place = (event.occurred_at, event.order_id.0, event.version);
        (Kind::Events.encode(&place), OrderEvent(event))
    }))
}

/// The recorded fact of one change of status, or of the placement. Never changed, never deleted.
#[Object]
impl OrderEvent {
    /// The id: the order's UUID, a colon, and the version.
    pub(super) async fn id(&self) -> ID {
        format!("{}:{}", self.0.order_id, self.0.version).into()
    }

    /// The order it is about.
    async fn order_id(&self) -> ID {
        self.0.order_id.to_string().into()
    }

    /// The order's version with it. The events of an order sort by it, without gaps.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// The status before. Null at the placement.
    async fn from_status(&self) -> Option<OrderStatus> {
        self.0.from.map(OrderStatus::from)
    }

    /// The status after.
    async fn to_status(&self) -> OrderStatus {
        self.0.to.into()
    }

    /// Who caused it.
    async fn actor(&self) -> Actor {
        Actor::from(&self.0.actor)
    }

    /// What they said about it. Null for suppliers. Customers are shown their own words, and why an order was cancelled;
    /// what the shop or a supplier wrote otherwise is null for them.
    async fn notes(&self) -> Option<&str> {
        self.0.notes.as_deref()
    }

    /// What they attached. A step driven by a scan names `carrier`, `tracking_number` and `carrier_status`.
    /// Null for suppliers.
    async fn metadata(&self) -> Option<&serde_json::Value> {
        self.0.metadata.as_ref()
    }

    /// Whether the carrier never reported this status and a later one implies it.
    async fn inferred(&self) -> bool {
        self.0.inferred
    }

    /// When it happened, by the clock of whoever saw it.
    async fn occurred_at(&self) -> DateTime<Utc> {
        self.0.occurred_at
    }

    /// When it was written down, by our clock.
    async fn recorded_at(&self) -> DateTime<Utc> {
        self.0.recorded_at
    }

    /// The `x-request-id` of the HTTP request that caused it. Null for suppliers.
    async fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// The webhook that caused it. Null for suppliers.
    async fn webhook_id(&self) -> Option<ID> {
        self.0.webhook_id.map(|id| id.to_string().into())
    }
}

/// Who did it.
#[derive(SimpleObject)]
pub struct Actor {
    /// What kind of party.
    kind: ActorKind,
    /// Which one: a user id, a supplier's code, a carrier's name. Suppliers see only their own code, customers only
    /// their own id.
    id: Option<String>,
}

impl From<&domain::Actor> for Actor {
    fn from(actor: &domain::Actor) -> Self {
        Self { kind: actor.kind.into(), id: actor.id.clone() }
    }
}
