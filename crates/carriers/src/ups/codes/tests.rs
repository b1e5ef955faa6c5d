//! The expected meanings of all published codes, written by hand and compared with the code.

use super::*;

fn of(kind: &str, code: &str, description_code: &str) -> Meaning {
    find_meaning(Code { kind, code, description_code }, None)
}

fn said(kind: &str, code: &str, words: &str) -> Meaning {
    find_meaning(Code { kind, code, description_code: "" }, Some(words))
}

#[test]
fn every_listed_description_code_has_its_meaning() {
    let table = [
        (Status(LabelCreated), "003 044 045 077 079 080 157 166"),
        (Status(PickedUp), "038 160 167 168 169"),
        (
            Status(InTransit),
            "005 010 012 014 016 019 025 039 047 057 071 072 073 074 075 084 087 092 134 137 138 143 158 159 164 165",
        ),
        (Status(OutForDelivery), "006 021 037 078 089 091 146 162"),
        (Status(AvailableForPickup), "017 040 144 161"),
        (Condition(DeliveryAttemptFailed), "022 023 024 060 061 062 064 066 069 145"),
        (Condition(Delayed), "032 046 048 049 051 052 053 086 090 132"),
        (Condition(Held), "058 083 085 123 124 125 126"),
        (Condition(AddressIssue), "050"),
        (Condition(Damaged), "059 149"),
        (Condition(Lost), "068"),
        (Condition(Other), "013 029 030 070 076 093 139 147"),
        (Status(Delivered), "011 026 156"),
        (Condition(Returned), "034 067 081"),
        (Status(ReturnedToSender), "035 036"),
        (Status(Cancelled), "007 043"),
        (Condition(Returning), "033 118 119"),
        (
            Informational,
            "000 018 020 027 028 041 042 054 055 056 063 065 082 088 094 095 096 097 098 099 100 101 102 103 \
             104 105 106 107 108 109 110 111 112 113 114 115 116 117 120 121 122 127 128 129 130 131 133 \
             135 136 140 141 142 148 153 154 155 163",
        ),
    ];
    let mut listed = 0;
    for (expected, codes) in table {
        for code in codes.split_whitespace() {
            let generic = GENERIC.contains(&code);
            for (kind, pair) in [("I", "XX"), ("D", "FS"), ("X", "UA"), ("", "")] {
                if generic && ["D", "X"].contains(&kind) {
                    continue;
                }
                assert_eq!(of(kind, pair, code), expected, "{kind}/{pair}/{code}");
            }
            listed += 1;
        }
    }
    assert_eq!(listed, (0..1000).filter(|code| find_meaning_of_description_code(*code).is_some()).count());
}

#[test]
fn a_generic_description_code_leaves_the_decision_to_type_and_code() {
    for generic in GENERIC {
        for (kind, code, expected) in [
            ("X", "C6", Condition(Delayed)),
            ("X", "I1", Condition(Returning)),
            ("X", "OH", Condition(DeliveryAttemptFailed)),
            ("X", "45", Condition(Damaged)),
            ("X", "UA", Status(ReturnedToSender)),
            ("D", "FS", Status(Delivered)),
            ("I", "OT", Status(OutForDelivery)),
        ] {
            assert_eq!(of(kind, code, generic), expected, "{kind}/{code}/{generic}");
        }
        // Nothing else is listed, so the description code is the whole claim.
        for (kind, code) in [("X", "99"), ("X", ""), ("I", "AR"), ("", "")] {
            let alone = find_meaning_of_description_code(generic.parse().unwrap()).unwrap();
            assert_eq!(of(kind, code, generic), alone, "{kind}/{code}/{generic}");
        }
    }
    // Any other description code goes before type and code.
    assert_eq!(of("X", "C6", "022"), Condition(DeliveryAttemptFailed));
}

#[test]
fn the_type_goes_first_where_it_settles_the_matter() {
    for code in ["MP", "DP", "RD", "XX", ""] {
        assert_eq!(of("M", code, "011"), Status(LabelCreated), "{code}");
    }
    assert_eq!(of("M", "VP", ""), Status(Cancelled));
    assert_eq!(of("MV", "MP", "011"), Status(Cancelled));
    for code in ["UP", "UT", "PX"] {
        assert_eq!(of("U", code, "021"), Informational, "{code}");
    }
}

#[test]
fn every_listed_pair_has_its_meaning() {
    let table = [
        ("I", Status(PickedUp), "OR PU PC PT XD"),
        ("I", Status(OutForDelivery), "OT OF YF YI"),
        ("I", Status(LabelCreated), "OC PL SP"),
        ("I", Status(Cancelled), "VP"),
        ("I", Status(InTransit), "AR DP DS HU LC AG AT EP IP OD YP XA XR YM YN UL WH DL ZZ"),
        ("D", Condition(Returned), "B0"),
        ("D", Status(AvailableForPickup), "2Q 1N EP ZQ"),
        ("D", Condition(DeliveryAttemptFailed), "53 50 BO CI BI DI"),
        ("D", Status(Delivered), "FS F4 2W YC UC OO M1 M9 MA MM MX NL NT OZ P5 ZF ZG ZH ZI 3F 3G 3H 9E"),
        // A label for a return was left, the postal code is missing, a delivery is scheduled or incomplete.
        ("D", Informational, "MY F1 7A 4X"),
        ("D", Condition(AddressIssue), "MV F2"),
        ("D", Condition(Delayed), "CR EJ 57"),
        ("D", Status(InTransit), "F7 FB"),
        ("D", Unknown, "M M0 MAA ZZ DL OT"),
        ("X", Condition(Returning), "DL KP O0 O4 90 3N 6C 8H H8 UF CS 4R 7H XU RV"),
        ("X", Status(ReturnedToSender), "UA TU PP 4S YJ YK"),
        (
            "X",
            Condition(DeliveryAttemptFailed),
            "48 49 51 52 55 C4 AY FM G3 G7 G8 GB IQ IR KX KZ L1 YD AM AN AP AQ AS KI KQ KR KS KT YE",
        ),
        ("X", Status(AvailableForPickup), "I5 ZP UE 6B"),
        ("X", Status(Delivered), "F4 FT KM FN"),
        ("X", Informational, "39 54 S7 O5 O8 5D 30"),
        ("X", Condition(Held), "OT"),
        ("X", Condition(Delayed), "C6 CR"),
        ("X", Condition(Other), "DP 1A QQ"),
    ];
    for (kind, expected, codes) in table {
        for code in codes.split(' ') {
            assert_eq!(of(kind, code, ""), expected, "{kind}/{code}");
        }
    }
}

#[test]
fn a_type_alone_has_the_agreed_meaning() {
    assert_eq!(of("I", "", ""), Status(InTransit));
    assert_eq!(of("O", "", ""), Status(OutForDelivery));
    assert_eq!(of("D", "", ""), Status(Delivered));
    assert_eq!(of("X", "", ""), Condition(Other));
    assert_eq!(of("P", "", ""), Status(PickedUp));
    assert_eq!(of("RS", "", ""), Status(ReturnedToSender));
    for kind in ["", "DO", "DD", "W", "NA", "Q"] {
        assert_eq!(of(kind, "", ""), Unknown, "{kind}");
    }
}

#[test]
fn an_unlisted_description_code_leaves_the_rest_to_speak_except_for_type_d() {
    for unlisted in ["001", "150", "999", "70000", "A1", "-1"] {
        assert_eq!(of("I", "OT", unlisted), Status(OutForDelivery), "{unlisted}");
        assert_eq!(of("X", "UA", unlisted), Status(ReturnedToSender), "{unlisted}");
        assert_eq!(of("D", "FS", unlisted), Unknown, "{unlisted}");
        assert_eq!(of("D", "", unlisted), Unknown, "{unlisted}");
    }
}

#[test]
fn unlisted_deliveries_are_judged_by_their_words() {
    assert_eq!(said("D", "KB", "DELIVERED"), Status(Delivered));
    assert_eq!(said("D", "KB", "Left somewhere"), Unknown);
    for code in ["KB", ""] {
        for words in [
            "Delivery attempted",
            "Delivery refused",
            "Out For Delivery",
            "Loaded on Delivery Vehicle",
            "Not delivered",
            "Could not be delivered",
            "The package has not been delivered",
            "Not yet delivered",
            "Delivery not possible",
        ] {
            assert_eq!(said("D", code, words), Unknown, "{code}: {words}");
        }
        for words in ["Delivered, signature not required", "DELIVERED. NOT SIGNED FOR."] {
            assert_eq!(said("D", code, words), Status(Delivered), "{code}: {words}");
        }
    }
    assert_eq!(said("D", "", "Left at front door"), Status(Delivered));
    // The words do not count if the pair is listed.
    assert_eq!(said("D", "B0", "Delivered"), Condition(Returned));
}

#[test]
fn a_code_begins_with_its_type() {
    for shown in ["I", "MV", "I/OT", "I/OT/021", "X//032", "D/FS", "Q", "W/AA", "NA/AA/021", "/OT", "//021"] {
        assert!(begins_with_type(shown), "{shown}");
    }
    for shown in ["OT", "021", "OT/021", "FS", "MX"] {
        assert!(!begins_with_type(shown), "{shown}");
    }
    for kind in TYPES {
        let code = Code { kind, code: "", description_code: "" };
        assert_ne!(find_meaning(code, None), Unknown, "{kind}");
    }
}
