//! The meanings of DHL's codes.
//!
//! The first match counts: an event code of Express, an event code of Parcel DE, the status code. A status code alone
//! does not tell a failed attempt from a return, so the words beside it are read too. Status changes cannot be
//! undone, so words count only where they are unambiguous.

use domain::{
    ConditionKind::*,
    Meaning::{self, Condition, Informational, Status, Unknown},
    ShipmentStatus::*,
};

/// The codes of one event, in any letter case; empty if absent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Code<'a> {
    /// The status code of all services: `pre-transit`, `transit`, `delivered`, `failure`, `unknown`.
    pub(super) status: &'a str,
    /// The event code of the service: `WC`, `dlvrd`.
    pub(super) event: &'a str,
    /// Whether the service is Express or not known.
    pub(super) express: bool,
}

/// The meaning of an event with these codes and these words.
pub(super) fn find_meaning(code: Code<'_>, words: &str) -> Meaning {
    let event = code.event.to_ascii_uppercase();
    let express = if code.express { find_express_meaning(&event) } else { None };
    express
        .or_else(|| find_parcel_de_meaning(&event))
        .unwrap_or_else(|| find_unified_meaning(code.status, words))
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

/// Event codes of DHL Parcel DE, from the only integration that is known to read them.
fn find_parcel_de_meaning(event: &str) -> Option<Meaning> {
    Some(match event {
        "PCKDU" => Status(PickedUp),
        // Sorted, unloaded, loaded. The words for `SHRCU` are not known, only that it is a movement.
        "SRTED" | "ULFMV" | "LDTMV" | "SHRCU" => Status(InTransit),
        "DLVRD" => Status(Delivered),
        "NDELV" => Condition(DeliveryAttemptFailed),
        _ => return None,
    })
}

/// The five status codes of all services.
fn find_unified_meaning(status: &str, words: &str) -> Meaning {
    let words = words.to_lowercase();
    let has = |word: &str| words.contains(word);
    // The words must name the sender, because a parcel may also be returned to a depot.
    let to_sender = has("return") && ["sender", "shipper", "consignor"].into_iter().any(has);
    let attempted = has("attempt") || has("not home");
    match status.to_ascii_lowercase().as_str() {
        "pre-transit" => Status(LabelCreated),
        "transit" if says_out_for_delivery(&words) => Status(OutForDelivery),
        "transit" => Status(InTransit),
        // Delivered, but not to the customer.
        "delivered" if to_sender => Status(ReturnedToSender),
        "delivered" => Status(Delivered),
        "failure" if to_sender => Status(ReturnedToSender),
        "failure" if attempted => Condition(DeliveryAttemptFailed),
        "failure" if has("return") => Status(ReturnedToSender),
        "failure" => Condition(Other),
        // Listed, but without information.
        "unknown" => Informational,
        _ => Unknown,
    }
}

/// Whether the words say that the parcel is with the courier, and not only that it will be.
fn says_out_for_delivery(words: &str) -> bool {
    const PHRASES: [&str; 6] = [
        "out for delivery",
        "out with courier for delivery",
        "with delivery courier",
        "loaded onto the delivery vehicle",
        "in zustellung",
        // A parcel that is not yet loaded has `wird` instead of `wurde`.
        "wurde in das zustellfahrzeug geladen",
    ];
    // Words that negate or postpone the words after them in their sentence.
    const NOT_YET: [&str; 11] =
        ["not", "cannot", "never", "no", "be", "being", "soon", "missed", "nicht", "nie", "wird"];
    PHRASES.into_iter().filter_map(|phrase| words.find(phrase)).any(|start| {
        let before = words[..start].rsplit(['.', ',', ';', '!']).next().unwrap_or_default();
        let mut before = before.split(|c: char| !c.is_alphanumeric());
        // `t` is the rest of "isn't" after the split.
        !before.any(|word| word == "t" || NOT_YET.contains(&word))
    })
}

#[cfg(test)]
mod tests;
