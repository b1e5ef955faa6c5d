//! The meanings of UPS's codes. All functions are pure. `Unknown` means that Milepost has no meaning for the code.
//!
//! - `ups::parse_scan` calls `find_meaning`. The first that decides counts: the type (for `M`, `MV`, `U`), the
//!   description code unless it is generic, the pair of type and code, the type alone.
//! - `carrier_code` calls `find_untyped_meaning` for an aggregator. Most codes mean nothing without their type: `OT` is
//!   "out for delivery" as a movement and "customs contact" as an exception.
//! - `Ups::check_code` calls `begins_with_type` for the setting `MILEPOST_CARRIER_CODES`.
//! - The functions that return an `Option` are steps of `find_meaning`. `None` means that the code is not listed.
//!   `find_movement_meaning` lists only movements that are not simply in transit.
//!
//! The lists are UPS's Track Alert specification and its appendix of tracking codes.

use domain::{
    ConditionKind::*,
    Meaning::{self, Condition, Informational, Status, Unknown},
    ShipmentStatus::*,
};

use super::lists;

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
        let described = code.description_code.parse().ok().and_then(find_meaning_of_description_code);
        let pair =
            if GENERIC.contains(&code.description_code) { find_meaning_of_type_and_code(code) } else { None };
        if let Some(meaning) = pair.or(described) {
            return meaning;
        }
        if code.kind == "D" {
            return Unknown;
        }
    }
    match code.kind {
        "I" => find_movement_meaning(code.code).unwrap_or(Status(InTransit)),
        "D" => find_delivery_meaning_with_words(code.code, words.map(str::to_ascii_lowercase).as_deref()),
        "X" => lists::find_exception_meaning(code.code).unwrap_or(Condition(Other)),
        // Letters of UPS's older interfaces: out for delivery, pickup, returned to shipper.
        "O" => Status(OutForDelivery),
        "P" => Status(PickedUp),
        "RS" => Status(ReturnedToSender),
        _ => Unknown,
    }
}

/// Description codes that say only that something happened: status not available; an exception, perhaps with action
/// required, of the post office or of a partner; information unavailable. A listed type and code say more.
const GENERIC: [&str; 7] = ["000", "013", "029", "030", "076", "148", "163"];

/// The meaning of type and code, if they are listed.
fn find_meaning_of_type_and_code(code: Code<'_>) -> Option<Meaning> {
    match code.kind {
        "I" => find_movement_meaning(code.code),
        "D" => lists::find_delivery_meaning(code.code),
        "X" => lists::find_exception_meaning(code.code),
        _ => None,
    }
}

/// The meaning of a code whose type is not sent, which is how aggregators pass UPS's codes on. `Unknown` if the code
/// has another meaning in another type.
pub(crate) fn find_untyped_meaning(code: &str) -> Meaning {
    match code {
        "M" | "MP" | "OC" | "PL" => Status(LabelCreated),
        "OR" => Status(PickedUp),
        "AR" | "HU" => Status(InTransit),
        "OF" => Status(OutForDelivery),
        "2Q" | "1N" => Status(AvailableForPickup),
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
        // Returned, returned by the post office, returned damaged.
        34 | 67 | 81 => Condition(Returned),
        // On the way back.
        35 | 36 => Status(ReturnedToSender),
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

/// Type `I`: any other code is a movement.
fn find_movement_meaning(code: &str) -> Option<Meaning> {
    Some(Status(match code {
        // The shipper has made a label; UPS does not have the parcel yet.
        "OC" | "PL" | "SP" => LabelCreated,
        "OR" | "PU" | "PC" | "PT" | "XD" => PickedUp,
        "OT" | "OF" | "YF" | "YI" => OutForDelivery,
        "VP" => Cancelled,
        _ => return None,
    }))
}

/// Type `D`: a code that is not listed is judged by the words.
fn find_delivery_meaning_with_words(code: &str, words: Option<&str>) -> Meaning {
    match lists::find_delivery_meaning(code) {
        Some(listed) => listed,
        // Type `D` alone counts as delivered by agreement, unless the words contradict.
        None if code.is_empty() && !words.is_some_and(denies_delivery) => Status(Delivered),
        None if words.is_some_and(|words| words.contains("deliver") && !denies_delivery(words)) => {
            Status(Delivered)
        }
        None => Unknown,
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

#[cfg(test)]
mod tests;
