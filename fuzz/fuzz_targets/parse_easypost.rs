//! Fuzzes the parser of EasyPost's webhooks with any bytes.
#![no_main]

fuzz::parse!("easypost");
