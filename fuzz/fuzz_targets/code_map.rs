//! Any text, read as the setting `MILEPOST_CARRIER_CODES`.
#![no_main]

libfuzzer_sys::fuzz_target!(|setting: &str| fuzz::code_map(setting));
