//! Fuzzes the parser of USPS's webhooks with any bytes.
#![no_main]

fuzz::parse!("usps");
