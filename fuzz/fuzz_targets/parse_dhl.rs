//! Any bytes, read as a push of DHL.
#![no_main]

fuzz::parse!("dhl");
