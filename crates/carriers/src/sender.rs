//! The services that send webhooks, and their short names. `protocols` says what they can do.

use std::{fmt, str::FromStr};

use domain::UnknownName;

/// Generates [`Sender`] from one list of senders and short names.
macro_rules! senders {
    ($( $(#[$doc:meta])* $sender:ident => $name:literal, )+) => {
        /// A service that sends webhooks. Its short name is the last part of the path `/webhooks/{carrier}`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Sender { $( $(#[$doc])* $sender, )+ }

        impl Sender {
            /// Every sender.
            pub const ALL: [Self; [$(stringify!($sender)),+].len()] = [$(Self::$sender),+];

            /// The short name, as in paths and settings: `fedex`.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$sender => $name,)+ }
            }
        }
    };
}

senders! {
    /// FedEx: Advanced Integrated Visibility.
    Fedex => "fedex",
    /// UPS: Track Alert.
    Ups => "ups",
    /// USPS: Subscriptions-Tracking.
    Usps => "usps",
    /// DHL: Unified Push.
    Dhl => "dhl",
    /// EasyPost, an aggregator: it reports for many carriers.
    Easypost => "easypost",
    /// Shippo, an aggregator: it reports for many carriers.
    Shippo => "shippo",
    /// AfterShip Tracking, an aggregator: it reports for many carriers.
    Aftership => "aftership",
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Sender {
    type Err = UnknownName;

    /// Parses a short name. Letter case does not matter, and `FX` also means FedEx.
    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let name = text.to_ascii_lowercase();
        Self::ALL
            .into_iter()
            .find(|sender| sender.as_str() == name || (*sender == Self::Fedex && name == "fx"))
            .ok_or_else(|| UnknownName {
                what: "webhook sender",
                text: text.to_owned(),
                known: Self::ALL.map(Self::as_str).join(", "),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn senders_are_found_by_their_short_names() {
        for sender in Sender::ALL {
            assert_eq!(sender.as_str().parse(), Ok(sender));
            assert_eq!(sender.to_string().to_uppercase().parse(), Ok(sender));
        }
        assert_eq!("FX".parse(), Ok(Sender::Fedex));
        let error = "pigeon".parse::<Sender>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "`pigeon` is no webhook sender; known are fedex, ups, usps, dhl, easypost, shippo, aftership"
        );
    }
}
