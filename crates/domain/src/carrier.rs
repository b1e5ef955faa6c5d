//! Carriers: the short codes by which Milepost knows them.
//!
//! 1. A carrier is a code of lower-case letters, digits and `_`, such as `canada_post`. There is no closed list.
//! 2. Each spelling of a name becomes a code in one way, in inputs and in webhooks: [`Carrier::parse`] for what people
//!    write, [`Carrier::from_reported_name`] for what a webhook says. So a shipment and the webhooks about it have the
//!    same carrier. `FromStr` reads what was stored, and takes no other spelling.
//! 3. `known` lists well-known carriers with their names, their tracking pages and the spellings of aggregators.
//!    [`CarrierDirectory`] adds those of the merchant.
//! 4. `write_code` and `spelling_key` are the two steps from a name to a carrier: the code, then the key by which
//!    `known_spelling` looks for it in the list.

mod directory;
mod known;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, fmt, str::FromStr};

pub use directory::{CarrierDirectory, InvalidCarrierEntry};

/// The longest code of a carrier, in characters.
pub const MAX_CARRIER_CODE: usize = 32;

/// The code of a company that carries parcels: `fedex`, `canada_post`. It is as cheap to copy as a number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Carrier {
    /// The code in ASCII, filled up with zeros.
    code: [u8; MAX_CARRIER_CODE],
}

/// A text that is not the code or the name of a carrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the code of a carrier is needed, as in `fedex` or `canada_post`: 1 to {MAX_CARRIER_CODE} letters, digits and `_`"
)]
pub struct InvalidCarrier;

impl Carrier {
    /// FedEx.
    pub const FEDEX: Self = Self::from_code("fedex");
    /// United Parcel Service.
    pub const UPS: Self = Self::from_code("ups");
    /// United States Postal Service.
    pub const USPS: Self = Self::from_code("usps");
    /// DHL.
    pub const DHL: Self = Self::from_code("dhl");
    /// The carriers whose own codes and webhooks Milepost can read.
    pub const BUILT_IN: [Self; 4] = [Self::FEDEX, Self::UPS, Self::USPS, Self::DHL];

    /// Parses the code or the name of a carrier in any spelling: `FEDEX`, `FX`, `CanadaPost`, `canada-post`.
    ///
    /// # Errors
    /// The text has other characters than ASCII letters, digits, `_`, `-`, `.` and blanks, it has no letter and no
    /// digit, or its code is too long.
    pub fn parse(text: &str) -> Result<Self, InvalidCarrier> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ');
        let code = write_code(text);
        if !text.chars().all(is_plain) || code.is_empty() || code.len() > MAX_CARRIER_CODE {
            return Err(InvalidCarrier);
        }
        Ok(Self::from_code(&code).known_spelling())
    }

    /// The carrier of a name in a webhook. A name that is in no list becomes a code by rule: lower case, other
    /// characters than letters and digits become `_`, cut after [`MAX_CARRIER_CODE`] characters. `None` if the name has
    /// no ASCII letter and no digit.
    pub fn from_reported_name(name: &str) -> Option<Self> {
        let code = write_code(name);
        let code = code.get(..MAX_CARRIER_CODE).unwrap_or(&code).trim_end_matches('_');
        (!code.is_empty()).then(|| Self::from_code(code).known_spelling())
    }

    /// The code: `canada_post`.
    pub fn as_str(&self) -> &str {
        let length = self.code.iter().position(|byte| *byte == 0).unwrap_or(MAX_CARRIER_CODE);
        std::str::from_utf8(&self.code[..length]).unwrap_or_default()
    }

    /// The name for people: that of the list, or else made of the code, as in `My Local`.
    pub fn display_name(&self) -> Cow<'static, str> {
        match known::find(*self) {
            Some(known) => Cow::Borrowed(known.name),
            None => Cow::Owned(capitalize_words(self.as_str())),
        }
    }

    /// Every carrier of the list, the built-in ones first.
    pub fn known() -> impl Iterator<Item = Self> {
        known::CARRIERS.iter().map(|known| Self::from_code(known.code))
    }

    /// Copies a code. Characters after the longest code are left out.
    const fn from_code(text: &str) -> Self {
        let (mut code, bytes, mut at) = ([0; MAX_CARRIER_CODE], text.as_bytes(), 0);
        while at < bytes.len() && at < MAX_CARRIER_CODE {
            code[at] = bytes[at];
            at += 1;
        }
        Self { code }
    }

    /// The carrier of the list that this spelling means, or the carrier itself.
    fn known_spelling(self) -> Self {
        known::find_spelling(&spelling_key(self.as_str())).map_or(self, |known| Self::from_code(known.code))
    }
}

/// Writes a name as a code of any length. `_` stands for other characters, never twice in a row, nor at an end.
fn write_code(name: &str) -> String {
    let mut code = String::with_capacity(name.len().min(MAX_CARRIER_CODE + 1));
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            code.push(c.to_ascii_lowercase());
        } else if !code.is_empty() && !code.ends_with('_') {
            code.push('_');
        }
    }
    code.truncate(code.trim_end_matches('_').len());
    code
}

/// What the spellings of one name have in common: its letters and digits.
fn spelling_key(code: &str) -> String {
    code.chars().filter(char::is_ascii_alphanumeric).collect()
}

fn capitalize_words(code: &str) -> String {
    let words = code.split('_').map(|word| {
        let (first, rest) = word.split_at_checked(1).unwrap_or_default();
        first.to_ascii_uppercase() + rest
    });
    words.collect::<Vec<_>>().join(" ")
}

impl FromStr for Carrier {
    type Err = InvalidCarrier;

    /// Reads a stored code. It must be written exactly as [`Carrier::as_str`] writes it.
    fn from_str(code: &str) -> Result<Self, InvalidCarrier> {
        let is_code = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
        let is_valid = (1..=MAX_CARRIER_CODE).contains(&code.len()) && code.bytes().all(is_code);
        is_valid.then(|| Self::from_code(code)).ok_or(InvalidCarrier)
    }
}

impl fmt::Display for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Carrier({self})")
    }
}
