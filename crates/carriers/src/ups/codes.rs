//! The meanings of UPS's codes.
//!
//! The first that decides counts: the type (for `M`, `MV`, `U`), the description code, the pair of type and code, the
//! type alone. A code without its type means nothing: `OT` is "out for delivery" as a movement and "customs contact"
//! as an exception. The lists are UPS's Track Alert specification and its appendix of tracking codes.

use domain::{
    ConditionKind::*,
    Meaning::{self, Condition, Informational, Status, Unknown},
    ShipmentStatus::*,
};

/// The types to which we give a meaning.
pub(super) const TYPES: [&str; 9] = ["I", "D", "X", "M", "MV", "U", "O", "P", "RS"];

/// Whether a code begins with a type, as a scan shows it, in capitals. Unknown types must be accepted too, so that a
/// merchant can give them a meaning. So the form decides:
///
/// 1. A single part that is not a known type must have one character.
/// 2. Three digits in second place after an unknown type are a description code in the wrong place.
pub(super) fn begins_with_type(display_code: &str) -> bool {
    let mut parts = display_code.split('/');
    let kind = parts.next().unwrap_or_default();
    let known = TYPES.contains(&kind);
    match (parts.next(), parts.next()) {
        (None, _) => known || kind.len() == 1,
        (Some(code), None) => known || code.len() != 3 || !code.bytes().all(|byte| byte.is_ascii_digit()),
        (Some(_), Some(_)) => true,
    }
}

/// The parts of `activityStatus`, in capitals. The description code has three digits. A part that is absent is empty.
#[derive(Clone, Copy, Debug)]
pub(super) struct Code<'a> {
    /// The type: `I`, `D`, `X`, `M`, `MV`, `U`, or a type of older interfaces.
    pub(super) kind: &'a str,
    /// The code of two characters. Its meaning depends on the type.
    pub(super) code: &'a str,
    /// The description code, of three digits.
    pub(super) description_code: &'a str,
}

/// The meaning of a code. `words` is the description; it counts only for type `D` with a missing or unlisted code.
pub(super) fn find_meaning(code: Code<'_>, words: Option<&str>) -> Meaning {
    match (code.kind, code.code) {
        ("M", "VP") | ("MV", _) => return Status(Cancelled),
        ("M", _) => return Status(LabelCreated),
        // A new date, a new time or a photo.
        ("U", _) => return Informational,
        _ => {}
    }
    if !code.description_code.is_empty() {
        if let Some(meaning) = code.description_code.parse().ok().and_then(find_meaning_of_description_code) {
            return meaning;
        }
        if code.kind == "D" {
            return Unknown;
        }
    }
    match code.kind {
        "I" => Status(find_movement_status(code.code)),
        "D" => find_delivery_meaning(code.code, words.map(str::to_ascii_lowercase).as_deref()),
        "X" => find_exception_meaning(code.code),
        // Letters of UPS's older interfaces: out for delivery, pickup, returned to shipper.
        "O" => Status(OutForDelivery),
        "P" => Status(PickedUp),
        "RS" => Status(ReturnedToSender),
        _ => Unknown,
    }
}

/// The meanings of UPS's "Status/Description Codes".
fn find_meaning_of_description_code(code: u16) -> Option<Meaning> {
    Some(match code {
        3 | 44 | 45 | 77 | 79 | 80 | 157 | 166 => Status(LabelCreated),
        38 | 160 | 167 | 168 | 169 => Status(PickedUp),
        // 72 is "loaded on delivery vehicle", which can be sent on Saturday for Monday, so it is not out for
        // delivery.
        5 | 10 | 12 | 14 | 16 | 19 | 25 | 39 | 47 | 57 | 71 | 72 | 73 | 74 | 75 | 84 | 87 | 92 | 134
        | 137 | 138 | 143 | 158 | 159 | 164 | 165 => Status(InTransit),
        6 | 21 | 37 | 78 | 89 | 91 | 146 | 162 => Status(OutForDelivery),
        17 | 40 | 144 | 161 => Status(AvailableForPickup),
        11 | 26 | 156 => Status(Delivered),
        // Returned, returned by the post office, returned damaged; then on the way back.
        34 | 67 | 81 | 35 | 36 => Status(ReturnedToSender),
        7 | 43 => Status(Cancelled),
        22 | 23 | 24 | 60 | 61 | 62 | 64 | 66 | 69 | 145 => Condition(DeliveryAttemptFailed),
        // Delays by name, weather, emergency, airport security.
        32 | 46 | 48 | 49 | 51 | 52 | 53 | 86 | 90 | 132 => Condition(Delayed),
        // Customs papers and releases, held, held for payment.
        58 | 83 | 85 | 123 | 124 | 125 | 126 => Condition(Held),
        50 => Condition(AddressIssue),
        // Damage reported; destroyed.
        59 | 149 => Condition(Damaged),
        68 => Condition(Lost),
        13 | 29 | 30 | 70 | 76 | 93 | 139 | 147 => Condition(Other),
        // A return is requested. Nothing has moved yet, so it is a condition and not a status.
        33 | 118 | 119 => Condition(Returning),
        // Requests, confirmations, claims and changes. 88 is a test.
        0
        | 18
        | 20
        | 27
        | 28
        | 41
        | 42
        | 54
        | 55
        | 56
        | 63
        | 65
        | 82
        | 88
        | 94..=117
        | 120..=122
        | 127..=131
        | 133
        | 135
        | 136
        | 140..=142
        | 148
        | 153..=155
        | 163 => Informational,
        _ => return None,
    })
}

/// Type `I`: a code that is not listed is a movement.
fn find_movement_status(code: &str) -> domain::ShipmentStatus {
    match code {
        // The shipper has made a label; UPS does not have the parcel yet.
        "OC" | "PL" | "SP" => LabelCreated,
        "OR" | "PU" | "PC" | "PT" | "XD" => PickedUp,
        "OT" | "OF" | "YF" | "YI" => OutForDelivery,
        "VP" => Cancelled,
        _ => InTransit,
    }
}

/// Type `D`: not all of its codes are a delivery to the customer.
fn find_delivery_meaning(code: &str, words: Option<&str>) -> Meaning {
    match code {
        // To the original sender.
        "B0" => Status(ReturnedToSender),
        // At a UPS Access Point or a similar place.
        "2Q" | "1N" | "EP" | "ZQ" => Status(AvailableForPickup),
        "53" | "50" | "BO" | "CI" | "BI" | "DI" => Condition(DeliveryAttemptFailed),
        // `FS` is in no published list, but UPS sends it. The other codes say where the parcel was left.
        "FS" | "F4" | "2W" | "YC" | "UC" | "OO" | "NL" | "NT" | "OZ" | "P5" | "ZF" | "ZG" | "ZH" | "ZI"
        | "3F" | "3G" | "3H" | "9E" => Status(Delivered),
        _ if matches!(code.as_bytes(), [b'M', b'1'..=b'9' | b'A'..=b'X']) => Status(Delivered),
        // Type `D` alone counts as delivered by agreement, unless the words contradict.
        "" if !words.is_some_and(denies_delivery) => Status(Delivered),
        _ if words.is_some_and(|words| words.contains("deliver") && !denies_delivery(words)) => {
            Status(Delivered)
        }
        _ => Unknown,
    }
}

/// Whether the words say that the parcel is still to be delivered, or that a delivery failed: "delivery attempted",
/// "out for delivery". A "not" alone does not say so: "delivered, signature not required".
fn denies_delivery(words: &str) -> bool {
    const DENIALS: [&str; 16] = [
        "attempt",
        "refus",
        "return",
        "out for",
        "vehicle",
        "unable",
        "undeliver",
        "will be",
        "to be",
        "not deliver",
        "not be deliver",
        "not been deliver",
        "not yet",
        "cannot",
        "could not",
        "delivery not",
    ];
    DENIALS.iter().any(|denial| words.contains(denial))
}

/// Type `X`: exceptions, and other events that UPS lists there.
fn find_exception_meaning(code: &str) -> Meaning {
    match code {
        // A return that is only announced ("will be returned to the sender") is a condition, which a later delivery
        // ends. It becomes a status, which cannot be undone, only where UPS says that the parcel was returned. Other
        // carriers have one code for both, listed as the return itself: FedEx `RS`, USPS `09`, AfterShip
        // `Exception_010`, and UPS's own description codes 35 and 36.
        "DL" | "KP" | "O0" | "O4" | "90" | "3N" | "6C" | "8H" | "H8" | "UF" | "CS" | "4R" | "7H" | "XU"
        | "RV" => Condition(Returning),
        "UA" | "TU" | "PP" | "4S" | "YJ" | "YK" => Status(ReturnedToSender),
        "48" | "49" | "51" | "52" | "55" | "C4" | "AY" | "FM" | "G3" | "G7" | "G8" | "GB" | "IQ" | "IR"
        | "KX" | "KZ" | "L1" | "YD" => Condition(DeliveryAttemptFailed),
        // Refused.
        "AM" | "AN" | "AP" | "AQ" | "AS" | "KI" | "KQ" | "KR" | "KS" | "KT" | "YE" => {
            Condition(DeliveryAttemptFailed)
        }
        "I5" | "ZP" | "UE" | "6B" => Status(AvailableForPickup),
        "F4" | "FT" | "KM" | "FN" => Status(Delivered),
        // A pickup by the customer is arranged or requested; and two notes.
        "39" | "54" | "S7" | "O5" | "O8" | "AU" | "5D" | "30" => Informational,
        _ => Condition(Other),
    }
}

#[cfg(test)]
mod tests;
