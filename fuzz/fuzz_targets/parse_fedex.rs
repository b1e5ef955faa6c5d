//! Any bytes, read as a push of FedEx.
#![no_main]

fuzz::parse!("fedex");
