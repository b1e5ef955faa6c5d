//! The use cases: everything Milepost does, whoever asks.

pub mod feed;
