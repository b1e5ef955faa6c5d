//! Any bytes, read as a push of AfterShip.
#![no_main]

fuzz::parse!("aftership");
