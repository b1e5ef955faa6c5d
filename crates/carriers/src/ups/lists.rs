//! UPS's published lists of the codes of types `X` (package exceptions) and `D` (delivery codes), by meaning.
//!
//! Called by `ups::codes`. `None` means that the code is not listed; `ups::codes` then decides.
//!
//! 1. A code has two characters, in capitals. One text holds all codes of a meaning, with blanks between them.
//! 2. A code means what UPS's customer text for it says. Where the text tells a reason and a consequence, the part that
//!    a person has to act on counts: an incorrect address "may delay delivery" and is an address issue.
//! 3. A request, a change of the delivery, or a claim is informational: the parcel does not move by it.
//! 4. An attempt to *pick up* the parcel is informational. It is no attempt to deliver it.
//! 5. `find_exception_meaning` also knows the codes of type `D`, but only those that mean trouble.

use domain::{
    ConditionKind::*,
    Meaning::{self, Condition, Informational, Status},
    ShipmentStatus::*,
};

/// Codes of type `X`. UPS publishes 687 of them. The ones that are not here tell of trouble without a kind of its own:
/// [`Other`].
const EXCEPTIONS: &[(Meaning, &str)] = &[
    (Status(PickedUp), "HF P4 Z5"),
    (
        Status(InTransit),
        "1M 2O 2S 2V 4B 4C 4F 4H 4J 6P 77 7I 7M B3 B6 BV C3 D5 DA DB ER F0 F3 F7 GD HL HM HW IP LX LY OA \
         P7 PG RB RC S4 S5 SI SY TE TT UI VX VZ W8 X0 X4 XD Y5 Y9 YG YR YT YX Z3 ZK ZN ZV ZW ZX ZY ZZ",
    ),
    (Status(OutForDelivery), "RK RL ZS"),
    (Status(AvailableForPickup), "5G 6B 8I I5 UE ZP"),
    (Status(Delivered), "F4 FN FT K7 KM"),
    (Status(ReturnedToSender), "4S PP TU UA YJ YK"),
    (
        Condition(Delayed),
        "01 02 03 04 06 07 08 11 14 15 16 17 18 19 1B 1E 1K 1L 1O 1P 1Q 1V 1X 22 23 2A 2H 2Y 2Z 31 34 3A \
         3B 3C 3D 3T 3U 46 4K 4Y 68 6D 6E 7G 7N 7P 7R 7S 7V 7W 7X 7Y 7Z 87 8A 8G 8K 8L 8R 8Y 8Z 9L 9M 9N \
         9O 9P 9Q 9R 9S 9T 9U 9V 9X 9Y 9Z AH AT AZ B1 B9 C5 C6 CC CD CK CL CM CN CP CQ D0 D1 D4 DC DF DG \
         DJ DQ DR DU E3 ED EH EN FG G1 G6 G9 GC GH GI GV H7 HA HG HH I8 IB IJ J8 K1 K2 LE LF MT NP NW O6 \
         OD OI OL OM OS P6 PZ Q0 Q1 RO RY S6 S8 SX TH TI TN UK VL XZ YI",
    ),
    (
        Condition(DeliveryAttemptFailed),
        "2X 3J 3L 48 49 51 52 55 5R 5V 5Z 6R 7L 84 89 AM AN AP AQ AS AY C4 FM G3 G7 G8 GB HQ IQ IR KI KQ \
         KR KS KT KX KZ L1 OH PI YD YE ZM",
    ),
    (
        Condition(AddressIssue),
        "47 A5 A6 A7 A8 A9 AA AB AC AD AE AF AG AK AL AV AW C8 CW CY DS DW E1 FA H1 H2 H3 H4 H5 OJ TF YF",
    ),
    (
        Condition(Held),
        "05 1C 1G 1H 1U 1W 29 2B 2N 2T 40 43 4I 4T 5T 71 72 7F 7T 7U AO B4 B5 B8 BA BB BD BE BF BG BH BJ \
         BK BP BW BX CE CT CX CZ D9 DE DN DY E4 E8 E9 EU EV EW EY FE FF GF GZ HO L2 L3 L5 LI LV MF MI OB \
         OQ OR OT PH R1 R4 R5 R6 R7 RA RD RE RJ RM RP RR RS RU RX RZ S1 S2 S3 SF SJ SL SN SP SS SV T3 T9 \
         TG UG VK VP X2 X3 X5 X6 X7 X8 X9 XA XB XC XE XG XJ XK XL XN XO XV XW XY Y1 Y4 Y7 YA Z1",
    ),
    (Condition(Damaged), "13 1F 24 25 26 27 45 64 65 66 67 8D A1 A2 A3 A4 BZ HD HE HR NI TV YL"),
    (Condition(Lost), "AJ F8 S9 TJ UO UP"),
    (Condition(Returning), "3N 4R 6C 7H 8H 90 CF CS DL H8 I1 KP O0 O4 RV UF XU"),
    (
        Informational,
        "1D 1T 2G 2R 2U 30 37 39 3P 3Q 3R 3S 3V 3W 3Z 4L 4M 4N 54 56 59 5A 5B 5D 5S 6G 6H 6I 6J 6K 6L 6W \
         6X 6Z 76 78 79 7C 7D 7E 7Q 8C 8E 8F 8M 92 93 9C 9D 9I 9J 9K BQ E0 E2 E7 EO F5 FW G4 G5 GN GO GQ \
         GR H6 HJ I3 I9 J9 JA JB JC JH JI JJ K5 K6 K8 KN KO KY L0 L8 LH LN LO LQ LU LZ O1 O2 O3 O5 O7 O8 \
         O9 R3 R8 RF RG RH RI RW S0 S7 SO SU T4 T5 T6 T7 T8 TA TB TL TO TR TS UD UL UT UW UX UZ V9 VA VB \
         VD VE VF VG VH VM VN VQ VR VU VV VW XS YS YW Z7 Z8 ZA ZB ZC ZD ZL ZU",
    ),
];

/// Codes of type `D`. Most say where the parcel was left, but not all are a delivery to the customer. `FS` is in no
/// published list, but UPS sends it.
const DELIVERIES: &[(Meaning, &str)] = &[
    (Status(InTransit), "2D 2J 83 BN EZ F0 F3 F7 FB VS YH"),
    (Status(OutForDelivery), "2K 7K"),
    (Status(AvailableForPickup), "1N 2Q EP ZQ"),
    (
        Status(Delivered),
        "2W 3F 3G 3H 8O 9E A0 AI F4 FS M1 M2 M3 M4 M5 M6 M7 M8 M9 MA MB MC MD ME MG MH MJ MK ML MM MN MP \
         MQ MR MS MU MW MX NL NT OO OZ P5 UC YC ZF ZG ZH ZI",
    ),
    (Condition(Returned), "B0"),
    (Condition(Delayed), "00 09 12 32 41 42 44 57 CB CR DK EF EG EI EJ EK EL EM ET FZ"),
    (Condition(DeliveryAttemptFailed), "50 53 BI BO CI DI DO FO"),
    (Condition(AddressIssue), "CU DZ F2 MV"),
    (Condition(Held), "70 B2 L4 RQ SG ST"),
    (Condition(Damaged), "28 GK"),
    (Condition(Other), "5F 61 62 74 98 BL BM BS FC HI KU L6 LM RN SB SE TW"),
    (Informational, "1Z 2C 38 4X 7A 7B 85 86 8Q AU EQ F1 FD GW MY NS NX OE UJ ZE"),
];

/// The meaning of a code of type `X`. Some exceptions have a code of the list of type `D`; of these, only trouble
/// counts.
pub(super) fn find_exception_meaning(code: &str) -> Option<Meaning> {
    let trouble = |meaning: &Meaning| match meaning {
        Condition(_) => true,
        Status(_) | Meaning::ReturnCancelled | Informational | Meaning::Unknown => false,
    };
    find_in_list(EXCEPTIONS, code).or_else(|| find_in_list(DELIVERIES, code).filter(trouble))
}

/// The meaning of a code of type `D`.
pub(super) fn find_delivery_meaning(code: &str) -> Option<Meaning> {
    find_in_list(DELIVERIES, code)
}

fn find_in_list(list: &[(Meaning, &str)], code: &str) -> Option<Meaning> {
    list.iter().find(|(_, codes)| codes.split(' ').any(|listed| listed == code)).map(|(meaning, _)| *meaning)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_code_has_two_characters_and_stands_once() {
        for (list, listed) in [(EXCEPTIONS, 632), (DELIVERIES, 144)] {
            let codes: Vec<&str> = list.iter().flat_map(|(_, codes)| codes.split(' ')).collect();
            assert!(codes.iter().all(|code| code.len() == 2), "{codes:?}");
            assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), codes.len());
            assert_eq!(codes.len(), listed);
        }
    }

    #[test]
    fn exceptions_of_each_kind_have_their_meaning() {
        for (expected, codes) in [
            (Some(Condition(Delayed)), "01 04 15 1B 3T 68 7W 8Y 9Z B1 C6 CK DJ GC HG OI SX TI"),
            (Some(Condition(DeliveryAttemptFailed)), "48 55 AM G7 IQ KT OH YD ZM"),
            (Some(Condition(AddressIssue)), "47 A7 A8 AG AL CY DS H5 YF"),
            (Some(Condition(Held)), "05 1G 29 40 BA CT D9 R1 SP VP XY Y7"),
            (Some(Condition(Damaged)), "13 24 45 66 A1 A4 HD HE HR TV 1F NI"),
            (Some(Condition(Lost)), "AJ F8 S9 TJ UO UP"),
            (Some(Condition(Returning)), "3N 6C 8H 90 CF CS DL I1 KP UF XU"),
            (Some(Status(ReturnedToSender)), "4S PP TU UA YJ YK"),
            (Some(Status(AvailableForPickup)), "5G 6B 8I I5 UE ZP"),
            (Some(Status(InTransit)), "1M 4C 77 F0 GD IP XD YX"),
            (Some(Status(OutForDelivery)), "RK RL ZS"),
            (Some(Status(PickedUp)), "HF P4 Z5"),
            // The carrier tried to pick the parcel up, so it does not have it.
            (Some(Informational), "G4 G5 KY 30 54 K5 LQ"),
            // Of the list of type `D`.
            (Some(Condition(Delayed)), "CR EJ EM"),
            (Some(Condition(Damaged)), "28"),
            (None, "1A 99 H9 M1 2Q 2K QQ 4"),
        ] {
            for code in codes.split(' ') {
                assert_eq!(find_exception_meaning(code), expected, "{code}");
            }
        }
    }
}
