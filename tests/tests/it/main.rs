//! Tests of the whole product.

mod events;
mod feed;
mod mail;
mod queue;
mod rivals;
mod story;
