//! Fuzzes the parser of the setting `MILEPOST_CARRIER_CODES` with any text.
#![no_main]

libfuzzer_sys::fuzz_target!(|setting: &str| fuzz::code_map(setting));
