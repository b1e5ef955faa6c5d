//! Fuzzes the signature checks of all senders with any request.
#![no_main]

libfuzzer_sys::fuzz_target!(|request: fuzz::Arrived<'_>| fuzz::verify(&request));
