//! Any request, checked by every sender.
#![no_main]

libfuzzer_sys::fuzz_target!(|request: fuzz::Arrived<'_>| fuzz::verify(&request));
