//! The names that aggregators use for carriers, for simulation. `domain::Carrier::from_reported_name` reads them back.
//!
//! Called by the `simulate` modules of EasyPost, Shippo and AfterShip. A name is made from the code of the carrier,
//! except for FedEx at EasyPost, and for DHL at EasyPost and Shippo.

use domain::Carrier;

/// The name of a carrier at EasyPost: words that begin with a capital letter, and short words in capitals.
pub(crate) fn easypost_name(carrier: Carrier) -> String {
    match carrier {
        Carrier::FEDEX => "FedEx".to_owned(),
        Carrier::UPS => "UPS".to_owned(),
        Carrier::USPS => "USPS".to_owned(),
        Carrier::DHL => "DHLExpress".to_owned(),
        other => other.as_str().split('_').map(capitalize).collect(),
    }
}

fn capitalize(word: &str) -> String {
    let (first, rest) = word.split_at(word.len().min(if word.len() <= 3 { 3 } else { 1 }));
    first.to_ascii_uppercase() + rest
}

/// The name of a carrier at Shippo.
pub(crate) fn shippo_name(carrier: Carrier) -> String {
    if carrier == Carrier::DHL { "dhl_express".to_owned() } else { carrier.to_string() }
}

/// The name of a carrier at AfterShip.
pub(crate) fn aftership_name(carrier: Carrier) -> String {
    carrier.as_str().replace('_', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_carrier_is_read_back_by_its_names() {
        for carrier in Carrier::known().chain([Carrier::parse("acme").unwrap()]) {
            for name in [easypost_name(carrier), shippo_name(carrier), aftership_name(carrier)] {
                assert_eq!(Carrier::from_reported_name(&name), Some(carrier), "{name}");
            }
        }
        assert_eq!(easypost_name(Carrier::parse("canada_post").unwrap()), "CanadaPost");
        assert_eq!(easypost_name(Carrier::parse("dpd_uk").unwrap()), "DPDUK");
        assert_eq!(aftership_name(Carrier::parse("dpd_uk").unwrap()), "dpd-uk");
    }
}
