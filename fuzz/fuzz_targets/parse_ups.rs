//! Any bytes, read as a push of UPS.
#![no_main]

fuzz::parse!("ups");
