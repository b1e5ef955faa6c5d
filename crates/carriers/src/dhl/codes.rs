//! The meanings of DHL's codes. All functions are pure.
//!
//! - `dhl::unified` calls `find_meaning`. The first match counts: an event code of Express, an event code of Parcel DE,
//!   an event name, the status code (`find_unified_meaning`). `Unknown` if none is listed.
//! - `dhl::find_code_meaning` calls `find_meaning_of_event` for aggregators, with a code in capitals. `None` if it is
//!   not listed.
//!
//! A status code alone does not tell a failed attempt from a return, so the words beside it are read too. Status
//! changes cannot be undone, so words count only where they are unambiguous. `words` are in small letters.

use domain::{
    ConditionKind::*,
    Meaning::{self, Condition, Informational, ReturnCancelled, Status, Unknown},
    ShipmentStatus::*,
};

use super::{event_names, event_texts, parcel_de};

/// The codes of one event, in any letter case; empty if absent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Code<'a> {
    /// The status code of all services: `pre-transit`, `transit`, `delivered`, `failure`, `unknown`.
    pub(super) status: &'a str,
    /// The event code or the event name of the service: `WC`, `HLDCC_LDPCK_LA`, `OUT_FOR_DELIVERY`.
    pub(super) event: &'a str,
    /// Whether the service is Express or not known.
    pub(super) express: bool,
}

/// The meaning of an event with these codes and these texts: what stands in `status`, and the description.
pub(super) fn find_meaning(code: Code<'_>, texts: [&str; 2]) -> Meaning {
    let event = code.event.to_ascii_uppercase();
    let of_service = match code.express {
        true => find_express_meaning(&event),
        false => parcel_de::find_meaning_of_group(&event),
    };
    of_service
        .or_else(|| parcel_de::find_meaning(&event))
        .or_else(|| {
            event_names::find_meaning(&event).map(|meaning| mark_arrival_at_sender(code.status, meaning))
        })
        .unwrap_or_else(|| find_unified_meaning(code.status, texts))
}

/// A parcel that goes back, and is delivered by the status code, has arrived at its sender.
fn mark_arrival_at_sender(status_code: &str, meaning: Meaning) -> Meaning {
    let goes_back = matches!(meaning, Status(ReturnedToSender) | Condition(Returning));
    if goes_back && status_code.eq_ignore_ascii_case("delivered") { Condition(Returned) } else { meaning }
}

/// The meaning of a code alone, whatever the service. `None` if it is not listed.
pub(super) fn find_meaning_of_event(event: &str) -> Option<Meaning> {
    let listed = find_express_meaning(event).or_else(|| parcel_de::find_meaning(event));
    listed.or_else(|| event_names::find_meaning(event))
}

/// Checkpoints of DHL Express.
fn find_express_meaning(event: &str) -> Option<Meaning> {
    Some(match event {
        "PU" => Status(PickedUp),
        // Processed, departing, departed, arrived at a facility, arrived at the delivery facility.
        "PL" | "PO" | "DF" | "AF" | "AR" => Status(InTransit),
        "WC" => Status(OutForDelivery),
        "OK" => Status(Delivered),
        // Sent without words.
        "RW" => Informational,
        // From here on unconfirmed: general knowledge of DHL's checkpoints. We know no document that confirms it.
        // In transit, transferred, cleared, being cleared, customs status.
        "IT" | "TR" | "CR" | "IC" | "RR" => Status(InTransit),
        // Awaiting collection by the customer.
        "CC" => Status(AvailableForPickup),
        "RT" => Status(ReturnedToSender),
        // Not home, consignee absent, refused.
        "NH" | "CA" | "RD" => Condition(DeliveryAttemptFailed),
        // Hold for payment, on hold.
        "HP" | "OH" => Condition(Held),
        // Clearance delay, uncontrollable clearance delay, transport delay, missed delivery.
        "CD" | "UD" | "TD" | "MD" => Condition(Delayed),
        // Bad address, customer moved.
        "BA" | "CM" => Condition(AddressIssue),
        // Incident, misrouted, stopped, intercepted.
        "IR" | "MS" | "SS" | "ST" => Condition(Other),
        // Destroyed.
        "DS" => Condition(Damaged),
        _ => return None,
    })
}

/// The five status codes of all services.
fn find_unified_meaning(status: &str, texts: [&str; 2]) -> Meaning {
    let words = texts.join(". ").replace('_', " ").to_lowercase();
    let has = |word: &str| words.contains(word);
    // The words must name the sender, because a parcel may also be returned to a depot.
    let to_sender = has("return") && ["sender", "shipper", "consignor"].into_iter().any(has);
    let attempted = ["attempt", "not home", "nobody home", "refused"].into_iter().any(has);
    let listed = texts.iter().map(|text| event_texts::find_meaning(text).meaning);
    let listed = listed.into_iter().find(|meaning| *meaning != Unknown);
    match status.to_ascii_lowercase().as_str() {
        "pre-transit" => Status(LabelCreated),
        "transit" if says_already(&words, &OUT_FOR_DELIVERY) => Status(OutForDelivery),
        "transit" if says_already(&words, &READY_FOR_PICKUP) => Status(AvailableForPickup),
        "transit" => listed.filter(may_replace_transit).unwrap_or(Status(InTransit)),
        // Delivered, but not to the customer.
        "delivered" if to_sender => Condition(Returned),
        "delivered" if says_already(&words, &READY_FOR_PICKUP) => Status(AvailableForPickup),
        "delivered" => Status(Delivered),
        "failure" if to_sender => Status(ReturnedToSender),
        "failure" if attempted => Condition(DeliveryAttemptFailed),
        "failure" if has("return") => Status(ReturnedToSender),
        "failure" => listed.filter(is_trouble).unwrap_or(Condition(Other)),
        // Listed, but without information.
        "unknown" => Informational,
        _ => Unknown,
    }
}

/// Whether a listed text may say more than the status code `transit`. A delivery may not: it has a status code of its
/// own. Neither may a label, nor a text about papers.
fn may_replace_transit(meaning: &Meaning) -> bool {
    match meaning {
        Condition(_) => true,
        Status(PickedUp | InTransit | ReturnedToSender | OutForDelivery | AvailableForPickup) => true,
        Status(LabelCreated | Delivered | Cancelled) | ReturnCancelled | Informational | Unknown => false,
    }
}

fn is_trouble(meaning: &Meaning) -> bool {
    match meaning {
        Condition(_) => true,
        Status(_) | ReturnCancelled | Informational | Unknown => false,
    }
}

/// Phrases for a parcel that is with the courier.
const OUT_FOR_DELIVERY: [&str; 6] = [
    "out for delivery",
    "out with courier for delivery",
    "with delivery courier",
    "loaded onto the delivery vehicle",
    "in zustellung",
    // A parcel that is not yet loaded has `wird` instead of `wurde`.
    "wurde in das zustellfahrzeug geladen",
];

/// Phrases for a parcel that waits for the customer at a pickup point.
const READY_FOR_PICKUP: [&str; 7] = [
    "ready for collection",
    "ready for pickup",
    "ready for pick-up",
    "available for collection",
    "available for pickup",
    "zur abholung bereit",
    "liegt zur abholung",
];

/// Whether the words say one of the phrases of the present, and do not deny or postpone it.
fn says_already(words: &str, phrases: &[&str]) -> bool {
    // Words that negate or postpone the words after them in their sentence.
    const NOT_YET: [&str; 14] = [
        "not", "cannot", "never", "no", "be", "being", "soon", "missed", "nicht", "nie", "wird", "sobald",
        "once", "when",
    ];
    phrases.iter().filter_map(|phrase| words.find(phrase)).any(|start| {
        let before = words[..start].rsplit(['.', ',', ';', '!']).next().unwrap_or_default();
        let mut before = before.split(|c: char| !c.is_alphanumeric());
        // `t` is the rest of "isn't" after the split.
        !before.any(|word| word == "t" || NOT_YET.contains(&word))
    })
}

#[cfg(test)]
mod tests;
