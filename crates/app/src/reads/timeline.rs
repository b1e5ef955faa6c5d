//! Reads the timelines of orders and single activities, limited to what the caller may see. Resolvers of `api` call
//! `timelines_of` and `activity`.
//!
//! 1. What a caller does not see is left out before the page is cut, so a page has as many entries as were asked for.
//! 2. SQL selects the kinds of activities that the caller sees, and for staff and customers the entries of one page.
//!    For a supplier it selects all activities of these kinds of an order, which are then judged one by one.
//! 3. The result has one page for each order that has entries.
//! 4. The steps are `read_own_parts` for a supplier, the statements of `persistence`, `redact_entry` and
//!    `sort_and_cut_page`. The last two are pure.

use std::collections::{HashMap, HashSet};

use domain::OrderId;
use persistence::{
    activities::{StoredActivity, find_activity},
    read::{self, EntryId, Page, PageRequest, TimelineEntry, TimelineQuery},
};
use uuid::Uuid;

use super::{Extent, Reads};
use crate::{
    Caller,
    access::{OwnParts, Scope},
    error::Result,
};

impl Reads {
    /// A page of the timeline of each of these orders, redacted, newest first. The caller must be allowed to see these
    /// orders.
    ///
    /// # Errors
    /// When the database fails, or there are more rows than the extent allows.
    pub async fn timelines_of(
        &self,
        caller: &Caller,
        orders: Vec<OrderId>,
        page: &PageRequest<EntryId>,
        extent: Extent,
    ) -> Result<HashMap<OrderId, Page<TimelineEntry>>> {
        let own = self.read_own_parts(caller, &orders, extent).await?;
        let query = TimelineQuery {
            page: *page,
            kinds: caller.visible_activity_kinds(),
            all_activities: own.is_some(),
            shipments: own.as_ref().map(|own| own.shipments.iter().copied().collect()),
            notifications: caller.may_see_customers(),
            most: extent.max_rows() as u64,
        };
        let own = own.unwrap_or_default();
        let found = read::read_timelines(&self.store, &orders, &query).await?;
        let cut = |(id, entries): (OrderId, Vec<TimelineEntry>)| {
            let visible = entries.into_iter().filter_map(|entry| redact_entry(caller, entry, &own));
            (id, sort_and_cut_page(visible.collect(), page))
        };
        Ok(found.into_iter().map(cut).collect())
    }

    /// An activity, redacted, if the caller may see it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn activity(&self, caller: &Caller, id: Uuid) -> Result<Option<StoredActivity>> {
        let Some(stored) = find_activity(&self.store, id).await? else { return Ok(None) };
        let order = stored.activity.order_id;
        if self.order(caller, order).await?.is_none() {
            return Ok(None);
        }
        let own = self.read_own_parts(caller, &[order], Extent::Ordinary).await?;
        Ok(caller.redact_activity(stored, &own.unwrap_or_default()))
    }

    /// What a supplier sees of these orders. `None` for other callers, whose activities are not judged by it.
    async fn read_own_parts(
        &self,
        caller: &Caller,
        orders: &[OrderId],
        extent: Extent,
    ) -> Result<Option<OwnParts>> {
        match caller.scope() {
            Scope::All | Scope::Own(_) => return Ok(None),
            Scope::Supplies(_) | Scope::None => {}
        }
        let items = self.items_of(caller, orders.to_vec(), extent).await?;
        let shipments = self.visible_shipments_of(caller, orders.to_vec(), extent).await?;
        let items = items.values().flat_map(|items| items.iter());
        let shipments = shipments.values().flat_map(|shipments| shipments.visible.iter());
        Ok(Some(OwnParts {
            items: items.map(|item| item.id).collect::<HashSet<_>>(),
            shipments: shipments.map(|shipment| shipment.id).collect::<HashSet<_>>(),
        }))
    }
}

/// The entry, redacted. `None` if the caller does not see it.
fn redact_entry(caller: &Caller, entry: TimelineEntry, own: &OwnParts) -> Option<TimelineEntry> {
    match entry {
        TimelineEntry::Scan(scan) => caller.redact_scans(vec![scan]).pop().map(TimelineEntry::Scan),
        TimelineEntry::Activity(stored) => caller.redact_activity(stored, own).map(TimelineEntry::Activity),
        TimelineEntry::Event(event) => Some(TimelineEntry::Event(caller.redact_event(event))),
        TimelineEntry::Notification(_) => caller.may_see_customers().then_some(entry),
    }
}

/// Cuts a page, newest first, out of entries in any sequence that begin where the page begins. There can be more of
/// them than of the page, in the direction of the page.
fn sort_and_cut_page(mut entries: Vec<TimelineEntry>, page: &PageRequest<EntryId>) -> Page<TimelineEntry> {
    let is_within = |entry: &TimelineEntry| {
        let key = entry.key();
        page.after.is_none_or(|after| key < after) && page.before.is_none_or(|before| key > before)
    };
    entries.retain(is_within);
    entries.sort_by_key(TimelineEntry::key);
    if !page.from_end {
        entries.reverse();
    }
    let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
    let has_more = entries.len() > limit;
    entries.truncate(limit);
    if page.from_end {
        entries.reverse();
    }
    Page { rows: entries, has_more }
}
