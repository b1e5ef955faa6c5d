//! Tracking numbers. A text becomes a [`TrackingNumber`] once, where it enters Milepost: in an input of the API, or in
//! a parsed webhook. Behind that, equal numbers are equal values, and nothing normalizes again. `restore` takes a
//! number that was normalized before: from a row, or when `app` gives the number of a webhook another carrier. As text,
//! a number is shown without its carrier.

use std::{fmt, ops::Deref};

use crate::carrier::Carrier;

/// The longest tracking number, in characters. The longest in use have 34.
pub const MAX_TRACKING_NUMBER: usize = 64;

/// A number of a carrier: without blanks, in capitals, and for USPS without the routing prefix of the barcode. It
/// dereferences to its text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackingNumber {
    carrier: Carrier,
    number: String,
}

/// A text that cannot be a tracking number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("1 to {MAX_TRACKING_NUMBER} letters, digits and hyphens are needed")]
pub struct InvalidTrackingNumber;

impl TrackingNumber {
    /// Normalizes a text in any spelling.
    ///
    /// # Errors
    /// The text is empty or too long, or has other characters than ASCII letters, digits, hyphens and blanks.
    pub fn parse(carrier: Carrier, text: &str) -> Result<Self, InvalidTrackingNumber> {
        let number: String =
            text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_uppercase()).collect();
        let plausible = number.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !plausible || !(1..=MAX_TRACKING_NUMBER).contains(&number.len()) {
            return Err(InvalidTrackingNumber);
        }
        let number = if carrier == Carrier::USPS { without_routing(number) } else { number };
        Ok(Self { carrier, number })
    }

    /// Creates the value from stored data, which was normalized before it was stored.
    pub const fn restore(carrier: Carrier, number: String) -> Self {
        Self { carrier, number }
    }

    /// The carrier that gave the number.
    pub const fn carrier(&self) -> Carrier {
        self.carrier
    }
}

impl Deref for TrackingNumber {
    type Target = str;

    fn deref(&self) -> &str {
        &self.number
    }
}

impl fmt::Display for TrackingNumber {
    /// Writes the number without its carrier.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.number)
    }
}

/// Removes the routing prefix that the barcode of USPS has before the number: `420` and the ZIP code of the
/// destination, of five or nine digits. Keeps it if the rest cannot be a number: a short number may begin with `420`
/// itself.
fn without_routing(number: String) -> String {
    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
    let routed = number.strip_prefix("420").filter(|_| digits);
    let rest = [9, 5].into_iter().find_map(|zip| {
        let rest = routed?.get(zip..)?;
        Some(rest).filter(|rest| rest.len() >= 20 && rest.starts_with('9'))
    });
    rest.map(str::to_owned).unwrap_or(number)
}
