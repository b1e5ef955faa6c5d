//! Fuzzes the parser of FedEx's webhooks with any bytes.
#![no_main]

fuzz::parse!("fedex");
