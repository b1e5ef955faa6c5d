//! Fuzzes the parser of Shippo's webhooks with any bytes.
#![no_main]

fuzz::parse!("shippo");
