//! Reads events of orders: one by version, ranges of versions of many orders, and the log of all orders. Resolvers of
//! `api` call these. `events_in` trusts that the caller may see the orders; a range without events has an empty list. A
//! filter that leaves nothing gives an empty page, or 0.
//!
//! `event` is `None` if the caller may not see the order, or if the order has no such version.

use std::{collections::HashMap, sync::Arc};

use domain::OrderId;
use persistence::{
    Event,
    read::{self, EventFilter, EventId, Page, PageRequest, VersionRange},
};

use super::{Reads, filter::narrow_event_filter};
use crate::{Caller, error::Result};

impl Reads {
    /// The event with which an order got this version, if the caller may see the order.
    pub async fn event(&self, caller: &Caller, order_id: OrderId, version: i32) -> Result<Option<Event>> {
        if self.order(caller, order_id).await?.is_none() {
            return Ok(None);
        }
        let range = VersionRange { order_id, first: version, last: version };
        let events = self.events_in(caller, vec![range]).await?.remove(&range);
        Ok(events.and_then(|events| events.first().cloned()))
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
}
