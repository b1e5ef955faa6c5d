//! The carriers whose shipments Milepost follows.

use crate::string_enum::string_enum;

string_enum! {
    /// Who carries a shipment. FedEx is also written `FX`; see [`Carrier::parse`].
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
    pub fn parse(text: &str) -> Result<Self, crate::string_enum::UnknownName> {
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

/// The longest tracking number, in characters. The longest in use have 34.
pub const MAX_TRACKING_NUMBER: usize = 64;

/// A tracking number as we keep it: without blanks, in capitals, without what is no part of it on the barcode.
/// Nothing where the text cannot be one. Whoever registers a shipment, asks for one or speaks of one is read by this,
/// so that they mean the same shipment.
pub fn normalize_tracking_number(carrier: Carrier, text: &str) -> Option<String> {
    let number: String =
        text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_uppercase()).collect();
    let plausible = number.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !plausible || !(1..=MAX_TRACKING_NUMBER).contains(&number.len()) {
        return None;
    }
    Some(match carrier {
        Carrier::Usps => without_routing(number),
        Carrier::Fedex | Carrier::Ups | Carrier::Dhl => number,
    })
}

/// A number of USPS without what a scanned barcode has before it: `420` and the ZIP code of the destination, of five
/// or nine digits. Only where the rest can be a number: a short one may begin with `420` by itself.
fn without_routing(number: String) -> String {
    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
    let routed = number.strip_prefix("420").filter(|_| digits);
    let rest = [9, 5].into_iter().find_map(|zip| {
        let rest = routed?.get(zip..)?;
        Some(rest).filter(|rest| rest.len() >= 20 && rest.starts_with('9'))
    });
    rest.map(str::to_owned).unwrap_or(number)
}
