//! The carriers that Milepost follows.

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
}
