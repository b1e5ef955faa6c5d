//! Webhooks of DHL eCommerce Americas. A package carries its whole history, in the form of that service's tracking.
//!
//! Called by `dhl`, for each package. `find_meaning` expects the text of `normalize_capitals`, and is `Unknown` for a
//! text that is not listed. `parse_time` gives an instant only if `find_zone_offset_hours` knows the zone and the hour
//! is not ambiguous. `parcel` is the tracking number, for the identity of scans. `remap` is the merchant's code map,
//! which takes precedence.
//!
//! Neither its signature nor its fields are published where we could read them. Events are parsed as one consumer of
//! its tracking parses them. The place of the tracking number comes from what is known of the same answers. An event
//! without `primaryEventId` is identified by its description, which comes from a fixed list.

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Weekday};
use domain::{
    Carrier, CarrierTime,
    ConditionKind::{AddressIssue, DeliveryAttemptFailed},
    Meaning::{self, Condition, Status},
    ShipmentStatus::*,
};
use serde_json::Value;

use super::event_texts;
use crate::{
    codes::CodeMap,
    json::{list_at, plain_text_at, require_text, text_at, words_at},
    limits,
    numbers::{parse_other_numbers, parse_tracking_number},
    parcel::{Parcel, ParsedScan},
    place::join_place,
    scan_identity::{build_code_name, build_identity_code, compute_identity},
    sender::Sender,
    time,
    unreadable::Unreadable,
};

/// Pointers to the tracking number. The number that customers see comes first.
const NUMBERS: [&str; 4] = ["/package/trackingId", "/trackingId", "/package/dhlPackageId", "/dhlPackageId"];

/// Parses the parcel of a package. `None` if it has no scan.
pub(super) fn parse_parcel(package: &Value, remap: &CodeMap) -> Result<Option<Parcel>, Unreadable> {
    let number = require_text("`trackingId` or `dhlPackageId`", &NUMBERS.map(|pointer| (package, pointer)))?;
    let tracking_number = parse_tracking_number(Carrier::DHL, number)?;
    let read = |event: &Value| parse_scan(event, &tracking_number, remap);
    let scans = limits::collect_scans(list_at(package, "events"), read);
    if scans.is_empty() {
        return Ok(None);
    }
    let numbers = NUMBERS.iter().filter_map(|pointer| text_at(package, pointer));
    Ok(Some(Parcel {
        other_numbers: parse_other_numbers(Carrier::DHL, &tracking_number, numbers),
        tracking_number,
        package: None,
        scans,
        estimated_delivery: None,
        pushed_at: None,
    }))
}

/// Parses one of `events`. `None` if it has neither an id, a description nor a date.
fn parse_scan(event: &Value, parcel: &str, remap: &CodeMap) -> Option<ParsedScan> {
    let id = text_at(event, "/primaryEventId");
    let [words, more] =
        ["/primaryEventDescription", "/secondaryEventDescription"].map(|pointer| words_at(event, pointer));
    let time = ["/date", "/time", "/timeZone"].map(|pointer| text_at(event, pointer).unwrap_or_default());
    let [date, clock, zone] = time.each_ref().map(String::as_str);
    if id.is_none() && words.is_none() && date.is_empty() {
        return None;
    }
    let listed = words.as_deref().map(normalize_capitals);
    let code = id.or_else(|| listed.clone()).unwrap_or_default();
    let display_code = build_code_name(&[&code]);
    let configured = remap.get(Sender::Dhl, &display_code);
    let read = find_meaning(listed.as_deref().unwrap_or_default());
    Some(ParsedScan {
        identity: compute_identity(
            Carrier::DHL,
            parcel,
            &code,
            &build_identity_code("", find_meaning(&code), read),
            &[date, clock, zone],
        ),
        meaning: configured.or_else(|| remap.get(Sender::Dhl, listed.as_deref()?)).unwrap_or(read),
        code: display_code,
        description: match (words, more) {
            (Some(words), Some(more)) if words != more => Some(format!("{words}: {more}")),
            (words, more) => words.or(more),
        },
        // The field `location` holds town and state, and usually the country too.
        location: join_place([plain_text_at(event, "/location"), None, plain_text_at(event, "/country")]),
        time: parse_time(date, clock, zone),
    })
}

/// The description in the spelling of the list: capitals, one blank between words.
fn normalize_capitals(words: &str) -> String {
    words.split_whitespace().collect::<Vec<_>>().join(" ").to_uppercase()
}

/// The meaning of a description: of this service's list, else of the list of Express, whose texts it also sends.
fn find_meaning(words: &str) -> Meaning {
    match words {
        "LABEL CREATED"
        | "EN ROUTE TO DHL ECOMMERCE DISTRIBUTION CENTER"
        | "EN ROUTE TO DHL ECOMMERCE"
        | "SHIPMENT INFORMATION RECEIVED"
        | "ELECTRONIC NOTIFICATION RECEIVED"
        | "SHIPPING LABEL CREATED" => Status(LabelCreated),
        "PACKAGE RECEIVED AT DHL ECOMMERCE DISTRIBUTION CENTER" => Status(PickedUp),
        "PROCESSED"
        | "DEPARTURE ORIGIN DHL ECOMMERCE FACILITY"
        | "ARRIVAL DESTINATION DHL ECOMMERCE FACILITY"
        | "TENDERED TO DELIVERY SERVICE PROVIDER"
        | "ARRIVED USPS SORT FACILITY"
        | "PROCESSED THROUGH SORT FACILITY"
        | "PROCESSED THROUGH USPS SORT FACILITY"
        | "ARRIVAL AT POST OFFICE" => Status(InTransit),
        "OUT FOR DELIVERY" | "OUT FOR SECOND DELIVERY ATTEMPT" => Status(OutForDelivery),
        "DELIVERED" | "SECOND DELIVERY ATTEMPT SUCCESSFUL" => Status(Delivered),
        "AVAILABLE FOR PICKUP" | "AVAILABLE AT POST OFFICE" | "ARRIVAL AT PICK-UP-POINT" => {
            Status(AvailableForPickup)
        }
        "NOTICE LEFT" | "ATTEMPTED DELIVERY" | "BUSINESS CLOSED" | "NO ACCESS" | "REFUSED" => {
            Condition(DeliveryAttemptFailed)
        }
        "UNDELIVERABLE AS ADDRESSED" | "NO SUCH NUMBER" | "INSUFFICIENT ADDRESS" | "ADDRESSEE UNKNOWN" => {
            Condition(AddressIssue)
        }
        "RETURN TO SENDER" | "RETURNED TO SENDER" | "RETURN TO SENDER PROCESSED" => Status(ReturnedToSender),
        _ => event_texts::find_meaning(words).meaning,
    }
}

/// A local time in a zone given by letters, as an instant. A zone that is not listed, or an hour that the change of
/// clocks makes ambiguous, gives a local time; an unreadable date or clock is untrusted.
fn parse_time(date: &str, clock: &str, zone: &str) -> CarrierTime {
    let local = || {
        let date: NaiveDate = NaiveDate::parse_from_str(date, "%Y-%m-%d").ok()?;
        let clock = NaiveTime::parse_from_str(clock, "%H:%M:%S")
            .or_else(|_| NaiveTime::parse_from_str(clock, "%H:%M"))
            .ok()?;
        Some(date.and_time(clock)).filter(|local| time::keep_plausible(local.and_utc()).is_some())
    };
    let Some(local) = local() else { return CarrierTime::Untrusted };
    let at = find_zone_offset_hours(zone, local)
        .and_then(|hours| local.checked_sub_signed(TimeDelta::hours(hours)));
    at.map_or(CarrierTime::Local(local), |at| CarrierTime::Instant(at.and_utc()))
}

/// The offset of the zone in hours; negative is behind UTC. `None` if the zone is not listed or the hour is
/// ambiguous.
fn find_zone_offset_hours(zone: &str, local: NaiveDateTime) -> Option<i64> {
    let changing = |winter: i64| is_summer_time(local).map(|summer| winter + i64::from(summer));
    match zone.to_ascii_uppercase().as_str() {
        "UTC" | "GMT" => Some(0),
        "AST" | "EDT" => Some(-4),
        "EST" | "CDT" => Some(-5),
        "CST" | "MDT" => Some(-6),
        "MST" | "PDT" => Some(-7),
        "PST" | "AKDT" => Some(-8),
        "AKST" => Some(-9),
        "HST" => Some(-10),
        "ET" => changing(-5),
        "CT" => changing(-6),
        "MT" => changing(-7),
        "PT" => changing(-8),
        _ => None,
    }
}

/// Whether daylight saving time applies in the United States, by the rule in force since 2007: from 2:00 on the
/// second Sunday of March to 2:00 on the first Sunday of November. `None` for the skipped hour, for the hour that
/// occurs twice, and before 2007.
fn is_summer_time(local: NaiveDateTime) -> Option<bool> {
    let change = |month, week, hour| {
        NaiveDate::from_weekday_of_month_opt(local.year(), month, Weekday::Sun, week)?.and_hms_opt(hour, 0, 0)
    };
    let (begins, ends) = (change(3, 2, 2)?, change(11, 1, 1)?);
    let hour = TimeDelta::hours(1);
    if local.year() < 2007 || (begins..begins + hour).contains(&local) || (ends..ends + hour).contains(&local)
    {
        None
    } else {
        Some((begins..ends).contains(&local))
    }
}

#[cfg(test)]
mod tests {
    use domain::{ConditionKind::Held, Meaning::Unknown};

    use super::*;

    fn read(date: &str, clock: &str, zone: &str) -> Option<String> {
        match parse_time(date, clock, zone) {
            CarrierTime::Instant(at) => Some(at.format("%d %H:%M").to_string()),
            CarrierTime::Local(_) | CarrierTime::Untrusted => None,
        }
    }

    #[test]
    fn a_zone_of_two_letters_follows_the_summer() {
        for (date, clock, zone, at) in [
            ("2026-01-15", "08:10:00", "ET", "15 13:10"),
            ("2026-07-15", "08:10", "ET", "15 12:10"),
            ("2026-07-15", "08:10:00", "EST", "15 13:10"),
            ("2026-01-15", "08:10:00", "ct", "15 14:10"),
            ("2026-07-15", "08:10:00", "MT", "15 14:10"),
            ("2026-07-15", "20:10:00", "PT", "16 03:10"),
            ("2026-03-08", "01:59:59", "ET", "08 06:59"),
            ("2026-03-08", "03:00:00", "ET", "08 07:00"),
            ("2026-11-01", "00:59:59", "ET", "01 04:59"),
            ("2026-11-01", "02:00:00", "ET", "01 07:00"),
            ("2026-01-15", "08:10:00", "GMT", "15 08:10"),
            ("2026-01-15", "08:10:00", "HST", "15 18:10"),
        ] {
            assert_eq!(read(date, clock, zone).as_deref(), Some(at), "{date} {clock} {zone}");
        }
    }

    #[test]
    fn what_is_not_surely_a_time_is_not_trusted() {
        for (date, clock, zone) in [
            ("2026-01-15", "08:10:00", ""),
            ("2026-01-15", "08:10:00", "IST"),
            ("2026-01-15", "", "ET"),
            ("", "08:10:00", "ET"),
            ("2026-03-08", "02:30:00", "ET"),
            ("2026-11-01", "01:30:00", "ET"),
            ("+262142-12-31", "23:59:59", "EST"),
            ("-262143-01-01", "00:00:00", "GMT"),
            ("0001-01-01", "00:00:00", "EST"),
        ] {
            assert_eq!(read(date, clock, zone), None, "{date} {clock} {zone}");
        }
    }

    #[test]
    fn every_listed_wording_has_its_meaning() {
        let table = [
            (Status(PickedUp), "Package received at DHL  eCommerce Distribution Center"),
            (Status(InTransit), "PROCESSED"),
            (Status(InTransit), "Departure Origin DHL eCommerce Facility"),
            (Status(InTransit), "Arrival Destination DHL eCommerce Facility"),
            (Status(InTransit), "TENDERED TO DELIVERY SERVICE PROVIDER"),
            (Status(InTransit), "ARRIVED USPS SORT FACILITY"),
            (Status(InTransit), "PROCESSED THROUGH SORT FACILITY"),
            (Status(InTransit), "PROCESSED THROUGH USPS SORT FACILITY"),
            (Status(InTransit), "ARRIVAL AT POST OFFICE"),
            (Status(OutForDelivery), "Out for delivery"),
            (Status(OutForDelivery), "OUT FOR SECOND DELIVERY ATTEMPT"),
            (Status(Delivered), " delivered "),
            (Status(Delivered), "SECOND DELIVERY ATTEMPT SUCCESSFUL"),
            (Status(LabelCreated), "En route to DHL eCommerce Distribution Center"),
            (Status(AvailableForPickup), "Available for pickup"),
            (Condition(DeliveryAttemptFailed), "Notice left"),
            (Condition(DeliveryAttemptFailed), "Delivery attempt unsuccessful"),
            (Condition(AddressIssue), "Undeliverable as addressed"),
            (Condition(Held), "Shipment on hold"),
            (Status(ReturnedToSender), "Return to sender"),
            (Unknown, "DELIVERED TO AGENT"),
            (Unknown, "NOT DELIVERED"),
            (Unknown, ""),
        ];
        for (expected, words) in table {
            assert_eq!(find_meaning(&normalize_capitals(words)), expected, "{words}");
        }
    }
}
