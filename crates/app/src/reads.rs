//! Reading, within what the caller may see. What a caller may not see does not exist for them.

use std::{collections::HashMap, sync::Arc};

use domain::{Carrier, Item, OrderHead, OrderId, Shipment, ShipmentId};
use persistence::{
    Event,
    read::{self, EventFilter, Key, OrderFilter, Page, PageRequest, VersionRange, WebhookFilter},
    webhooks::Webhook,
};
use uuid::Uuid;

use crate::{App, Caller, access::Scope, error::Result};

impl App {
    /// One order, if the caller may see it.
    pub async fn order(&self, caller: &Caller, id: OrderId) -> Result<Option<OrderHead>> {
        let order = self.pages.heads.of(vec![id]).await?.remove(&id);
        Ok(order.filter(|order| caller.may_see(order)))
    }

    /// The order with the merchant's own number.
    pub async fn order_by_reference(&self, caller: &Caller, reference: &str) -> Result<Option<OrderHead>> {
        let order = read::order_by_reference(&self.store, reference).await?;
        Ok(order.filter(|order| caller.may_see(order)))
    }

    /// A page of the orders the caller may see, newest first.
    pub async fn orders(
        &self,
        caller: &Caller,
        filter: OrderFilter,
        page: &PageRequest<Uuid>,
    ) -> Result<Page<OrderHead>> {
        match narrowed(caller, filter) {
            Some(filter) => Ok(read::orders_page(&self.store, &filter, page).await?),
            None => Ok(Page { rows: vec![], has_more: false }),
        }
    }

    /// How many orders there are for the caller.
    pub async fn orders_count(&self, caller: &Caller, filter: OrderFilter) -> Result<u64> {
        match narrowed(caller, filter) {
            Some(filter) => Ok(read::orders_count(&self.store, &filter).await?),
            None => Ok(0),
        }
    }

    /// The newest parcel with that number and its order, if the caller may see it.
    pub async fn shipment(
        &self,
        caller: &Caller,
        carrier: Carrier,
        number: &str,
    ) -> Result<Option<(OrderHead, Shipment)>> {
        let Some(number) = domain::normalize_tracking_number(number) else { return Ok(None) };
        let shipment = read::shipment_by_number(&self.store, carrier, &number).await?;
        self.with_order(caller, shipment).await
    }

    /// One parcel and its order, if the caller may see it.
    pub async fn shipment_by_id(
        &self,
        caller: &Caller,
        id: ShipmentId,
    ) -> Result<Option<(OrderHead, Shipment)>> {
        let shipment = read::shipments(&self.store, &[id]).await?.remove(&id);
        self.with_order(caller, shipment).await
    }

    async fn with_order(
        &self,
        caller: &Caller,
        shipment: Option<Shipment>,
    ) -> Result<Option<(OrderHead, Shipment)>> {
        let Some(shipment) = shipment else { return Ok(None) };
        Ok(self.order(caller, shipment.order_id).await?.map(|order| (order, shipment)))
    }

    /// The event that gave an order a version, if the caller may see it.
    pub async fn event(&self, caller: &Caller, order_id: OrderId, version: i32) -> Result<Option<Event>> {
        if self.order(caller, order_id).await?.is_none() {
            return Ok(None);
        }
        let range = VersionRange { order_id, first: version, last: version };
        let events = self.events_in(vec![range]).await?.remove(&range);
        Ok(events.and_then(|events| events.first().cloned()))
    }

    /// The items of orders the caller has been shown.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn items_of(&self, orders: Vec<OrderId>) -> Result<HashMap<OrderId, Arc<[Item]>>> {
        self.pages.items.of(orders).await
    }

    /// The parcels of orders the caller has been shown, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn shipments_of(&self, orders: Vec<OrderId>) -> Result<HashMap<OrderId, Arc<[Shipment]>>> {
        self.pages.shipments.of(orders).await
    }

    /// Parts of the histories of orders the caller has been shown, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn events_in(&self, ranges: Vec<VersionRange>) -> Result<HashMap<VersionRange, Arc<[Event]>>> {
        self.pages.events.of(ranges).await
    }

    /// A page of the events the caller may see, newest first.
    pub async fn events(
        &self,
        caller: &Caller,
        filter: EventFilter,
        page: &PageRequest<i64>,
    ) -> Result<Page<(Key<i64>, Event)>> {
        match narrowed_events(caller, filter) {
            Some(filter) => Ok(read::events_page(&self.store, &filter, page).await?),
            None => Ok(Page { rows: vec![], has_more: false }),
        }
    }

    /// How many events there are for the caller.
    pub async fn events_count(&self, caller: &Caller, filter: EventFilter) -> Result<u64> {
        match narrowed_events(caller, filter) {
            Some(filter) => Ok(read::events_count(&self.store, &filter).await?),
            None => Ok(0),
        }
    }

    /// A page of the inbox, for support and systems.
    pub async fn webhooks(
        &self,
        caller: &Caller,
        filter: &WebhookFilter,
        page: &PageRequest<Uuid>,
    ) -> Result<Page<Webhook>> {
        caller.must_be_staff()?;
        Ok(read::webhooks_page(&self.store, filter, page).await?)
    }

    /// How many webhooks there are, for support and systems.
    pub async fn webhooks_count(&self, caller: &Caller, filter: &WebhookFilter) -> Result<u64> {
        caller.must_be_staff()?;
        Ok(read::webhooks_count(&self.store, filter).await?)
    }
}

/// The filter, kept within what the caller may see; nothing where that leaves nothing.
fn narrowed(caller: &Caller, mut filter: OrderFilter) -> Option<OrderFilter> {
    match caller.scope() {
        Scope::All => Some(filter),
        Scope::Own(own) if filter.user_id.is_none_or(|user| user == own) => {
            filter.user_id = Some(own);
            Some(filter)
        }
        Scope::Own(_) | Scope::None => None,
    }
}

fn narrowed_events(caller: &Caller, mut filter: EventFilter) -> Option<EventFilter> {
    match caller.scope() {
        Scope::All => Some(filter),
        Scope::Own(own) => {
            filter.user_id = Some(own);
            Some(filter)
        }
        Scope::None => None,
    }
}
