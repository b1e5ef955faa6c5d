//! Reads orders and everything that belongs to them, limited to what the caller may see. A record that the caller may
//! not see is treated as if it did not exist.
//!
//! Every record of an order passes `access` here before it is returned.

use std::{collections::HashMap, future::Future, sync::Arc};

use domain::{Carrier, Item, NotificationId, OrderHead, OrderId, Refusal, Shipment, ShipmentId, WebhookId};
use persistence::{
    Event,
    failures::{self, Failure},
    notifications::Notification,
    read::{self, EventFilter, EventId, OrderFilter, Page, PageRequest, VersionRange, WebhookFilter},
    scans::StoredScan,
    webhooks::WebhookHead,
};
use uuid::Uuid;

use crate::{
    App, Caller,
    access::{Scope, VisibleShipments},
    error::Result,
};

/// Largest number of rows that an ordinary read returns: items of orders, shipments and their contents, or scans.
pub const ORDINARY_ROWS: usize = 500;

/// Number of orders whose parts a large read loads with one statement.
const ORDERS_A_STATEMENT: usize = 4;
/// Largest number of items of one order. The domain has the same limit.
const MAX_ITEMS: usize = 1_000;

/// How many rows a read of items, shipments or scans may return. A read that finds more fails before all rows are in
/// memory, see [`Error::is_too_many_rows`](crate::Error::is_too_many_rows).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// At most [`ORDINARY_ROWS`] rows. Concurrent callers share a statement.
    Ordinary,
    /// At most this many rows. The read uses statements of its own.
    Large(usize),
}

impl Extent {
    fn max_rows(self) -> usize {
        match self {
            Self::Ordinary => ORDINARY_ROWS,
            Self::Large(most) => most,
        }
    }

    /// Fails if a shared statement returned too many rows for one caller.
    fn check_loaded<K, T>(
        self,
        table: &'static str,
        found: HashMap<K, T>,
        rows: impl Fn(&T) -> usize,
    ) -> Result<HashMap<K, T>> {
        if found.values().map(rows).sum::<usize>() > self.max_rows() {
            return Err(persistence::Error::TooManyRows { table, most: self.max_rows() as u64 }.into());
        }
        Ok(found)
    }
}

impl App {
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
    pub async fn orders_count(&self, caller: &Caller, filter: OrderFilter) -> Result<u64> {
        match narrow_order_filter(caller, filter)? {
            Some(filter) => Ok(read::orders_count(&self.store, &filter).await?),
            None => Ok(0),
        }
    }

    /// The newest shipment with this carrier and number that the caller may see, and its order.
    pub async fn shipment(
        &self,
        caller: &Caller,
        carrier: Carrier,
        number: &str,
    ) -> Result<Option<(OrderHead, Shipment)>> {
        let Some(number) = domain::normalize_tracking_number(carrier, number) else { return Ok(None) };
        for shipment in read::shipments_by_number(&self.store, carrier, &number).await? {
            if let Some(found) = self.with_order(caller, shipment).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// A shipment and its order, if the caller may see the shipment.
    pub async fn shipment_by_id(
        &self,
        caller: &Caller,
        id: ShipmentId,
    ) -> Result<Option<(OrderHead, Shipment)>> {
        match read::read_shipments(&self.store, &[id]).await?.remove(&id) {
            Some(shipment) => self.with_order(caller, shipment).await,
            None => Ok(None),
        }
    }

    async fn with_order(&self, caller: &Caller, shipment: Shipment) -> Result<Option<(OrderHead, Shipment)>> {
        let Some(order) = self.order(caller, shipment.order_id).await? else { return Ok(None) };
        let items = self.items_to_judge_by(caller, &[order.id], Extent::Large(MAX_ITEMS)).await?;
        let items = items.get(&order.id).map(Arc::as_ref).unwrap_or_default();
        Ok(caller.redact_shipment(items, &shipment).map(|shipment| (order, shipment)))
    }

    /// The event with which an order got this version, if the caller may see the order.
    pub async fn event(&self, caller: &Caller, order_id: OrderId, version: i32) -> Result<Option<Event>> {
        if self.order(caller, order_id).await?.is_none() {
            return Ok(None);
        }
        let range = VersionRange { order_id, first: version, last: version };
        let events = self.events_in(caller, vec![range]).await?.remove(&range);
        Ok(events.and_then(|events| events.first().cloned()))
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
        let found = self.read_items(orders, extent).await?;
        Ok(found.into_iter().map(|(id, items)| (id, caller.redact_items(items))).collect())
    }

    async fn read_items(
        &self,
        orders: Vec<OrderId>,
        extent: Extent,
    ) -> Result<HashMap<OrderId, Arc<[Item]>>> {
        match extent {
            Extent::Ordinary => {
                extent.check_loaded("order_items", self.readers.items.load(orders).await?, |one| one.len())
            }
            Extent::Large(most) => {
                read_in_parts(&orders, most, Vec::len, |ids, most| {
                    read::items_at_most(&self.store, ids, most)
                })
                .await
            }
        }
    }

    async fn read_shipments(
        &self,
        orders: Vec<OrderId>,
        extent: Extent,
    ) -> Result<HashMap<OrderId, Arc<[Shipment]>>> {
        let rows = |shipments: &Arc<[Shipment]>| shipments.iter().map(|one| 1 + one.lines.len()).sum();
        match extent {
            Extent::Ordinary => {
                extent.check_loaded("shipments", self.readers.shipments.load(orders).await?, rows)
            }
            Extent::Large(most) => {
                let rows = |shipments: &Vec<Shipment>| shipments.iter().map(|one| 1 + one.lines.len()).sum();
                read_in_parts(&orders, most, rows, |ids, most| {
                    read::shipments_at_most(&self.store, ids, most)
                })
                .await
            }
        }
    }

    /// All items of the orders, if `access` needs them to decide which shipments the caller sees: that is only so for
    /// suppliers. Otherwise empty.
    async fn items_to_judge_by(
        &self,
        caller: &Caller,
        orders: &[OrderId],
        extent: Extent,
    ) -> Result<HashMap<OrderId, Arc<[Item]>>> {
        match caller.scope() {
            Scope::Supplies(_) => self.read_items(orders.to_vec(), extent).await,
            Scope::All | Scope::Own(_) | Scope::None => Ok(HashMap::new()),
        }
    }

    /// The shipments of orders, redacted. The caller must be allowed to see these orders.
    ///
    /// # Errors
    /// When the database fails, or there are more rows than the extent allows.
    pub async fn visible_shipments_of(
        &self,
        caller: &Caller,
        orders: Vec<OrderId>,
        extent: Extent,
    ) -> Result<HashMap<OrderId, VisibleShipments>> {
        let items = self.items_to_judge_by(caller, &orders, extent).await?;
        let found = self.read_shipments(orders, extent).await?;
        let shown = |(id, shipments)| {
            let items = items.get(&id).map(Arc::as_ref).unwrap_or_default();
            (id, caller.visible_shipments(items, shipments))
        };
        Ok(found.into_iter().map(shown).collect())
    }

    /// The scans of shipments, redacted, newest first. The caller must be allowed to see these shipments.
    ///
    /// # Errors
    /// When the database fails, or there are more rows than the extent allows.
    pub async fn scans_of(
        &self,
        caller: &Caller,
        shipments: Vec<ShipmentId>,
        extent: Extent,
    ) -> Result<HashMap<ShipmentId, Vec<StoredScan>>> {
        let found = read::scans_at_most(&self.store, &shipments, extent.max_rows() as u64).await?;
        Ok(found.into_iter().map(|(id, scans)| (id, caller.redact_scans(scans))).collect())
    }

    /// The events of orders in these version ranges, redacted, oldest first. The caller must be allowed to see these
    /// orders.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn events_in(
        &self,
        caller: &Caller,
        ranges: Vec<VersionRange>,
    ) -> Result<HashMap<VersionRange, Arc<[Event]>>> {
        let found = self.readers.events.load(ranges).await?;
        Ok(found.into_iter().map(|(range, events)| (range, caller.redact_events(events))).collect())
    }

    /// The notifications of orders, oldest first. Empty for suppliers. The caller must be allowed to see these orders.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn notifications_of(
        &self,
        caller: &Caller,
        orders: Vec<OrderId>,
    ) -> Result<HashMap<OrderId, Vec<Notification>>> {
        if !caller.may_see_customers() {
            return Ok(HashMap::new());
        }
        Ok(read::notifications_of(&self.store, &orders).await?)
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
    ) -> Result<HashMap<NotificationId, Vec<Failure>>> {
        if !caller.may_see_customers() {
            return Ok(HashMap::new());
        }
        let most = extent.max_rows() as u64;
        Ok(failures::failures_of_notifications(&self.store, &notifications, most).await?)
    }

    /// The failed attempts to process these webhooks, newest first. For support and systems.
    pub async fn failures_of_webhooks(
        &self,
        caller: &Caller,
        webhooks: Vec<WebhookId>,
        extent: Extent,
    ) -> Result<HashMap<WebhookId, Vec<Failure>>> {
        caller.must_be_staff()?;
        Ok(failures::failures_of_webhooks(&self.store, &webhooks, extent.max_rows() as u64).await?)
    }

    /// A page of the events that the caller may see, newest first.
    pub async fn events(
        &self,
        caller: &Caller,
        filter: EventFilter,
        page: &PageRequest<EventId>,
    ) -> Result<Page<Event>> {
        match narrow_event_filter(caller, filter)? {
            Some(filter) => {
                let mut page = read::events_page(&self.store, &filter, page).await?;
                page.rows = page.rows.into_iter().map(|event| caller.redact_event(event)).collect();
                Ok(page)
            }
            None => Ok(Page { rows: vec![], has_more: false }),
        }
    }

    /// The number of events that the caller may see.
    pub async fn events_count(&self, caller: &Caller, filter: EventFilter) -> Result<u64> {
        match narrow_event_filter(caller, filter)? {
            Some(filter) => Ok(read::events_count(&self.store, &filter).await?),
            None => Ok(0),
        }
    }

    /// A page of the stored webhooks. For support and systems.
    pub async fn webhooks(
        &self,
        caller: &Caller,
        filter: &WebhookFilter,
        page: &PageRequest<Uuid>,
    ) -> Result<Page<WebhookHead>> {
        caller.must_be_staff()?;
        Ok(read::webhooks_page(&self.store, filter, page).await?)
    }

    /// The number of stored webhooks. For support and systems.
    pub async fn webhooks_count(&self, caller: &Caller, filter: &WebhookFilter) -> Result<u64> {
        caller.must_be_staff()?;
        Ok(read::webhooks_count(&self.store, filter).await?)
    }

    /// The total size of the bodies of these webhooks, in bytes. For support and systems.
    pub async fn webhook_bytes(&self, caller: &Caller, webhooks: &[WebhookId]) -> Result<usize> {
        caller.must_be_staff()?;
        Ok(read::webhook_bytes(&self.store, webhooks).await?)
    }

    /// The bodies of these webhooks. A body can have megabytes: check [`App::webhook_bytes`] first. For support and
    /// systems.
    pub async fn webhook_bodies(
        &self,
        caller: &Caller,
        webhooks: &[WebhookId],
    ) -> Result<HashMap<WebhookId, Vec<u8>>> {
        caller.must_be_staff()?;
        Ok(read::webhook_bodies(&self.store, webhooks).await?)
    }

    /// The scans that are stored under these webhooks, oldest first. For support and systems.
    pub async fn scans_of_webhooks(
        &self,
        caller: &Caller,
        webhooks: Vec<WebhookId>,
        extent: Extent,
    ) -> Result<HashMap<WebhookId, Vec<StoredScan>>> {
        caller.must_be_staff()?;
        Ok(read::webhook_scans_at_most(&self.store, &webhooks, extent.max_rows() as u64).await?)
    }
}

/// Reads the parts of many orders with several statements. So the rows of only one statement are in memory in addition
/// to the results.
async fn read_in_parts<'a, T, Work>(
    orders: &'a [OrderId],
    most: usize,
    rows: impl Fn(&Vec<T>) -> usize,
    read: impl Fn(&'a [OrderId], u64) -> Work,
) -> Result<HashMap<OrderId, Arc<[T]>>>
where
    Work: Future<Output = persistence::Result<HashMap<OrderId, Vec<T>>>>,
{
    let (mut all, mut left) = (HashMap::with_capacity(orders.len()), most);
    for ids in orders.chunks(ORDERS_A_STATEMENT) {
        for (id, parts) in read(ids, left as u64).await? {
            left = left.saturating_sub(rows(&parts));
            all.insert(id, parts.into());
        }
    }
    Ok(all)
}

/// Restricts the filter to what the caller may see. `None` if nothing is left.
fn narrow_order_filter(caller: &Caller, filter: OrderFilter) -> Result<Option<OrderFilter>> {
    Ok(match caller.scope() {
        Scope::All => Some(filter),
        Scope::Own(own) => (filter.user_id.is_none_or(|user| user == own))
            .then_some(OrderFilter { user_id: Some(own), ..filter }),
        Scope::Supplies(code) => {
            refuse_filter(caller, "userId", filter.user_id.is_some())?;
            refuse_filter(caller, "carrier", filter.carrier.is_some())?;
            Some(OrderFilter { supplier: Some(code.to_owned()), ..filter })
        }
        Scope::None => None,
    })
}

fn narrow_event_filter(caller: &Caller, filter: EventFilter) -> Result<Option<EventFilter>> {
    Ok(match caller.scope() {
        Scope::All => Some(filter),
        Scope::Own(own) => Some(EventFilter { user_id: Some(own), ..filter }),
        Scope::Supplies(code) => {
            refuse_filter(caller, "actor", filter.actor.is_some())?;
            refuse_filter(caller, "carrier", filter.carrier.is_some())?;
            Some(EventFilter { supplier: Some(code.to_owned()), ..filter })
        }
        Scope::None => None,
    })
}

/// Refuses a filter by data that the caller may not see. Otherwise the length of the list would reveal the data.
fn refuse_filter(caller: &Caller, field: &str, is_used: bool) -> Result<()> {
    if !is_used {
        return Ok(());
    }
    let message = format!("filter.{field}: the role {} may not ask for this", caller.actor.kind);
    Err(Refusal::Forbidden(message).into())
}
