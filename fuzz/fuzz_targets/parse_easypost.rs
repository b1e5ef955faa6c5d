//! Any bytes, read as a push of EasyPost.
#![no_main]

fuzz::parse!("easypost");
