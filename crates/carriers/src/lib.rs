//! Verifies and parses the webhooks of carriers and aggregators: FedEx, UPS, USPS, DHL, EasyPost, Shippo, AfterShip.
//!
//! All functions are pure functions over bytes: no `async`, no IO, no clock, no panics on any input.
//!
//! - `app::webhooks` verifies the signature of a request before it stores the request.
//! - `app` parses the stored webhook.
//! - `milepost scan` and `milepost demo` write and sign requests as the sender would.
//!
//! To add a sender, add one module, one line to the list of `sender.rs`, and one line to `protocols.rs`.

#![warn(missing_docs)]

mod access_token;
mod aftership;
mod carrier_code;
mod code_setting;
mod code_trust;
mod codes;
mod current_status;
mod dhl;
mod easypost;
mod estimate_scan;
mod fedex;
mod html;
mod json;
mod limits;
mod mac;
mod names;
mod normalize;
mod number_format;
mod numbers;
mod parcel;
mod place;
mod protocol;
mod protocols;
mod request;
mod return_flag;
mod scan_identity;
mod secrets;
mod sender;
mod shippo;
mod signature;
mod simulate;
mod time;
mod unreadable;
mod ups;
mod usps;

#[cfg(test)]
mod robustness;
#[cfg(test)]
mod signature_tests;

pub use access_token::{AccessToken, Client};
pub use code_setting::BadCodeMap;
pub use codes::CodeMap;
pub use dhl::is_subscription_id;
pub use limits::MAX_SCANS;
pub use mac::NoSecret;
pub use number_format::{likelier_carriers, likely_carriers};
pub use parcel::{Activation, Parcel, ParsedScan, Push};
pub use request::{Head, HeadProof, Refused, Request};
pub use scan_identity::compute_identity;
pub use secrets::{DEFAULT_TOKEN_HEADER, Secrets};
pub use sender::Sender;
pub use simulate::{SimulatedHistory, SimulatedScan};
pub use unreadable::{Unread, Unreadable};
