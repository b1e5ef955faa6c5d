//! The stored spelling of tracking numbers, which is the same for registering a shipment and for reporting about it.

use domain::{Carrier, normalize_tracking_number};

#[test]
fn blanks_and_small_letters_are_spelling_and_anything_else_is_no_number() {
    let read = |text: &str| normalize_tracking_number(Carrier::Ups, text);
    assert_eq!(read(" 1z 999\t9-9").as_deref(), Some("1Z9999-9"));
    assert_eq!(read(&"9".repeat(64)), Some("9".repeat(64)));
    for none in ["", " ", "1Z/9", "１Z9", "1Z_9", &"9".repeat(65)] {
        assert_eq!(read(none), None, "{none}");
    }
}

#[test]
fn a_scanned_barcode_of_usps_loses_its_routing_and_nothing_else_does() {
    let read = |text: &str| normalize_tracking_number(Carrier::Usps, text).unwrap();
    let (short, long) = ("94001000000000000001", "9400100000000000000001");
    for rest in [short, long] {
        for zip in ["34442", "344421234", "90210", "902109999"] {
            assert_eq!(read(&format!("420{zip}{rest}")), rest, "{zip}");
            assert_eq!(read(&format!("420 {zip} {rest}")), rest, "{zip}");
            let number = format!("420{zip}{rest}");
            for other in [Carrier::Fedex, Carrier::Ups, Carrier::Dhl] {
                assert_eq!(normalize_tracking_number(other, &number), Some(number.clone()), "{other}");
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
        assert_eq!(read(number), number);
    }
}
