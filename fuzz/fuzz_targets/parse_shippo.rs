//! Any bytes, read as a push of Shippo.
#![no_main]

fuzz::parse!("shippo");
