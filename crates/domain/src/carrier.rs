//! The carriers whose parcels Milepost follows.

use crate::name::names;

names! {
    /// Who carries a parcel. FedEx is also written `FX`; see [`Carrier::parse`].
    pub enum Carrier ("carrier") {
        /// FedEx.
        Fedex => "fedex",
        /// United Parcel Service.
        Ups => "ups",
        /// United States Postal Service.
        Usps => "usps",
        /// DHL.
        Dhl => "dhl",
    }
}

impl Carrier {
    /// The carrier of that short name, in any case, `FX` included.
    pub fn parse(text: &str) -> Result<Self, crate::name::UnknownName> {
        let text = text.to_ascii_lowercase();
        if text == "fx" { Ok(Self::Fedex) } else { text.parse() }
    }

    /// The name as customers know it.
    pub const fn display_name(self) -> &'static str {
        match self {
            Self::Fedex => "FedEx",
            Self::Ups => "UPS",
            Self::Usps => "USPS",
            Self::Dhl => "DHL",
        }
    }

    /// The carrier's public page for a tracking number.
    pub fn tracking_url(self, number: &str) -> String {
        let number: String = number.chars().filter(char::is_ascii_alphanumeric).collect();
        match self {
            Self::Fedex => format!("https://www.fedex.com/fedextrack/?trknbr={number}"),
            Self::Ups => format!("https://www.ups.com/track?tracknum={number}"),
            Self::Usps => format!("https://tools.usps.com/go/TrackConfirmAction?tLabels={number}"),
            Self::Dhl => format!("https://www.dhl.com/en/express/tracking.html?AWB={number}"),
        }
    }
}

/// A tracking number as we keep it: without blanks, in capitals. Nothing where the text cannot be one.
pub fn normalize_tracking_number(text: &str) -> Option<String> {
    let number: String =
        text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_uppercase()).collect();
    let plausible = number.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (plausible && (1..=64).contains(&number.len())).then_some(number)
}
