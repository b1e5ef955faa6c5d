//! An order with everything that hangs on it.

use std::sync::Arc;

use app::{App, Caller, VisibleShipments};
use async_graphql::{Context, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use domain::{Item, OrderHead};

use super::{
    batch_cache::BatchCache,
    connection::{Connection, PageArgs, page_size},
    enums::{FulfillmentPath, OrderStatus},
    error::not_for,
    event::{self, OrderEvent},
    item::{OrderItem, items_of},
    limits::weights::{ITEMS, NOTIFICATIONS, SHIPMENTS, STATUSES, list},
    notification::Notification,
    shipment::{Shipment, shipments_of},
    transition::AllowedTransition,
};

/// What a customer ordered, as it stands now.
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
    /// Orders whose parts are read together.
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

    /// What only the customer themselves and staff may know: whose the order is, what it costs. Suppliers may not.
    fn for_customers(&self, ctx: &Context<'_>, field: &str) -> Result<&OrderHead> {
        let caller = ctx.data::<Caller>()?;
        if caller.may_see_customers() { Ok(self.head()) } else { Err(not_for(caller, field)) }
    }

    pub(super) async fn item_rows(&self, ctx: &Context<'_>) -> Result<Arc<[Item]>> {
        self.batch.items(ctx, self.head().id).await
    }

    pub(super) async fn visible_shipments(&self, ctx: &Context<'_>) -> Result<VisibleShipments> {
        self.batch.visible_shipments(ctx, self.head().id).await
    }
}

/// What a customer ordered, as it stands now.
#[Object]
impl Order {
    /// The id, a UUID.
    pub(super) async fn id(&self) -> ID {
        self.head().id.to_string().into()
    }

    /// The merchant's own number. No two orders have the same.
    async fn reference(&self) -> Option<&str> {
        self.head().reference.as_deref()
    }

    /// The customer: the `sub` of their token. Not for suppliers.
    async fn user_id(&self, ctx: &Context<'_>) -> Result<ID> {
        Ok(self.for_customers(ctx, "userId")?.user_id.to_string().into())
    }

    /// Where notifications go. For the customer themselves, support and systems; null for suppliers.
    async fn customer_email(&self, ctx: &Context<'_>) -> Result<Option<&str>> {
        let caller = ctx.data::<Caller>()?;
        Ok(self.head().customer_email.as_deref().filter(|_| caller.may_see_customers()))
    }

    /// Where the order stands: as far as its slowest unit.
    async fn status(&self) -> OrderStatus {
        self.head().status.into()
    }

    /// How many events the order has. Name it as `expectedVersion` to change only what you have seen.
    async fn version(&self) -> i32 {
        self.head().version
    }

    /// What it costs. Not for suppliers.
    async fn total(&self, ctx: &Context<'_>) -> Result<Money> {
        let total = &self.for_customers(ctx, "total")?.total;
        Ok(Money {
            cents: total.cents,
            currency: total.currency.clone(),
            decimals: total.decimals(),
            formatted: total.to_string(),
        })
    }

    /// How it was planned to be fulfilled.
    async fn fulfillment_path(&self) -> FulfillmentPath {
        self.head().fulfillment_path.into()
    }

    /// Its lines, in the order they were placed. For a supplier: those it sends.
    #[graphql(complexity = "list(ITEMS, child_complexity)")]
    async fn items(&self, ctx: &Context<'_>) -> Result<Vec<OrderItem>> {
        items_of(ctx, self).await
    }

    /// Its shipments, cancelled ones too, oldest first. For a supplier: those with nothing but its own items.
    #[graphql(complexity = "list(SHIPMENTS, child_complexity)")]
    async fn shipments(&self, ctx: &Context<'_>) -> Result<Vec<Shipment>> {
        shipments_of(ctx, self).await
    }

    /// How far it is, counted in units of the items and in shipments that the caller sees. A supplier's units count in
    /// whichever shipment they are.
    async fn progress(&self, ctx: &Context<'_>) -> Result<Progress> {
        let (items, shipments) = futures::try_join!(self.item_rows(ctx), self.visible_shipments(ctx))?;
        Ok(shipments.progress(self.head().status, &items).into())
    }

    /// For every status: whether this caller may bring the order there now, and if not, why.
    #[graphql(complexity = "list(STATUSES, child_complexity)")]
    async fn allowed_transitions(&self, ctx: &Context<'_>) -> Result<Vec<AllowedTransition>> {
        let (items, shipments) = futures::try_join!(self.item_rows(ctx), self.visible_shipments(ctx))?;
        let order = domain::Order::restore(self.head().clone(), items.to_vec(), shipments.visible.to_vec());
        let transitions = order.allowed_transitions(&ctx.data::<Caller>()?.actor);
        Ok(transitions.into_iter().map(|(to, why)| AllowedTransition::new(self, to, why)).collect())
    }

    /// Its history, oldest first: one event for the placement and for every change of status.
    #[graphql(complexity = "list(page_size(first, last), child_complexity)")]
    async fn events(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<Connection<OrderEvent>> {
        event::history(ctx, self, PageArgs { first, after, last, before }).await
    }

    /// The messages its events called for, oldest first. One per status at most. None for suppliers.
    #[graphql(complexity = "list(NOTIFICATIONS, child_complexity)")]
    async fn notifications(&self, ctx: &Context<'_>) -> Result<Vec<Notification>> {
        let notifications = self.batch.notifications(ctx, self.head().id).await?;
        Ok(notifications.iter().cloned().map(Notification).collect())
    }

    /// When the last of the shipments that the caller sees and that are under way is expected, as far as their
    /// carriers say.
    async fn estimated_delivery(&self, ctx: &Context<'_>) -> Result<Option<DateTime<Utc>>> {
        let shipments = self.visible_shipments(ctx).await?;
        let on_their_way = shipments.visible.iter().filter(|one| one.status().is_on_its_way());
        Ok(on_their_way.filter_map(|one| one.tracking.estimated_delivery).max())
    }

    /// When the customer placed it.
    async fn placed_at(&self) -> DateTime<Utc> {
        self.head().placed_at
    }

    /// When anything about it last changed, by our clock.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.head().updated_at
    }

    /// The page on which the customer follows the order: a signed link that needs no login and expires. Not for
    /// suppliers.
    async fn tracking_url(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(ctx.data::<App>()?.tracking_url(self.for_customers(ctx, "trackingUrl")?.id))
    }
}

/// An amount in the smallest unit of a currency.
#[derive(SimpleObject)]
pub struct Money {
    /// The amount in minor units of the currency: 4205 is 42.05 USD, 4205 JPY or 4.205 KWD.
    cents: i32,
    /// The ISO 4217 code: `USD`.
    currency: String,
    /// How many decimals the currency has: 2 for USD, 0 for JPY, 3 for KWD.
    decimals: u16,
    /// For people: `42.05 USD`.
    formatted: String,
}

/// Units and shipments, counted by how far they are. Cancelled ones do not count.
#[derive(SimpleObject)]
pub struct Progress {
    /// Units still wanted.
    items_total: u32,
    /// Units that a carrier has, or had.
    items_shipped: u32,
    /// Units handed over.
    items_delivered: u32,
    /// Units that came back.
    items_returned: u32,
    /// Shipments.
    shipments_total: u32,
    /// Shipments that a carrier has, or had.
    shipments_shipped: u32,
    /// Shipments handed over.
    shipments_delivered: u32,
    /// For people: `partial shipment: 2 of 3 items shipped`.
    summary: String,
}

impl From<domain::Progress> for Progress {
    fn from(progress: domain::Progress) -> Self {
        Self {
            items_total: progress.items_total,
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
