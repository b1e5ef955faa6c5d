//! The lines of an order.

use std::sync::Arc;

use app::App;
use async_graphql::{Context, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use domain::Rank;

use super::{enums::OriginKind, order::Order};

/// One line of an order: a number of units of one thing.
pub struct OrderItem {
    order: Order,
    items: Arc<[domain::Item]>,
    at: usize,
}

/// The items of an order.
pub(super) async fn items_of(ctx: &Context<'_>, order: &Order) -> Result<Vec<OrderItem>> {
    let items = order.item_rows(ctx).await?;
    Ok((0..items.len()).map(|at| OrderItem { order: order.clone(), items: items.clone(), at }).collect())
}

impl OrderItem {
    fn item(&self) -> &domain::Item {
        &self.items[self.at]
    }

    pub(super) fn is(&self, id: domain::ItemId) -> bool {
        self.item().id == id
    }

    /// How many of its units are at least that far, counted as for the whole order.
    async fn units_at(&self, ctx: &Context<'_>, rank: Rank) -> Result<u32> {
        let shipments = self.order.visible_shipments(ctx).await?;
        Ok(self.item().units_at(rank, self.order.head().status, &shipments.counted))
    }
}

/// One line of an order: a number of units of one thing.
#[Object]
impl OrderItem {
    /// The id, a UUID.
    async fn id(&self) -> ID {
        self.item().id.to_string().into()
    }

    /// The merchant's stock keeping unit.
    async fn sku(&self) -> &str {
        &self.item().sku
    }

    /// What the customer calls it.
    async fn name(&self) -> &str {
        &self.item().name
    }

    /// Units ordered.
    async fn quantity(&self) -> u32 {
        self.item().quantity
    }

    /// Units called off because they cannot be shipped. They hold the order back no longer.
    async fn cancelled(&self) -> u32 {
        self.item().cancelled
    }

    /// Why units of it were last called off. Null for suppliers.
    async fn cancel_reason(&self) -> Option<&str> {
        self.item().cancel_reason.as_deref()
    }

    /// Units in a shipment that is not cancelled. A unit is allocated once.
    async fn allocated(&self, ctx: &Context<'_>) -> Result<u32> {
        Ok(self.item().allocated(&self.order.visible_shipments(ctx).await?.counted))
    }

    /// Units that a carrier has, or had.
    async fn shipped(&self, ctx: &Context<'_>) -> Result<u32> {
        self.units_at(ctx, Rank::Shipped).await
    }

    /// Units that were handed over.
    async fn delivered(&self, ctx: &Context<'_>) -> Result<u32> {
        self.units_at(ctx, Rank::Delivered).await
    }

    /// Where it is planned to come from.
    async fn origin(&self) -> Option<Origin> {
        self.item().origin.clone().map(Origin::from)
    }

    /// Until when the supplier has to accept it. Null where no supplier ships it, or nothing was agreed; and for
    /// customers.
    async fn accept_by(&self) -> Option<DateTime<Utc>> {
        self.item().commitment.deadlines.accept_by
    }

    /// When the supplier accepted it, or registered its first shipment. Null for customers.
    async fn accepted_at(&self) -> Option<DateTime<Utc>> {
        self.item().commitment.accepted_at()
    }

    /// When the supplier declined it. It then has to be reassigned. Null for customers.
    async fn declined_at(&self) -> Option<DateTime<Utc>> {
        self.item().commitment.declined().map(|(at, _)| at)
    }

    /// Why the supplier declined it. Null for suppliers and customers.
    async fn decline_reason(&self) -> Option<&str> {
        self.item().commitment.declined().map(|(_, reason)| reason).filter(|reason| !reason.is_empty())
    }

    /// Until when a carrier has to have every unit of it. Null where no supplier ships it, or nothing was agreed; and for
    /// customers.
    async fn ship_by(&self) -> Option<DateTime<Utc>> {
        self.item().commitment.deadlines.ship_by
    }

    /// Whether the supplier is late by our clock: units are not with a carrier, and `acceptBy` has passed without an
    /// answer, or `shipBy` has. Never for an order that is closed or delivered. False for customers.
    async fn overdue(&self, ctx: &Context<'_>) -> Result<bool> {
        let shipments = self.order.visible_shipments(ctx).await?;
        let now = ctx.data::<App>()?.clock.now();
        Ok(self.item().overdue(&shipments.counted, self.order.head().status, now).is_some())
    }

    /// Units asked back. A return that was begun without quantities names none until something is received.
    async fn return_requested(&self) -> u32 {
        self.item().return_requested
    }

    /// Why units of it were last asked back. Null for suppliers.
    async fn return_reason(&self) -> Option<&str> {
        self.item().return_reason.as_deref()
    }

    /// Units that came back.
    async fn returned(&self) -> u32 {
        self.item().returned
    }
}

/// Where units are sent from.
#[derive(SimpleObject)]
pub struct Origin {
    /// Warehouse or supplier.
    kind: OriginKind,
    /// Which one, in the merchant's words.
    code: String,
}

impl From<domain::Origin> for Origin {
    fn from(origin: domain::Origin) -> Self {
        Self { kind: origin.kind.into(), code: origin.code }
    }
}
