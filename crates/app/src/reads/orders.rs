//! Reads orders, their items and their notifications. Resolvers of `api` call these.
//!
//! - `order` and `order_by_reference` answer `None` also for an order that the caller may not see. Lists are restricted
//!   by `filter`.
//! - The functions that take ids trust them. For a supplier, replacements, replaced orders, notifications and their
//!   failures are always empty.

use std::{collections::HashMap, sync::Arc};

use domain::{Item, NotificationId, OrderHead, OrderId};
use persistence::{
    failures::{self, Failure},
    notifications::Notification,
    read::{self, OrderFilter, Page, PageRequest},
};
use uuid::Uuid;

use super::{Extent, Reads, filter::narrow_order_filter, into_arcs};
use crate::{Caller, access::Scope, error::Result};

impl Reads {
    /// An order, if the caller may see it.
    pub async fn order(&self, caller: &Caller, id: OrderId) -> Result<Option<OrderHead>> {
        if let Scope::Supplies(code) = caller.scope() {
            return Ok(read::order_supplied_by(&self.store, id, code).await?);
        }
        let order = self.readers.heads.load(vec![id]).await?.remove(&id);
        Ok(order.filter(|order| caller.may_see(order, &[])))
    }

    /// The order with this reference (the merchant's own order number), if the caller may see it.
    pub async fn order_by_reference(&self, caller: &Caller, reference: &str) -> Result<Option<OrderHead>> {
        if let Scope::Supplies(code) = caller.scope() {
            return Ok(read::order_by_reference(&self.store, reference, Some(code)).await?);
        }
        let order = read::order_by_reference(&self.store, reference, None).await?;
        Ok(order.filter(|order| caller.may_see(order, &[])))
    }

    /// A page of the orders that the caller may see, newest first.
    pub async fn orders(
        &self,
        caller: &Caller,
        filter: OrderFilter,
        page: &PageRequest<Uuid>,
    ) -> Result<Page<OrderHead>> {
        match narrow_order_filter(caller, filter)? {
            Some(filter) => Ok(read::orders_page(&self.store, &filter, page).await?),
            None => Ok(Page { rows: vec![], has_more: false }),
        }
    }

    /// The number of orders that the caller may see.
    pub async fn count_orders(&self, caller: &Caller, filter: OrderFilter) -> Result<u64> {
        match narrow_order_filter(caller, filter)? {
            Some(filter) => Ok(read::count_orders(&self.store, &filter).await?),
            None => Ok(0),
        }
    }

    /// The items of orders, redacted. The caller must be allowed to see these orders.
    ///
    /// # Errors
    /// When the database fails, or there are more rows than the extent allows.
    pub async fn items_of(
        &self,
        caller: &Caller,
        orders: Vec<OrderId>,
        extent: Extent,
    ) -> Result<HashMap<OrderId, Arc<[Item]>>> {
        let found = self.readers.items.read(orders, extent).await?;
        Ok(found.into_iter().map(|(id, items)| (id, caller.redact_items(items))).collect())
    }

    /// The orders that replace these ones, oldest first. Empty for suppliers: the replacement may be none of theirs.
    /// The caller must be allowed to see these orders; both orders belong to one customer.
    ///
    /// # Errors
    /// When the database fails, or there are more rows than the extent allows.
    pub async fn replacements_of(
        &self,
        caller: &Caller,
        orders: Vec<OrderId>,
        extent: Extent,
    ) -> Result<HashMap<OrderId, Vec<OrderHead>>> {
        if !caller.may_see_customers() {
            return Ok(HashMap::new());
        }
        Ok(read::replacements_at_most(&self.store, &orders, extent.max_rows() as u64).await?)
    }

    /// The orders that these ones replace, by the replaced order. Empty for suppliers. The caller must be allowed to
    /// see the orders that replace them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn replaced_orders(
        &self,
        caller: &Caller,
        replaced: Vec<OrderId>,
    ) -> Result<HashMap<OrderId, OrderHead>> {
        if !caller.may_see_customers() || replaced.is_empty() {
            return Ok(HashMap::new());
        }
        self.readers.heads.load(replaced).await
    }

    /// The notifications of orders, oldest first. Empty for suppliers. The caller must be allowed to see these orders.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn notifications_of(
        &self,
        caller: &Caller,
        orders: Vec<OrderId>,
    ) -> Result<HashMap<OrderId, Arc<[Notification]>>> {
        if !caller.may_see_customers() {
            return Ok(HashMap::new());
        }
        Ok(into_arcs(read::notifications_of(&self.store, &orders).await?))
    }

    /// The failed attempts to send these notifications, newest first. The caller must be allowed to see these
    /// notifications.
    ///
    /// # Errors
    /// When the database fails, or there are more rows than the extent allows.
    pub async fn failures_of_notifications(
        &self,
        caller: &Caller,
        notifications: Vec<NotificationId>,
        extent: Extent,
    ) -> Result<HashMap<NotificationId, Arc<[Failure]>>> {
        if !caller.may_see_customers() {
            return Ok(HashMap::new());
        }
        let most = extent.max_rows() as u64;
        Ok(into_arcs(failures::failures_of_notifications(&self.store, &notifications, most).await?))
    }
}
