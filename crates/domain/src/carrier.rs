//! The carriers that Milepost follows, and their tracking numbers.

use crate::string_enum::string_enum;

string_enum! {
    /// A company that carries parcels. FedEx is also written `FX`; see [`Carrier::parse`].
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
    /// Reads a carrier's short name, in capitals or not. `FX` is FedEx.
    pub fn parse(text: &str) -> Result<Self, crate::string_enum::UnknownName> {
        let text = text.to_ascii_lowercase();
        if text == "fx" { Ok(Self::Fedex) } else { text.parse() }
    }

    /// The name for customers.
    pub const fn display_name(self) -> &'static str {
        match self {
            Self::Fedex => "FedEx",
            Self::Ups => "UPS",
            Self::Usps => "USPS",
            Self::Dhl => "DHL",
        }
    }

    /// The address of the carrier's public page for a tracking number.
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

/// The tracking number as Milepost stores it: without blanks, in capitals, and for USPS without the routing prefix of
/// the barcode. `None` if the text cannot be a tracking number.
///
/// Everything that reads a number uses this function: registering a shipment, searching for one, and webhooks. So all
/// of them mean the same shipment.
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
