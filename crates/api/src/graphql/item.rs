//! The GraphQL type of an item of an order: its quantities, its supplier's answer and its returns.

use std::sync::Arc;

use app::Clock;
use async_graphql::{Context, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use domain::Rank;

use super::{enums::OriginKind, order::Order};

/// One item of an order, for one caller.
pub struct OrderItem {
    order: Order,
    items: Arc<[domain::Item]>,
    at: usize,
}

/// The items of an order that the caller may see.
pub(super) async fn list_items(ctx: &Context<'_>, order: &Order) -> Result<Vec<OrderItem>> {
    let items = order.item_rows(ctx).await?;
    Ok((0..items.len()).map(|at| OrderItem { order: order.clone(), items: items.clone(), at }).collect())
}

impl OrderItem {
    fn item(&self) -> &domain::Item {
        &self.items[self.at]
    }

    pub(super) fn has_id(&self, id: domain::ItemId) -> bool {
        self.item().id == id
    }

    /// How many of its units are at least that far. All shipments count, also those that the caller may not see.
    async fn units_at(&self, ctx: &Context<'_>, rank: Rank) -> Result<u32> {
        let shipments = self.order.visible_shipments(ctx).await?;
        Ok(self.item().units_at(rank, self.order.head().status, &shipments.counted))
    }
}

/// One position of an order: a product and a number of units.
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

    /// The name of the product, for customers.
    async fn name(&self) -> &str {
        &self.item().name
    }

    /// How many units were ordered.
    async fn quantity(&self) -> u32 {
        self.item().quantity
    }

    /// How many units were cancelled because they cannot be shipped. The order no longer waits for them.
    async fn cancelled(&self) -> u32 {
        self.item().cancelled
    }

    /// The reason of the latest cancellation of units. Null for suppliers.
    async fn cancel_reason(&self) -> Option<&str> {
        self.item().cancel_reason.as_deref()
    }

    /// How many units are in shipments that are not cancelled. A unit is in at most one of them.
    async fn allocated(&self, ctx: &Context<'_>) -> Result<u32> {
        Ok(self.item().allocated(&self.order.visible_shipments(ctx).await?.counted))
    }

    /// How many units a carrier has or had, including delivered ones.
    async fn shipped(&self, ctx: &Context<'_>) -> Result<u32> {
        self.units_at(ctx, Rank::Shipped).await
    }

    /// How many units were delivered.
    async fn delivered(&self, ctx: &Context<'_>) -> Result<u32> {
        self.units_at(ctx, Rank::Delivered).await
    }

    /// The place from which the item is planned to be shipped.
    async fn origin(&self) -> Option<Origin> {
        self.item().origin.clone().map(Origin::from)
    }

    /// The time until which the supplier must accept the item. Null if no supplier ships it or no time was agreed. Null
    /// for customers.
    async fn accept_by(&self) -> Option<DateTime<Utc>> {
        self.item().commitment.deadlines.accept_by
    }

    /// When the supplier accepted the item. A shipment from the supplier accepts it too. Null for customers.
    async fn accepted_at(&self) -> Option<DateTime<Utc>> {
        self.item().commitment.accepted_at()
    }

    /// When the supplier declined the item. The item must then be reassigned with `reassignItems`. Null for customers.
    async fn declined_at(&self) -> Option<DateTime<Utc>> {
        self.item().commitment.declined().map(|(at, _)| at)
    }

    /// Why the supplier declined the item. Null for suppliers and customers.
    async fn decline_reason(&self) -> Option<&str> {
        self.item().commitment.declined().and_then(|(_, reason)| reason)
    }

    /// The time until which a carrier must have every unit of the item. Null if no supplier ships it or no time was
    /// agreed. Null for customers.
    async fn ship_by(&self) -> Option<DateTime<Utc>> {
        self.item().commitment.deadlines.ship_by
    }

    /// Whether the supplier is late, by Milepost's clock: not all units are with a carrier, and either `acceptBy` has
    /// passed without an answer or `shipBy` has passed. False if the order is closed, delivered, cancelled or returned,
    /// while a return is under way, and for customers.
    async fn overdue(&self, ctx: &Context<'_>) -> Result<bool> {
        let shipments = self.order.visible_shipments(ctx).await?;
        let now = ctx.data::<Clock>()?.now();
        if self.order.head().closed.is_some() {
            return Ok(false);
        }
        Ok(self.item().overdue(&shipments.counted, self.order.head().status, now).is_some())
    }

    /// How many units the customer is to send back. A return that was started without quantities (with
    /// `transitionOrder`) has 0 here until units are received.
    async fn return_requested(&self) -> u32 {
        self.item().return_requested
    }

    /// The reason of the latest return of units. Null for suppliers.
    async fn return_reason(&self) -> Option<&str> {
        self.item().return_reason.as_deref()
    }

    /// The id of the item that these units belonged to before the supplier declined them and not the rest. Null for
    /// other items. Null for suppliers and customers.
    async fn split_from(&self) -> Option<ID> {
        self.item().split_from.map(|id| id.to_string().into())
    }

    /// How many units were sent back and have arrived.
    async fn returned(&self) -> u32 {
        self.item().returned
    }

    /// How many units were to be sent back and are not expected any more. A unit that is asked back again, or that
    /// arrives nevertheless, does not count here any more.
    async fn return_written_off(&self) -> u32 {
        self.item().return_written_off
    }
}

/// The place from which units are sent.
#[derive(SimpleObject)]
pub struct Origin {
    /// Whether it is a warehouse or a supplier.
    kind: OriginKind,
    /// The merchant's code of the warehouse or supplier.
    code: String,
}

impl From<domain::Origin> for Origin {
    fn from(origin: domain::Origin) -> Self {
        Self { kind: origin.kind.into(), code: origin.code }
    }
}
