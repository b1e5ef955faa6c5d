//! Fuzzes the parser of DHL's webhooks with any bytes.
#![no_main]

fuzz::parse!("dhl");
