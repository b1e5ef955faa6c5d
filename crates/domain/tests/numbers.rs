//! The stored spelling of tracking numbers, which is the same for registering a shipment and for reporting about it.

use domain::{Carrier, InvalidTrackingNumber, TrackingNumber};

fn read(carrier: Carrier, text: &str) -> Result<String, InvalidTrackingNumber> {
    TrackingNumber::parse(carrier, text).map(|number| number.to_string())
}

#[test]
fn blanks_and_small_letters_are_spelling_and_anything_else_is_no_number() {
    let read = |text: &str| read(Carrier::UPS, text);
    assert_eq!(read(" 1z 999\t9-9").as_deref(), Ok("1Z9999-9"));
    assert_eq!(read(&"9".repeat(64)), Ok("9".repeat(64)));
    for invalid in ["", "  ", "1Z/9", "no/slash", "１Z9", "Ä1", "1Z_9", &"9".repeat(65)] {
        assert_eq!(read(invalid), Err(InvalidTrackingNumber), "{invalid}");
    }
}

#[test]
fn a_scanned_barcode_of_usps_loses_its_routing_and_nothing_else_does() {
    let usps = |text: &str| read(Carrier::USPS, text).unwrap();
    let (short, long) = ("94001000000000000001", "9400100000000000000001");
    for rest in [short, long] {
        for zip in ["34442", "344421234", "90210", "902109999"] {
            assert_eq!(usps(&format!("420{zip}{rest}")), rest, "{zip}");
            assert_eq!(usps(&format!("420 {zip} {rest}")), rest, "{zip}");
            let number = format!("420{zip}{rest}");
            for other in [Carrier::FEDEX, Carrier::UPS, Carrier::DHL] {
                assert_eq!(read(other, &number), Ok(number.clone()), "{other}");
            }
        }
    }
    let kept = [
        long,
        "4203444294001000000000000",
        "420344428400100000000000000001",
        "42034442940010000000000000000A",
        "420",
        "4209400100000000",
        "LK123456789US",
    ];
    for number in kept {
        assert_eq!(usps(number), number);
    }
}
