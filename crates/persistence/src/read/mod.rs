//! Reads for people: pages of records, and batches with the parts of many records.
//!
//! `app::reads` calls both: pages of what the caller may see, and parts with one statement for many records.
//! `app::webhooks`, `app::orders` and `app::notifications` use some of them too, and the page of `api::track` reads one
//! order. All reads see committed rows and lock nothing. Maps leave out ids without a record, `None` means that there
//! is none. Nothing here checks who may see a record. Counts and pages take the same filters.

pub(crate) mod bounded;
mod events;
mod orders;
mod page;
mod shipments;
mod timeline;
mod webhooks;

pub use bounded::{items_at_most, scans_at_most, shipments_at_most, webhook_scans_at_most};
pub use events::{EventFilter, EventId, VersionRange, events_count, events_in, events_page};
pub use orders::{
    OrderFilter, count_orders, load_order, notifications_of, order_by_reference, order_supplied_by,
    orders_of, orders_page, read_order, replacements_at_most,
};
pub use page::{Key, Page, PageRequest};
pub use shipments::{read_shipments, scans_of, shipment_of_scan, shipments_by_number, tracked_shipments_of};
pub use timeline::{EntryId, TimelineEntry, TimelineQuery, read_timelines};
pub use webhooks::{
    Spelling, UnknownCode, WebhookFilter, count_webhooks_within_bytes, read_webhook, read_webhooks,
    unknown_codes, webhook_bodies, webhook_bytes, webhooks_after, webhooks_count, webhooks_page,
    webhooks_with_unknown,
};
