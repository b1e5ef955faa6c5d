//! Whatever the order of arrival, the same scans give the same state: through `POST /webhooks/…`, in every
//! sender's own format.
//!
//! `permutations` tries every order of six scans, `histories` any that chance comes up with.

mod histories;
mod permutations;

use std::collections::BTreeMap;

use carriers::{Sender, SimulatedHistory, SimulatedScan};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{Carrier, Line, Meaning, NewShipment, OrderId, OrderStatus, ShipmentId, ShipmentStatus};
use persistence::mailbox;
use tests::shop::{Shop, support};
use uuid::Uuid;

/// The bodies in which a sender tells these scans. FedEx tells of a pick-up by its usual code, whose time is not to be
/// trusted.
fn bodies(
    sender: Sender,
    number: &str,
    scans: &[SimulatedScan<'_>],
    expected: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Vec<Vec<u8>> {
    let history = SimulatedHistory {
        carrier: carrier_of(sender),
        tracking_number: number,
        scans,
        estimated_delivery: expected.map(|at| at.fixed_offset()),
        sent_at: now,
    };
    let bodies = sender.simulate(&history);
    assert!(!bodies.is_empty(), "{sender} has no words for {scans:?}");
    let with_usual_code = |body: Vec<u8>| match sender {
        Sender::Fedex => text(body).replace(r#""OF""#, r#""PU""#).into_bytes(),
        _ => body,
    };
    bodies.into_iter().map(with_usual_code).collect()
}

fn text(body: Vec<u8>) -> String {
    String::from_utf8(body).expect("JSON")
}

/// Whether a sender tells several scans in one body.
fn tells_histories(sender: Sender) -> bool {
    let at = DateTime::UNIX_EPOCH.fixed_offset();
    let told = SimulatedScan { meaning: Meaning::Status(ShipmentStatus::InTransit), at, location: None };
    let later = SimulatedScan { at: at + TimeDelta::hours(1), ..told };
    bodies(sender, "1", &[told, later], None, at.to_utc()).len() == 1
}

fn carrier_of(sender: Sender) -> Carrier {
    sender.carrier().unwrap_or(Carrier::Dhl)
}

/// Support registers a shipment.
pub(super) async fn register(
    shop: &Shop,
    order: OrderId,
    carrier: Carrier,
    number: &str,
    lines: Option<Vec<Line>>,
) {
    let new = NewShipment {
        id: ShipmentId(Uuid::now_v7()),
        carrier,
        tracking_number: number.to_owned(),
        origin: None,
        lines,
        estimated_delivery: None,
    };
    shop.app.create_shipment(support(), order, new, None).await.expect("the parcel is registered");
}

/// How many mails left about each status, by order.
async fn mails(shop: &Shop) -> BTreeMap<Uuid, BTreeMap<OrderStatus, u32>> {
    let mut counts: BTreeMap<Uuid, BTreeMap<OrderStatus, u32>> = BTreeMap::new();
    for mail in mailbox::latest(&shop.app.store, 100_000).await.expect("the mailbox opens") {
        // `notify-{order}-{status}`
        let key = mail.message_id.strip_prefix("notify-").expect("a notification");
        let (order, status) = key.rsplit_once('-').expect("an order and a status");
        let of_order = counts.entry(order.parse().expect("an order's id")).or_default();
        *of_order.entry(status.parse().expect("a status")).or_default() += 1;
    }
    counts
}
