//! Tests of the whole product in one process. `crates/milepost/tests` tests the program from outside.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod activation;
mod activities;
mod arrivals;
mod batch_isolation;
mod clocks;
mod concurrency;
mod conformance;
mod containers;
mod corrupt;
mod docs;
mod dropship;
mod durable;
mod events;
mod feed;
mod inbox;
mod killed;
mod mail;
mod manual_scans;
mod notifications;
mod numbers;
mod operations;
mod queue;
mod redelivery;
mod regressions;
mod replay;
mod reprocess_unknown;
mod returns;
mod reused_numbers;
mod schema;
mod shipments;
mod signatures;
mod story;
mod strangers;
mod suppliers;
mod timeline;
