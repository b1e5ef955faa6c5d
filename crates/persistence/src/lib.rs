//! The database of Milepost: reads and writes orders, shipments, scans, webhooks and notifications, in PostgreSQL or
//! SQLite, with sea-orm.
//!
//! `app` calls one function for each task. This crate converts rows to domain values. A row that cannot be converted
//! is an error that names the row.

pub mod activities;
pub mod delivery_estimates;
mod dialect;
mod entity;
mod error;
mod event;
pub mod failures;
pub mod idempotency;
pub mod leases;
pub mod mailbox;
mod mapping;
pub mod notifications;
pub mod orders;
pub mod outbox;
pub mod read;
pub mod scans;
pub mod shipments;
mod store;
pub mod webhooks;

pub use error::{Error, Result};
pub use event::Event;
pub use store::{Store, Tx};
