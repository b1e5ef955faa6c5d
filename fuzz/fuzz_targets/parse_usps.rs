//! Any bytes, read as a push of USPS.
#![no_main]

fuzz::parse!("usps");
