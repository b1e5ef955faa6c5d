//! Reads tracking numbers and names of carriers as the registration of shipments does, so that both can match.

use domain::{Carrier, MAX_TRACKING_NUMBER, TrackingNumber};

use crate::unreadable::Unreadable;

/// The most [`crate::Parcel::other_numbers`] of one parcel.
const MAX_OTHERS: usize = 5;

/// Finds the carrier of an aggregator's name. `number` is the tracking number.
pub(crate) fn parse_carrier_name(name: &str, number: &str) -> Result<Carrier, Unreadable> {
    let unreadable = || Unreadable(format!("`{name}`, of {number}, cannot be the name of a carrier"));
    Carrier::from_reported_name(name).ok_or_else(unreadable)
}

/// Parses a tracking number as the registration of shipments does, so that both can match. Returns an error for a
/// number that nobody can register.
pub(crate) fn parse_tracking_number(carrier: Carrier, sent: String) -> Result<TrackingNumber, Unreadable> {
    TrackingNumber::parse(carrier, &sent).map_err(|_| {
        let length = sent.chars().filter(|c| !c.is_whitespace()).count();
        Unreadable(match length > MAX_TRACKING_NUMBER {
            true => format!("the tracking number has more than {MAX_TRACKING_NUMBER} characters"),
            false => "the tracking number has more in it than letters, digits and hyphens".into(),
        })
    })
}

/// Other numbers of a parcel, normalized as for registration. Leaves out `number` itself, repetitions and invalid
/// numbers, and returns at most [`MAX_OTHERS`].
pub(crate) fn parse_other_numbers(
    carrier: Carrier,
    number: &str,
    sent: impl IntoIterator<Item = String>,
) -> Vec<String> {
    let mut others = Vec::new();
    for other in sent.into_iter().filter_map(|sent| parse_tracking_number(carrier, sent).ok()) {
        if others.len() == MAX_OTHERS {
            break;
        }
        let other = other.to_string();
        if other != number && !others.contains(&other) {
            others.push(other);
        }
    }
    others
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_numbers_are_told_once_and_no_more_than_some() {
        let told =
            |sent: &[&str]| parse_other_numbers(Carrier::DHL, "1", sent.iter().map(ToString::to_string));
        assert_eq!(told(&["jd 01", "JD01", "1", "JD/2", "JD02"]), ["JD01", "JD02"]);
        assert_eq!(told(&["2", "3", "4", "5", "6", "7", "8"]), ["2", "3", "4", "5", "6"]);
        assert!(told(&[]).is_empty());
    }

    #[test]
    fn tracking_numbers_have_one_spelling() {
        let read = |sent: &str| parse_tracking_number(Carrier::UPS, sent.to_owned());
        assert_eq!(read(" 1z999 aa1\t0").as_deref(), Ok("1Z999AA10"));
        assert!(read(&"9".repeat(65)).is_err());
        for nobody_registers in ["1Z/999", "１Z999", "1Z_999"] {
            let Unreadable(reason) = read(nobody_registers).unwrap_err();
            assert_eq!(reason, "the tracking number has more in it than letters, digits and hyphens");
        }
    }
}
