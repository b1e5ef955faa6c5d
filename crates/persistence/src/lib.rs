//! Where orders are kept: sea-orm over PostgreSQL or SQLite.
//!
//! `app` calls this, one function a need. Rows become domain values here, and a row that cannot is an error
//! that names it.

mod dialect;
mod entity;
mod error;
mod event;
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
