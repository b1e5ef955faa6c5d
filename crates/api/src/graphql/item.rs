//! The lines of an order.

use async_graphql::{Context, ID, Object, Result, SimpleObject};

use super::{enums::OriginKind, order::Order};

/// One line of an order: a number of units of one thing.
pub struct OrderItem {
    order: Order,
    item: domain::Item,
}

/// The items of an order.
pub(super) async fn items_of(ctx: &Context<'_>, order: &Order) -> Result<Vec<OrderItem>> {
    let items = order.item_rows(ctx).await?;
    Ok(items.iter().map(|item| OrderItem { order: order.clone(), item: item.clone() }).collect())
}

impl OrderItem {
    pub(super) fn is(&self, id: domain::ItemId) -> bool {
        self.item.id == id
    }

    /// How far this line is, counted as the whole order is.
    async fn progress(&self, ctx: &Context<'_>) -> Result<domain::Progress> {
        let shipments = self.order.shipment_rows(ctx).await?;
        Ok(domain::progress(self.order.head().status, std::slice::from_ref(&self.item), &shipments))
    }
}

/// One line of an order: a number of units of one thing.
#[Object]
impl OrderItem {
    /// The id, a UUID.
    async fn id(&self) -> ID {
        self.item.id.to_string().into()
    }

    /// The merchant's stock keeping unit.
    async fn sku(&self) -> &str {
        &self.item.sku
    }

    /// What the customer calls it.
    async fn name(&self) -> &str {
        &self.item.name
    }

    /// Units ordered.
    async fn quantity(&self) -> u32 {
        self.item.quantity
    }

    /// Units called off because they cannot be shipped. They hold the order back no longer.
    async fn cancelled(&self) -> u32 {
        self.item.cancelled
    }

    /// Why units of it were last called off. Null for suppliers.
    async fn cancel_reason(&self) -> Option<&str> {
        self.item.cancel_reason.as_deref()
    }

    /// Units in a parcel that is not cancelled. A unit is allocated once.
    async fn allocated(&self, ctx: &Context<'_>) -> Result<u32> {
        Ok(self.item.allocated(&self.order.shipment_rows(ctx).await?))
    }

    /// Units that a carrier has, or had.
    async fn shipped(&self, ctx: &Context<'_>) -> Result<u32> {
        Ok(self.progress(ctx).await?.items_shipped)
    }

    /// Units that were handed over.
    async fn delivered(&self, ctx: &Context<'_>) -> Result<u32> {
        Ok(self.progress(ctx).await?.items_delivered)
    }

    /// Where it is planned to come from.
    async fn origin(&self) -> Option<Origin> {
        self.item.origin.clone().map(Origin::from)
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
