//! Fuzzes the parser of AfterShip's webhooks with any bytes.
#![no_main]

fuzz::parse!("aftership");
