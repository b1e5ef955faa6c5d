//! The names that aggregators use for carriers: one table for parsing and for simulation.

use domain::Carrier;

/// The names of one carrier.
struct Names {
    /// The common beginning of all its names, in lower case and letters only. A service or a country may follow:
    /// `FedExSmartPost`, `UPSDAP`, `dhl_germany`, `fedex-freight`.
    beginning: &'static str,
    /// The name at EasyPost, as simulated webhooks have it.
    easypost: &'static str,
    /// The name at Shippo.
    shippo: &'static str,
    /// The name at AfterShip, which calls it a slug.
    aftership: &'static str,
}

const fn names_of(carrier: Carrier) -> Names {
    match carrier {
        Carrier::Fedex => {
            Names { beginning: "fedex", easypost: "FedEx", shippo: "fedex", aftership: "fedex" }
        }
        Carrier::Ups => Names { beginning: "ups", easypost: "UPS", shippo: "ups", aftership: "ups" },
        Carrier::Usps => Names { beginning: "usps", easypost: "USPS", shippo: "usps", aftership: "usps" },
        Carrier::Dhl => {
            Names { beginning: "dhl", easypost: "DHLExpress", shippo: "dhl_express", aftership: "dhl" }
        }
    }
}

/// The name of a carrier at EasyPost.
pub(crate) const fn easypost_name(carrier: Carrier) -> &'static str {
    names_of(carrier).easypost
}

/// The name of a carrier at Shippo.
pub(crate) const fn shippo_name(carrier: Carrier) -> &'static str {
    names_of(carrier).shippo
}

/// The name of a carrier at AfterShip.
pub(crate) const fn aftership_name(carrier: Carrier) -> &'static str {
    names_of(carrier).aftership
}

/// Finds the carrier of an aggregator's name. Letter case and the characters between words do not matter:
/// `CanadaPost`, `canada_post` and `canada-post` are one name.
pub(crate) fn find_carrier(name: &str) -> Option<Carrier> {
    let name: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    let meant = Carrier::ALL.into_iter().filter(|carrier| name.starts_with(names_of(*carrier).beginning));
    meant.max_by_key(|carrier| names_of(*carrier).beginning.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carriers_are_known_by_their_names_everywhere() {
        for carrier in Carrier::ALL {
            let Names { beginning, easypost, shippo, aftership } = names_of(carrier);
            assert!(
                !beginning.is_empty() && beginning.bytes().all(|b| b.is_ascii_lowercase()),
                "{beginning}"
            );
            for name in [easypost, shippo, aftership] {
                assert_eq!(find_carrier(name), Some(carrier), "{name}");
            }
        }
    }

    #[test]
    fn aggregators_name_carriers_in_many_ways() {
        for (name, carrier) in [
            ("FedEx", Some(Carrier::Fedex)),
            ("FedExSmartPost", Some(Carrier::Fedex)),
            ("UPSDAP", Some(Carrier::Ups)),
            ("usps", Some(Carrier::Usps)),
            ("DHL eCommerce", Some(Carrier::Dhl)),
            ("dhl_germany", Some(Carrier::Dhl)),
            ("fedex-freight", Some(Carrier::Fedex)),
            ("ups-mi", Some(Carrier::Ups)),
            ("dhl-global-mail", Some(Carrier::Dhl)),
            ("USPS", Some(Carrier::Usps)),
            ("canada-post", None),
            ("UPS_Mail.Innovations", Some(Carrier::Ups)),
            ("my-ups", None),
            ("fx", None),
            ("-", None),
            ("CanadaPost", None),
            ("shippo", None),
            ("not ups", None),
            ("", None),
        ] {
            assert_eq!(find_carrier(name), carrier, "{name}");
        }
    }
}
