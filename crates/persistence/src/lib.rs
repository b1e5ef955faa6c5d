//! The database of Milepost: reads and writes orders, shipments, scans, webhooks and notifications, in PostgreSQL or
//! SQLite, with sea-orm.
//!
//! `app` calls one function for each task. This crate converts rows to domain values. A row that cannot be converted is
//! an error that names the row.
//!
//! - Called from `app` alone, except: `milepost` opens and migrates the [`Store`], `api::track` and `api::mailbox` read
//!   their pages, `api::health` asks whether the database works, and `worker::mail` stores mails.
//! - A function that takes a [`Tx`] belongs to the transaction of its caller, and the caller commits. A function that
//!   takes a [`Store`] and writes has a transaction of its own.
//! - `None`, or an id that is missing in a map, means that there is no such row.

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
