//! USPS Subscriptions-Tracking, version 3: an envelope around a text that is JSON itself.
//!
//! Nobody has published a push that USPS really sent. The envelope is what two descriptions agree on. Two others
//! describe the text without its envelope, with one event in it or a list of them: uncertain, and read as well. What
//! has none of these forms is reported, kept and shown.

mod codes;
mod compose;
mod proof;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use domain::{Carrier, CarrierTime, Meaning};
use serde_json::Value;

use crate::{
    CodeMap, Compose, Parcel, ParsedScan, Protocol, Push, Refused, Request, Secrets, Sender, Unreadable,
    json::{list, object, text},
    parcel::{NO_CODE, identity, place, tracking_number},
    time,
};

/// The lists of events: of the tracking answer, and of the push without envelope.
const LISTS: [&str; 2] = ["trackingEvents", "events"];
/// What says how far the parcel is where there is no list.
const STATUSES: [&str; 4] = ["eventCode", "eventType", "statusCategory", "status"];

/// The sender.
pub(crate) struct Usps;

impl Protocol for Usps {
    fn name(&self) -> &'static str {
        "usps"
    }

    fn carrier(&self) -> Option<Carrier> {
        Some(Carrier::Usps)
    }

    fn verify(&self, secrets: &Secrets, request: &Request<'_>) -> Result<(), Refused> {
        proof::verify(secrets, request)
    }

    fn parse(&self, body: &[u8], remap: &CodeMap) -> Result<Push, Unreadable> {
        let body = object(body)?;
        if challenge(&body).is_some() {
            // Nothing else may be read in it: its signature need not cover anything else.
            return Ok(Push::Remark("USPS asks whether somebody listens here".into()));
        }
        parcels(&body, remap).map(Push::Parcels)
    }

    fn challenge(&self, body: &[u8]) -> Option<String> {
        challenge(&object(body).ok()?)
    }

    fn sign(&self, secrets: &Secrets, body: &[u8], at: DateTime<Utc>) -> Vec<(String, String)> {
        proof::sign(secrets, body, at)
    }

    fn compose(&self, history: &Compose<'_>) -> Vec<Vec<u8>> {
        compose::compose(history).into_iter().collect()
    }
}

/// What USPS wants to read in our answer when a subscription begins. Uncertain: one description has it, the
/// other says that USPS is content with a 200.
fn challenge(body: &Value) -> Option<String> {
    match body.get("challenge") {
        Some(Value::String(exact)) if !exact.trim().is_empty() => Some(exact.clone()),
        Some(_) | None => text(body, "/challenge"),
    }
}

/// What the body claims. Of an envelope only the signed parts are read, which are `payload` and `timestamp`.
fn parcels(body: &Value, remap: &CodeMap) -> Result<Vec<Parcel>, Unreadable> {
    let payload = match body.get("payload") {
        None | Some(Value::Null) => return told(body, None, remap),
        Some(payload) => payload,
    };
    let said_at = match time::scanned(&text(body, "/timestamp").unwrap_or_default()) {
        CarrierTime::Instant(at) => Some(at),
        CarrierTime::Untrusted => None,
    };
    let claims = match payload {
        Value::String(json) => object(json.as_bytes()).and_then(|inner| told(&inner, said_at, remap)),
        // Somebody on the way has unpacked it.
        unpacked => told(unpacked, said_at, remap),
    };
    claims.map_err(|Unreadable(reason)| Unreadable(format!("in `payload`: {reason}")))
}

/// The parcels of one tracking answer, or of one push without envelope.
fn told(answer: &Value, said_at: Option<DateTime<Utc>>, remap: &CodeMap) -> Result<Vec<Parcel>, Unreadable> {
    let mut events: Vec<&Value> = LISTS.iter().flat_map(|key| list(answer, key)).collect();
    let has_status = STATUSES.iter().any(|key| answer.get(key).is_some());
    if events.is_empty() && has_status {
        events.push(answer);
    } else if LISTS.iter().all(|key| answer.get(key).is_none()) {
        return Err(Unreadable("none of `payload`, `trackingEvents`, `events`, `eventType` is there".into()));
    }

    // An event that cannot be read does not hold up its neighbours; a push of nothing else is reported.
    let (mut parcels, mut unreadable) = (Vec::<Parcel>::new(), None);
    let single = events.len() == 1;
    for event in events {
        let of_event = |key: &str| text(event, key).or_else(|| text(answer, key));
        let number = match tracking_number(Carrier::Usps, of_event("/trackingNumber")) {
            Ok(number) => number,
            Err(reason) => {
                unreadable.get_or_insert(reason);
                continue;
            }
        };
        let package = of_event("/uniqueMailPieceID");
        let roll_up = if single { category(answer) } else { None };
        let Some(scan) = scan(event, package.as_deref().unwrap_or(&number), roll_up.as_deref(), remap) else {
            continue;
        };
        match parcels.iter_mut().find(|parcel| parcel.tracking_number == number && parcel.package == package)
        {
            Some(parcel) => parcel.scans.push(scan),
            None => parcels.push(Parcel {
                carrier: Carrier::Usps,
                tracking_number: number,
                package,
                scans: vec![scan],
                estimated_delivery: estimated_delivery(event).or_else(|| estimated_delivery(answer)),
                said_at,
            }),
        }
    }
    match unreadable {
        Some(unreadable) if parcels.is_empty() => Err(unreadable),
        Some(_) | None => Ok(parcels),
    }
}

/// One event; `None` where it says neither what nor when. `roll_up` is what the push says of the parcel, where
/// that can only mean this event.
fn scan(event: &Value, parcel: &str, roll_up: Option<&str>, remap: &CodeMap) -> Option<ParsedScan> {
    let (code, kind, (time, sent)) = (code(event), text(event, "/eventType"), clock(event));
    let says = kind.clone().or_else(|| category(event));
    if code.is_none() && says.is_none() && sent.iter().all(String::is_empty) {
        return None;
    }
    // Without a code the type stands for it, without what it adds: `Delivered, Front Door`.
    let head = says.as_deref().map(|says| says.split(',').next().unwrap_or_default().trim());
    let shown = code.clone().or(head.map(str::to_owned)).filter(|shown| !shown.is_empty());
    let shown = shown.unwrap_or_else(|| NO_CODE.to_owned());
    // The two spellings of a type, `Out for Delivery` and `OUT_FOR_DELIVERY`, are one.
    let key = code.clone().unwrap_or_else(|| codes::plain(&shown));
    let by_words = || {
        let phrases = [says.as_deref(), roll_up].into_iter().flatten();
        phrases.map(codes::phrase).find(|meaning| *meaning != Meaning::Unknown)
    };
    Some(ParsedScan {
        identity: identity(Carrier::Usps, parcel, &key, "", &sent.each_ref().map(String::as_str)),
        meaning: remap.get(Sender::Usps, &shown).unwrap_or_else(|| match &code {
            Some(code) => codes::meaning(code),
            None => by_words().unwrap_or(Meaning::Unknown),
        }),
        code: shown,
        description: text(event, "/eventDescription").or(says),
        location: location(event),
        time,
    })
}

/// The code, in capitals. As a number it has lost its leading zero.
fn code(event: &Value) -> Option<String> {
    text(event, "/eventCode").map(|sent| match sent.as_bytes() {
        [b'0'..=b'9'] => format!("0{sent}"),
        _ => sent.to_ascii_uppercase(),
    })
}

/// How far the parcel is, in the words of the roll-up.
fn category(value: &Value) -> Option<String> {
    text(value, "/statusCategory").or_else(|| text(value, "/status"))
}

/// When it happened, and the texts that this was read from: those tell events apart, so that two of one identity
/// are of one time. `eventTimestamp` is the clock of the place, cut to the minute; without its offset it is not
/// trusted, and neither is one that has a zone of its own beside the offset.
fn clock(event: &Value) -> (CarrierTime, [String; 2]) {
    let part = |names: [&str; 2]| names.into_iter().find_map(|name| text(event, name)).unwrap_or_default();
    let gmt = part(["/GMTTimestamp", "/GMTTimeStamp"]);
    match time::scanned(&gmt) {
        CarrierTime::Instant(at) => (CarrierTime::Instant(at), [gmt, String::new()]),
        CarrierTime::Untrusted => {
            let (local, offset) = (part(["/eventTimestamp", "/eventTimeStamp"]), part(["/GMTOffset"; 2]));
            (time::scanned(&format!("{local}{offset}")), [local, offset])
        }
    }
}

/// Names of the events of a tracking answer, else of the push without envelope. The country is absent at home.
fn location(event: &Value) -> Option<String> {
    let read = |names: [&str; 3]| place(names.map(|name| text(event, name)));
    read(["/eventCity", "/eventState", "/eventCountry"])
        .or_else(|| read(["/eventLocation/city", "/eventLocation/state", "/eventLocation/country"]))
}

/// `expectedDeliveryTime` has no zone and adds nothing that could be trusted to the date.
fn estimated_delivery(value: &Value) -> Option<DateTime<Utc>> {
    ["/expectedDeliveryTimeStamp", "/expectedDeliveryTimestamp", "/expectedDeliveryDate"]
        .into_iter()
        .find_map(|field| time::expected(&text(value, field)?))
}
