//! Tests of the whole product.

mod docs;
mod events;
mod feed;
mod inbox;
mod killed;
mod mail;
mod neighbours;
mod notices;
mod queue;
mod rivals;
mod story;
