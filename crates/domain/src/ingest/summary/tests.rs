//! Tests of the states and the reasons with which webhooks are settled.

use uuid::Uuid;

use super::{IngestSummary, SettledWebhook};
use crate::{
    ids::WebhookId,
    scan::{ScanEffect, ScanOutcome},
    shipment::Shipment,
    shipment_status::ShipmentStatus::InTransit,
    test_support::{at, fedex, milestone, shipment},
    webhook::WebhookState::{Processed, Unmatched},
};

fn settle(summary: &IngestSummary) -> SettledWebhook {
    summary.settle(WebhookId(Uuid::nil()))
}

/// A summary of scans with these outcomes, for this shipment.
fn summarize(outcomes: &[ScanOutcome], shipment: &Shipment) -> IngestSummary {
    let scans: Vec<_> = (0..).take(outcomes.len()).map(|number| milestone(number, InTransit, 1)).collect();
    let mut summary = IngestSummary::new(Some("1 element unread".to_owned()));
    summary.add_outcomes(&scans, outcomes, shipment);
    summary
}

#[test]
fn outcomes_are_counted() {
    let moving = shipment(1, InTransit, &[]);
    let outcomes = [
        ScanOutcome::New(ScanEffect::Applied),
        ScanOutcome::New(ScanEffect::UnknownCode),
        ScanOutcome::Repeated,
        ScanOutcome::Revised(Box::new(milestone(3, InTransit, 1)), None),
        ScanOutcome::Revised(Box::new(milestone(4, InTransit, 1)), Some(ScanEffect::Applied)),
    ];
    let summary = summarize(&outcomes, &moving);
    let settled = settle(&summary);
    assert_eq!(settled.reason, "2 applied, 1 unknown_code, 2 seen before, 1 element unread");
    assert_eq!((settled.state, settled.waits_for), (Processed, vec![]));
    assert_eq!(summary.odd_scans(), [("C1".to_owned(), ScanEffect::UnknownCode)]);
}

#[test]
fn a_cancelled_shipment_that_moves_is_named() {
    let stale = [ScanOutcome::New(ScanEffect::Stale), ScanOutcome::New(ScanEffect::Stale)];
    let mut moving = shipment(1, InTransit, &[]);
    assert_eq!(settle(&summarize(&stale, &moving)).reason, "2 stale, 1 element unread");
    moving.cancelled_at = Some(at(1));
    let summary = summarize(&stale, &moving);
    assert_eq!(settle(&summary).reason, "2 stale, FedEx N1 was called off and moves, 1 element unread");
    assert_eq!(summary.odd_scans().len(), 2);
}

#[test]
fn a_webhook_waits_for_every_number_without_a_shipment_and_names_ten() {
    let mut summary = IngestSummary::default();
    let numbers: Vec<_> = (1..=12).map(|number| fedex(&format!("N{number}"))).collect();
    summary.waits_for = numbers.iter().map(|number| (number.clone(), vec![])).collect();
    summary.waits_for[0].1 = vec!["J1".to_owned(), "J2".to_owned()];
    let settled = settle(&summary);
    assert_eq!((settled.state, settled.waits_for), (Unmatched, summary.waits_for));
    let reason = settled.reason;
    assert!(reason.starts_with("no parcel with the FedEx number N1 yet (also known as J1, J2), no parcel"));
    assert!(reason.ends_with("N10 yet, nor with 2 others"), "{reason}");
}
