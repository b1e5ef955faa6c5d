//! The GraphQL type of an order, with its items, shipments, events and notifications.
//!
//! Fields about the customer take the order from `head_unless_supplier`: `FORBIDDEN` for suppliers. All other fields
//! take it from `head`. Parts of the order are read together with those of the other orders of the answer.

use std::sync::Arc;

use app::{App, Caller, VisibleShipments};
use async_graphql::{Context, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use domain::{Item, OrderHead};

use super::{
    batch_cache::BatchCache,
    closing::OrderClosing,
    connection::{Connection, PageArgs, page_size},
    enums::{FulfillmentPath, OrderStatus},
    error::build_forbidden_error,
    event::{self, OrderEvent},
    item::{OrderItem, list_items},
    limits::weights::{ITEMS, NOTIFICATIONS, REPLACEMENTS, SHIPMENTS, STATUSES, list},
    notification::Notification,
    shipment::{Shipment, shipments_of},
    timeline::{self, TimelineConnection},
    transition::AllowedTransition,
};

/// One order, for one caller. It knows the other orders that were read with it, so that a part of all of them is read
/// with one statement.
#[derive(Clone)]
pub struct Order {
    batch: Arc<BatchCache>,
    at: usize,
}

impl From<OrderHead> for Order {
    fn from(head: OrderHead) -> Self {
        Self { batch: BatchCache::new(vec![head]), at: 0 }
    }
}

impl Order {
    /// Makes orders whose parts are read together.
    pub(super) fn with_shared_cache(heads: Vec<OrderHead>) -> Vec<Self> {
        let batch = BatchCache::new(heads);
        (0..batch.heads.len()).map(|at| Self { batch: batch.clone(), at }).collect()
    }

    pub(super) fn head(&self) -> &OrderHead {
        &self.batch.heads[self.at]
    }

    pub(super) fn batch(&self) -> &BatchCache {
        &self.batch
    }

    /// The order, for fields that only its customer and staff may read.
    ///
    /// # Errors
    /// `FORBIDDEN` for suppliers.
    fn head_unless_supplier(&self, ctx: &Context<'_>, field: &str) -> Result<&OrderHead> {
        let caller = ctx.data::<Caller>()?;
        if caller.may_see_customers() { Ok(self.head()) } else { Err(build_forbidden_error(caller, field)) }
    }

    pub(super) async fn item_rows(&self, ctx: &Context<'_>) -> Result<Arc<[Item]>> {
        self.batch.items(ctx, self.head().id).await
    }

    pub(super) async fn visible_shipments(&self, ctx: &Context<'_>) -> Result<VisibleShipments> {
        self.batch.visible_shipments(ctx, self.head().id).await
    }
}

/// An order of a customer, as it is now.
#[Object]
impl Order {
    /// The id, a UUID.
    pub(super) async fn id(&self) -> ID {
        self.head().id.to_string().into()
    }

    /// The merchant's own number of the order. It is unique.
    async fn reference(&self) -> Option<&str> {
        self.head().reference.as_deref()
    }

    /// The id of the customer: the `sub` claim of their token. An error for suppliers.
    async fn user_id(&self, ctx: &Context<'_>) -> Result<ID> {
        Ok(self.head_unless_supplier(ctx, "userId")?.user_id.to_string().into())
    }

    /// The first e-mail address to which notifications are sent. Null if there is none, and for suppliers.
    async fn customer_email(&self, ctx: &Context<'_>) -> Result<Option<&str>> {
        let caller = ctx.data::<Caller>()?;
        Ok(self.head().customer_email.as_deref().filter(|_| caller.may_see_customers()))
    }

    /// All e-mail addresses to which notifications are sent. Empty if there is none, and for suppliers.
    async fn customer_emails(&self, ctx: &Context<'_>) -> Result<Vec<&str>> {
        let caller = ctx.data::<Caller>()?;
        Ok(self.head().recipients().filter(|_| caller.may_see_customers()).collect())
    }

    /// How far the order is: as far as its slowest unit.
    async fn status(&self) -> OrderStatus {
        self.head().status.into()
    }

    /// The number of events of the order. Send it as `expectedVersion` to change the order only if it is still as you
    /// have read it.
    async fn version(&self) -> i32 {
        self.head().version
    }

    /// What the order costs. An error for suppliers.
    async fn total(&self, ctx: &Context<'_>) -> Result<Money> {
        let total = &self.head_unless_supplier(ctx, "total")?.total;
        Ok(Money {
            cents: total.cents,
            currency: total.currency.clone(),
            decimals: total.decimals(),
            formatted: total.to_string(),
        })
    }

    /// How the merchant planned to fulfil the order.
    async fn fulfillment_path(&self) -> FulfillmentPath {
        self.head().fulfillment_path.into()
    }

    /// When and by whom the order was closed, and why. Null if it is not closed. Nothing more is expected of a closed
    /// order, whatever its status is. Whatever happens afterwards reopens it.
    async fn closed(&self, ctx: &Context<'_>) -> Result<Option<OrderClosing>> {
        let caller = ctx.data::<Caller>()?;
        Ok(self.head().closed.as_ref().map(|closed| caller.redact_closed(closed).into()))
    }

    /// The order of the same customer that this order replaces. Null for suppliers.
    async fn replaces(&self, ctx: &Context<'_>) -> Result<Option<Order>> {
        self.batch.replaced_order(ctx, self.head()).await
    }

    /// The orders that replace this order, oldest first. Empty for suppliers.
    #[graphql(complexity = "list(REPLACEMENTS, child_complexity)")]
    async fn replaced_by(&self, ctx: &Context<'_>) -> Result<Vec<Order>> {
        Ok(self.batch.replacements(ctx, self.head().id).await?.to_vec())
    }

    /// The items, in the sequence in which they were given when the order was placed. A supplier sees only the items
    /// that it ships.
    #[graphql(complexity = "list(ITEMS, child_complexity)")]
    async fn items(&self, ctx: &Context<'_>) -> Result<Vec<OrderItem>> {
        list_items(ctx, self).await
    }

    /// The shipments, oldest first, including cancelled ones. A supplier sees only shipments that contain nothing but
    /// its own items and that no other supplier sent.
    #[graphql(complexity = "list(SHIPMENTS, child_complexity)")]
    async fn shipments(&self, ctx: &Context<'_>) -> Result<Vec<Shipment>> {
        shipments_of(ctx, self).await
    }

    /// How many units and shipments are how far. Only items and shipments that the caller may see are counted. A
    /// supplier's units are counted in every shipment, also in one that the supplier may not see.
    async fn progress(&self, ctx: &Context<'_>) -> Result<Progress> {
        let (items, shipments) = futures::try_join!(self.item_rows(ctx), self.visible_shipments(ctx))?;
        let progress = shipments.progress(self.head().status, &items);
        Ok(progress.of_closed(self.head().closed.is_some()).into())
    }

    /// Whether the order stands further than its shipments: it is `DELIVERED` or further, and a unit in its shipments is not
    /// delivered. It happens when a scan is retracted, or gets another meaning, because an order never goes back. Judged
    /// by the items and shipments that the caller may see.
    async fn status_disputed(&self, ctx: &Context<'_>) -> Result<bool> {
        let (items, shipments) = futures::try_join!(self.item_rows(ctx), self.visible_shipments(ctx))?;
        Ok(shipments.is_status_disputed(self.head().status, &items))
    }

    /// For every status: whether this caller may give it to the order now, and if not, why not.
    #[graphql(complexity = "list(STATUSES, child_complexity)")]
    async fn allowed_transitions(&self, ctx: &Context<'_>) -> Result<Vec<AllowedTransition>> {
        let (items, shipments) = futures::try_join!(self.item_rows(ctx), self.visible_shipments(ctx))?;
        let order = domain::Order::restore(self.head().clone(), items.to_vec(), shipments.visible.to_vec());
        let transitions = order.allowed_transitions(&ctx.data::<Caller>()?.actor);
        Ok(transitions.into_iter().map(|(to, why)| AllowedTransition::new(self, to, why)).collect())
    }

    /// The history of the order, oldest first: one event for the placement and one for every change of status.
    #[graphql(complexity = "list(page_size(first, last), child_complexity)")]
    async fn events(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<Connection<OrderEvent>> {
        event::read_history(ctx, self, PageArgs { first, after, last, before }).await
    }

    /// Everything that was recorded about the order, newest first by Milepost's clock: its events, its activities, the
    /// scans of its shipments and its notifications. A caller sees the entries that it sees elsewhere, with the same
    /// parts.
    #[graphql(complexity = "list(page_size(first, last), child_complexity)")]
    async fn timeline(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<TimelineConnection> {
        timeline::read_page(ctx, self, PageArgs { first, after, last, before }).await
    }

    /// The notifications to the customer about this order, oldest first. There is at most one for each status and
    /// recipient. Empty for suppliers.
    #[graphql(complexity = "list(NOTIFICATIONS, child_complexity)")]
    async fn notifications(&self, ctx: &Context<'_>) -> Result<Vec<Notification>> {
        let notifications = self.batch.notifications(ctx, self.head().id).await?;
        let failures = self.batch.notification_failures();
        Ok(notifications.iter().map(|one| Notification::new(one.clone(), failures.clone())).collect())
    }

    /// The latest estimated delivery of the shipments that are not delivered and not cancelled. Only shipments that the
    /// caller may see are counted. Null if none of them has an estimate.
    async fn estimated_delivery(&self, ctx: &Context<'_>) -> Result<Option<DateTime<Utc>>> {
        let shipments = self.visible_shipments(ctx).await?;
        let on_their_way = shipments.visible.iter().filter(|one| one.status().is_on_its_way());
        Ok(on_their_way.filter_map(|one| Some(one.tracking.estimated_delivery?.latest_instant())).max())
    }

    /// When the customer placed the order.
    async fn placed_at(&self) -> DateTime<Utc> {
        self.head().placed_at
    }

    /// When anything of the order last changed, by Milepost's clock.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.head().updated_at
    }

    /// The address of the page on which the customer follows the order. The link is signed, needs no login and expires.
    /// An error for suppliers.
    async fn tracking_url(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(ctx.data::<App>()?.links().tracking_url(self.head_unless_supplier(ctx, "trackingUrl")?.id))
    }
}

/// An amount of money, in the smallest unit of its currency.
#[derive(SimpleObject)]
pub struct Money {
    /// The amount in minor units of the currency. For example, 4205 is 42.05 USD, 4205 JPY or 4.205 KWD.
    cents: i32,
    /// The ISO 4217 code of the currency, for example `USD`.
    currency: String,
    /// The number of decimals of the currency: 2 for USD, 0 for JPY, 3 for KWD.
    decimals: u16,
    /// The amount as text for people, for example `42.05 USD`.
    formatted: String,
}

/// How many units and shipments are how far. Cancelled ones are counted only in `itemsCancelled`.
#[derive(SimpleObject)]
pub struct Progress {
    /// Units ordered, without the cancelled ones.
    items_total: u32,
    /// Units that were called off and will not come.
    items_cancelled: u32,
    /// Units that a carrier has or had, including delivered ones.
    items_shipped: u32,
    /// Units that were delivered.
    items_delivered: u32,
    /// Units that were sent back and have arrived.
    items_returned: u32,
    /// Shipments that are not cancelled, also those that no carrier has yet.
    shipments_total: u32,
    /// Shipments that a carrier has or had, including delivered ones.
    shipments_shipped: u32,
    /// Shipments that were delivered.
    shipments_delivered: u32,
    /// The progress as text for people, for example `partial shipment: 2 of 3 items shipped`. It tells also what is not
    /// coming: `2 of 5 items delivered; 3 called off`.
    summary: String,
}

impl From<domain::Progress> for Progress {
    fn from(progress: domain::Progress) -> Self {
        Self {
            items_total: progress.items_total,
            items_cancelled: progress.items_cancelled,
            items_shipped: progress.items_shipped,
            items_delivered: progress.items_delivered,
            items_returned: progress.items_returned,
            shipments_total: progress.shipments_total,
            shipments_shipped: progress.shipments_shipped,
            shipments_delivered: progress.shipments_delivered,
            summary: progress.summary,
        }
    }
}
