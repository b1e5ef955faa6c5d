use std::collections::HashMap;

use super::*;
use crate::tracking_number::TrackingNumber;

fn parse(text: &str) -> Option<String> {
    Carrier::parse(text).ok().map(|carrier| carrier.to_string())
}

#[test]
fn every_spelling_of_a_name_is_one_carrier() {
    for (code, spellings) in [
        (
            "fedex",
            &["fedex", "FEDEX", "FedEx", "FX", "fx", "FedExSmartPost", "fedex-freight", "FedexDefault"][..],
        ),
        ("ups", &["ups", "UPS", "UPSDAP", "ups-mi", "UPS_Mail.Innovations", "UPSIparcel"]),
        ("usps", &["usps", "USPS", "USPSReturns"]),
        ("dhl", &["DHL", "DHLExpress", "dhl_germany", "DHL eCommerce", "dhl-global-mail", "DhlEcs"]),
        ("canada_post", &["CanadaPost", "canada-post", "canada_post", "CANADA POST"]),
        ("dpd", &["DPD", "dpd"]),
        ("dpd_uk", &["DPDUK", "dpd-uk", "dpd_uk", "InterlinkExpress"]),
        ("evri", &["hermes_uk", "myhermes-uk", "Evri"]),
        ("star_track", &["startrack", "StarTrack"]),
        ("acme_express", &["ACME Express", "acme-express", "acme__express"]),
        ("my_ups", &["my-ups"]),
    ] {
        for spelling in spellings {
            assert_eq!(parse(spelling).as_deref(), Some(code), "{spelling}");
            let reported = Carrier::from_reported_name(spelling).unwrap();
            assert_eq!(reported.as_str(), code, "{spelling}");
        }
    }
}

#[test]
fn an_input_that_is_no_code_is_refused() {
    for wrong in ["", " ", "-", "__", "é", "post💌", "a/b", "a\u{202e}b", &"a".repeat(33)] {
        assert_eq!(parse(wrong), None, "{wrong}");
    }
    assert_eq!(parse(&"a".repeat(32)), Some("a".repeat(32)));
}

#[test]
fn a_reported_name_is_never_too_long() {
    let long = "The Very Long Name of a Carrier-Company";
    assert_eq!(Carrier::from_reported_name(long).unwrap().as_str(), "the_very_long_name_of_a_carrier");
    assert_eq!(Carrier::from_reported_name("Česká pošta").unwrap().as_str(), "esk_po_ta");
    assert_eq!(Carrier::from_reported_name("-é-"), None);
}

#[test]
fn a_stored_code_is_read_as_it_is_written() {
    for carrier in Carrier::known() {
        assert_eq!(carrier.to_string().parse(), Ok(carrier));
        assert_eq!(Carrier::parse(carrier.as_str()), Ok(carrier));
    }
    for wrong in ["", "FEDEX", "canada-post", "a b", &"a".repeat(33)] {
        assert_eq!(wrong.parse::<Carrier>(), Err(InvalidCarrier), "{wrong}");
    }
}

#[test]
fn each_spelling_is_in_the_list_once() {
    let mut seen: HashMap<String, &str> = HashMap::new();
    for known in &known::CARRIERS {
        let spellings = known.spellings.iter().map(ToString::to_string);
        for spelling in spellings.chain([spelling_key(known.code)]) {
            assert!(spelling.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()), "{spelling}");
            assert_eq!(Carrier::parse(&spelling).unwrap().as_str(), known.code, "{spelling}");
            assert_eq!(seen.insert(spelling.clone(), known.code), None, "{spelling}");
        }
        assert!(!known.name.trim().is_empty());
    }
    assert_eq!(Carrier::known().take(4).collect::<Vec<_>>(), Carrier::BUILT_IN);
}

#[test]
fn every_address_of_the_list_takes_a_number() {
    for carrier in Carrier::known() {
        let number = TrackingNumber::parse(carrier, "AB-12").unwrap();
        let Some(url) = CarrierDirectory::default().tracking_url(&number) else { continue };
        assert!(url.starts_with("https://") && url.contains("AB-12") && !url.contains(['{', '}']), "{url}");
        // The same rule as for the merchant's own addresses.
        let known = known::find(carrier).unwrap();
        CarrierDirectory::default().add(carrier.as_str(), known.name, known.url).unwrap();
    }
}

#[test]
fn names_and_addresses_come_from_the_list_or_from_the_merchant() {
    let mut directory = CarrierDirectory::default();
    directory.add("my_local", " My Local Bikes ", Some("https://bikes.example/t?n={number}&x=1")).unwrap();
    directory.add("dhl", "DHL Paket", None).unwrap();
    let carrier = |text: &str| directory.resolve(Carrier::parse(text).unwrap());
    for spelling in ["my_local", "MyLocal", "my-local", "MYLOCAL"] {
        assert_eq!(carrier(spelling).as_str(), "my_local", "{spelling}");
    }
    assert_eq!(carrier("CanadaPost").as_str(), "canada_post");
    assert_eq!(directory.name(carrier("my_local")), "My Local Bikes");
    assert_eq!(directory.name(carrier("dhl")), "DHL Paket");
    assert_eq!(directory.name(carrier("canada-post")), "Canada Post");
    assert_eq!(directory.name(carrier("other_bikes")), "Other Bikes");
    let url = |code: &str, number: &str| {
        directory.tracking_url(&TrackingNumber::restore(carrier(code), number.to_owned()))
    };
    assert_eq!(url("my_local", "A-1").as_deref(), Some("https://bikes.example/t?n=A-1&x=1"));
    assert_eq!(url("my_local", "a/b&ü").as_deref(), Some("https://bikes.example/t?n=a%2Fb%26%C3%BC&x=1"));
    assert_eq!(url("fedex", "1").as_deref(), Some("https://www.fedex.com/fedextrack/?trknbr=1"));
    assert_eq!(url("dhl", "1"), None);
    assert_eq!(url("other_bikes", "1"), None);
}

#[test]
fn an_entry_that_cannot_be_used_is_refused() {
    use InvalidCarrierEntry::*;
    let mut directory = CarrierDirectory::default();
    directory.add("my_local", "Mine", None).unwrap();
    let good = Some("https://example.org/{number}");
    for (code, name, url, expected) in [
        ("My-Local", "Mine", good, Code(InvalidCarrier)),
        ("", "Mine", good, Code(InvalidCarrier)),
        ("my_local", "Mine", good, Twice),
        ("mylocal", "Mine", good, Spelling(Carrier::parse("my_local").unwrap())),
        ("canadapost", "Mine", good, Spelling(Carrier::parse("canada_post").unwrap())),
        ("ups_local", "Mine", good, Spelling(Carrier::UPS)),
        ("bikes", " ", good, Name),
        ("bikes", "Bikes", Some("https://example.org/"), Url),
        ("bikes", "Bikes", Some("https://{number}.example.org/"), Url),
        ("bikes", "Bikes", Some("https://a@example.org/{number}"), Url),
        ("bikes", "Bikes", Some("javascript:alert({number})"), Url),
        ("bikes", "Bikes", Some("https://example.org/ {number}"), Url),
        ("bikes", "Bikes", Some("https://example.org/\"{number}"), Url),
    ] {
        assert_eq!(directory.add(code, name, url), Err(expected), "{code} {name} {url:?}");
    }
}
