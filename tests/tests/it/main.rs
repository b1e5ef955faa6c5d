//! Tests of the whole product.

mod mail;
mod feed;
mod queue;
