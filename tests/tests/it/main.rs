//! Tests of the whole product.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod activation;
mod again;
mod arrivals;
mod clocks;
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
mod neighbours;
mod notifications;
mod numbers;
mod operations;
mod peers;
mod proofs;
mod queue;
mod replay;
mod reprocess_unknown;
mod returns;
mod reused;
mod rivals;
mod schema;
mod shipments;
mod story;
mod strangers;
mod suppliers;
