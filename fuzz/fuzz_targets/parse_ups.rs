//! Fuzzes the parser of UPS's webhooks with any bytes.
#![no_main]

fuzz::parse!("ups");
