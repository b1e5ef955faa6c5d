//! Tests that the state does not depend on the sequence in which scans arrive. The webhooks are posted to
//! `POST /webhooks/…` in the format of every sender.
//!
//! `permutations` tries all sequences of six scans. `histories` tries random ones. `several_numbers` tries random ones
//! of shipments with several numbers, of two orders in one box.

mod histories;
mod permutations;
mod several_numbers;

use std::collections::BTreeMap;

use carriers::{Sender, SimulatedHistory, SimulatedScan};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    Carrier, ItemQuantity, Meaning, NewShipment, OrderId, OrderStatus, ShipmentId, ShipmentStatus,
    TrackingNumber,
};
use persistence::mailbox;
use tests::shop::{Shop, support};
use uuid::Uuid;

/// Composes the webhooks with which a sender reports these scans. For FedEx, a pick-up gets the usual code `PU`; its
/// time is only estimated.
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

/// Returns whether a webhook of this sender can report several scans.
fn tells_histories(sender: Sender) -> bool {
    let at = DateTime::UNIX_EPOCH.fixed_offset();
    let told = SimulatedScan { meaning: Meaning::Status(ShipmentStatus::InTransit), at, location: None };
    let later = SimulatedScan { at: at + TimeDelta::hours(1), ..told };
    bodies(sender, "1", &[told, later], None, at.to_utc()).len() == 1
}

fn carrier_of(sender: Sender) -> Carrier {
    sender.carrier().unwrap_or(Carrier::DHL)
}

/// Registers a shipment with the role support.
pub(super) async fn register(
    shop: &Shop,
    order: OrderId,
    carrier: Carrier,
    number: &str,
    lines: Option<Vec<ItemQuantity>>,
) {
    let new = NewShipment {
        id: ShipmentId(Uuid::now_v7()),
        tracking_number: TrackingNumber::parse(carrier, number).unwrap(),
        further_numbers: vec![],
        shares_numbers: false,
        origin: None,
        lines,
        estimated_delivery: None,
    };
    shop.app.orders().create_shipment(support(), order, new, None).await.expect("the parcel is registered");
}

/// Counts the mails that were sent about each status, by order. Corrections are not counted.
async fn mails(shop: &Shop) -> BTreeMap<Uuid, BTreeMap<OrderStatus, u32>> {
    let mut counts: BTreeMap<Uuid, BTreeMap<OrderStatus, u32>> = BTreeMap::new();
    for mail in mailbox::list_latest(&shop.store, 100_000).await.expect("the mailbox opens") {
        // A message id is `notify-{order}-{status}`, or has the fact of a correction in place of the status.
        let key = mail.message_id.strip_prefix("notify-").expect("a notification");
        let (order, fact) = key.split_at(Uuid::nil().to_string().len());
        let of_order = counts.entry(order.parse().expect("an order's id")).or_default();
        if let Ok(status) = fact[1..].parse() {
            *of_order.entry(status).or_default() += 1;
        }
    }
    counts
}
