//! Recognises the formats of tracking numbers that have a check digit. All functions are pure.
//!
//! `api` calls [`likelier_carriers`] to warn when a number is registered under a carrier that it can hardly belong to.
//! An empty list means: no warning. A check digit is right by chance in one of seven to ten cases, so a format proves
//! nothing.
//!
//! The formats: UPS `1Z`; FedEx Express of 12 and 34 digits, FedEx Ground of 15, 20 and 22; USPS of 20, 22 and 26; DHL
//! Express of 10; DHL Parcel (SSCC) of 20; S10 of the postal services.
//!
//! `is_ups`, `find_s10_country` and the `has_check_…` functions are false or `None` also if only the check digit is
//! wrong.

use domain::{Carrier, TrackingNumber};

/// The carriers in whose formats the number is written, with the right check digit. Empty if it has none of the known
/// formats, or one of a carrier that Milepost does not know. Several if the format is shared.
///
/// Numbers that begin with `92` and `93` are the format of USPS for companies that hand parcels over to it. UPS, FedEx
/// and DHL are such companies, so all four are returned.
pub fn likely_carriers(number: &str) -> Vec<Carrier> {
    let Ok(number) = TrackingNumber::parse(Carrier::USPS, number) else { return Vec::new() };
    let number: &str = &number;
    if is_ups(number) {
        return vec![Carrier::UPS];
    }
    if let Some(country) = find_s10_country(number) {
        return match country {
            "US" => vec![Carrier::USPS],
            "DE" => vec![Carrier::DHL],
            _ => Vec::new(),
        };
    }
    let Some(digits) = read_digits(number) else { return Vec::new() };
    match (digits.len(), number.get(..2).unwrap_or_default()) {
        (10, _) if has_check_mod_7(&digits) => vec![Carrier::DHL],
        (12, _) if has_check_mod_11(&digits) => vec![Carrier::FEDEX],
        (15, _) if has_check_mod_10(&digits) => vec![Carrier::FEDEX],
        (20, "00") if has_check_mod_10(&digits) => {
            vec![if number.starts_with("0034") { Carrier::DHL } else { Carrier::FEDEX }]
        }
        // Written without the 92 that belongs to it; for USPS perhaps without a 91.
        (20, "61") if has_check_mod_10(&[&[9, 2], &digits[..]].concat()) => vec![Carrier::FEDEX],
        (20, _) if has_check_mod_10(&digits) || has_check_mod_10(&[&[9, 1], &digits[..]].concat()) => {
            vec![Carrier::USPS]
        }
        (22, "96") if has_check_mod_10(&digits[7..]) => vec![Carrier::FEDEX],
        (22 | 26, "92" | "93") if has_check_mod_10(&digits) => {
            vec![Carrier::FEDEX, Carrier::UPS, Carrier::USPS, Carrier::DHL]
        }
        (22 | 26, "91" | "94" | "95") if has_check_mod_10(&digits) => vec![Carrier::USPS],
        (34, _) if has_check_mod_11(&digits[20..]) => vec![Carrier::FEDEX],
        _ => Vec::new(),
    }
}

/// The carriers that a number rather belongs to, for a warning: those in whose formats it is written, if its own
/// carrier is not one of them.
pub fn likelier_carriers(number: &TrackingNumber) -> Vec<Carrier> {
    let likely = likely_carriers(number);
    if likely.contains(&number.carrier()) { Vec::new() } else { likely }
}

fn read_digits(number: &str) -> Option<Vec<u32>> {
    number.chars().map(|c| c.to_digit(10)).collect()
}

/// `1Z`, then 16 characters of which the last is the check digit. A letter counts like a digit: `A` is 2, `B` is 3, and
/// so on; after 9 comes 0.
fn is_ups(number: &str) -> bool {
    let Some(body) = number.strip_prefix("1Z").filter(|body| body.len() == 16) else { return false };
    let value = |byte: u8| match byte {
        b'0'..=b'9' => Some(u32::from(byte - b'0')),
        b'A'..=b'Z' => Some(u32::from(byte - b'A' + 2) % 10),
        _ => None,
    };
    let values: Option<Vec<u32>> = body.bytes().map(value).collect();
    let Some((check, values)) = values.as_deref().and_then(<[u32]>::split_last) else { return false };
    let sum: u32 = values.iter().zip([1, 2].iter().cycle()).map(|(value, weight)| value * weight).sum();
    body.ends_with(|c: char| c.is_ascii_digit()) && (10 - sum % 10) % 10 == *check
}

/// The check digit of GS1: from the right, the digits before it count three times and once in turn.
fn has_check_mod_10(digits: &[u32]) -> bool {
    let Some((check, digits)) = digits.split_last() else { return false };
    let sum: u32 = digits.iter().rev().zip([3, 1].iter().cycle()).map(|(digit, weight)| digit * weight).sum();
    (10 - sum % 10) % 10 == *check
}

/// The check digit of FedEx Express: from the right, the digits before it count 1, 3 and 7 times in turn. The rest of
/// the division by 11 is the check digit; a rest of 10 is 0.
fn has_check_mod_11(digits: &[u32]) -> bool {
    let Some((check, digits)) = digits.split_last() else { return false };
    let sum: u32 =
        digits.iter().rev().zip([1, 3, 7].iter().cycle()).map(|(digit, weight)| digit * weight).sum();
    sum % 11 % 10 == *check
}

/// The check digit of DHL Express: the rest of the division of the number before it by 7.
fn has_check_mod_7(digits: &[u32]) -> bool {
    let Some((check, digits)) = digits.split_last() else { return false };
    digits.iter().fold(0, |rest, digit| (rest * 10 + digit) % 7) == *check
}

/// The country of an S10 number of the Universal Postal Union: two letters, eight digits, the check digit, and two
/// letters for the country.
fn find_s10_country(number: &str) -> Option<&str> {
    const WEIGHTS: [u32; 8] = [8, 6, 4, 2, 3, 5, 9, 7];
    let (service, rest) = number.split_at_checked(2)?;
    let (digits, country) = rest.split_at_checked(9)?;
    let is_letters = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase());
    let digits = read_digits(digits)?;
    let (check, digits) = digits.split_last()?;
    let sum: u32 = digits.iter().zip(WEIGHTS).map(|(digit, weight)| digit * weight).sum();
    let expected = match 11 - sum % 11 {
        10 => 0,
        11 => 5,
        digit => digit,
    };
    (is_letters(service) && is_letters(country) && expected == *check).then_some(country)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FEDEX: Carrier = Carrier::FEDEX;
    const UPS: Carrier = Carrier::UPS;
    const USPS: Carrier = Carrier::USPS;
    const DHL: Carrier = Carrier::DHL;

    const SHARED: &[Carrier] = &[FEDEX, UPS, USPS, DHL];

    #[test]
    fn published_numbers_are_recognised() {
        for (carriers, numbers) in [
            (&[UPS][..], &["1Z999AA10123456784", "1z 999 aa1 0123456784"][..]),
            (&[FEDEX], &["986578788855", "477179081230", "799531274483"]),
            (&[FEDEX], &["041441760228964", "568283610012000"]),
            (&[FEDEX], &["9611020987654312345672", "61299998820821171811"]),
            (&[FEDEX], &["1001921334250001000300779017972697", "1001901781990001000300617767839437"]),
            (&[USPS], &["03071790000523483741", "71123456789123456787", "71969010756003077385"]),
            (&[USPS], &["9400111206206406260787", "9101123456789000000013", "9505511069605048600624"]),
            // With the routing prefix of the barcode.
            (&[USPS], &["420787459400111206206406260787", "420221539101026837331000039521"]),
            (SHARED, &["4201028200009261290113185417468510", "92748902711486543475061180"]),
            (&[DHL], &["3318810025", "8487135506", "1099255990"]),
            (&[DHL], &["00340434161094015902"]),
            (&[USPS], &["RB123456785US"]),
            (&[DHL], &["RB123456785DE"]),
            (&[], &["RB123456785GB", "RB123456785CV"]),
        ] {
            for number in numbers {
                assert_eq!(likely_carriers(number), carriers, "{number}");
            }
        }
    }

    #[test]
    fn a_wrong_check_digit_is_no_format() {
        for number in [
            "1Z999AA10123456785",
            "1Z999AA1012345678A",
            "996578788855",
            "568283610012732",
            "9600000000000000000001",
            "1001901781990001000300617767839438",
            "03071790000523483742",
            "9434611206206407667131",
            "9200000000000000000000",
            "3318810010",
            "00340434161094015903",
            "RB123456786US",
            "JD014600000000000001",
            "",
            "ÄÖ",
            "12345",
        ] {
            assert_eq!(likely_carriers(number), [], "{number}");
        }
    }

    #[test]
    fn a_number_with_one_wrong_digit_is_not_recognised() {
        for number in ["986578788855", "041441760228964", "9400111206206406260787", "3318810025"] {
            let (start, last) = number.split_at(number.len() - 1);
            let last: u32 = last.parse().unwrap();
            let right = (0..10).filter(|digit| !likely_carriers(&format!("{start}{digit}")).is_empty());
            assert_eq!(right.collect::<Vec<_>>(), [last], "{number}");
        }
    }
}
