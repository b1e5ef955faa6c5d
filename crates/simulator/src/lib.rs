//! Simulates the callers of a server: carriers post signed webhooks, a merchant and customers call the API.
//!
//! - [`demo`] plays a fixed story with assertions, and then keeps orders moving: `milepost demo`.
//! - [`scan`] posts one webhook: `milepost scan`.
//! - [`story`] plays a file of scans against any server: `milepost scan --story`.
//! - [`Webhook`] composes and signs a webhook. The tests use it too.
//!
//! Rules:
//! 1. Everything goes over HTTP, as in production. This crate starts no server and opens no database.
//! 2. An error about an argument of the command begins with the name of the argument, such as `--to`.
//! 3. The program that uses this crate must install a TLS provider of rustls: the HTTP client has none of its own.

#![warn(missing_docs)]

mod api_client;
pub mod demo;
pub mod scan;
pub mod story;
pub mod values;
mod webhook;

pub use webhook::{Post, Webhook};
