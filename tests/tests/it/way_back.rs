//! Tests the way back of shipments, what stands behind a scan, and retracted scans, through the senders' own formats.

use app::{Error, orders::ManualScan};
use carriers::{Sender, SimulatedHistory, SimulatedScan};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use domain::{
    Carrier, ConditionKind, Evidence, InputField, Meaning, NewShipment, OrderId, OrderStatus, Refusal,
    ScanEffect, Shipment, ShipmentId, ShipmentRefusal, ShipmentStatus, StoredScan, TrackingNumber,
    is_status_disputed,
};
use persistence::read;
use serde_json::{Value, json};
use tests::{
    database::Database,
    on_every_database,
    shop::{Shop, support},
};
use uuid::Uuid;

on_every_database!(
    a_return_before_the_delivery_ends_at_the_sender_and_mails_nothing,
    a_delivery_with_the_flag_of_a_return_is_the_arrival_at_the_sender,
    a_return_by_hand_ends_only_by_hand,
    a_delivery_ends_trouble_whatever_its_clock,
    a_label_is_no_parcel_until_the_carrier_has_it,
    a_failed_attempt_shows_that_the_carrier_has_the_parcel,
    one_parcel_under_two_identities_is_delivered_once,
    a_retracted_scan_counts_for_nothing_and_stays_retracted,
    scans_are_listed_by_the_time_they_tell,
);

/// A push of FedEx with these identities of one number. A scan is a code and how many hours ago it happened.
fn fedex(shop: &Shop, number: &str, packages: &[(&str, &[(&str, i64)])]) -> Vec<u8> {
    let results: Vec<Value> = packages
        .iter()
        .map(|(package, scans)| {
            let event = |(code, hours): &(&str, i64)| {
                let at = shop.now() - TimeDelta::hours(*hours);
                json!({"eventType": code, "date": at.to_rfc3339_opts(SecondsFormat::Secs, false)})
            };
            json!({
                "trackingNumberInfo": {"trackingNumber": number, "trackingNumberUniqueId": package},
                "scanEvents": scans.iter().map(event).collect::<Vec<_>>(),
            })
        })
        .collect();
    let body = json!({"completeTrackResults": [{"trackingNumber": number, "trackResults": results}]});
    body.to_string().into_bytes()
}

async fn push(shop: &Shop, number: &str, scans: &[(&str, i64)]) {
    shop.push(&fedex(shop, number, &[("1", scans)])).await;
    shop.drain().await;
}

/// An order from ten days ago with one shipment.
async fn shipped(shop: &Shop, carrier: Carrier, number: &str) -> (OrderId, Shipment) {
    let order = shop.processing_since(&[1], shop.now() - TimeDelta::days(10)).await;
    let new = NewShipment {
        id: ShipmentId(Uuid::now_v7()),
        tracking_number: TrackingNumber::parse(carrier, number).unwrap(),
        further_numbers: vec![],
        shares_numbers: false,
        origin: None,
        lines: None,
        estimated_delivery: None,
    };
    let created = shop.app.orders().create_shipment(support(), order, new, None).await.unwrap();
    (order, created.shipment.unwrap())
}

async fn state(shop: &Shop, order: OrderId) -> (ShipmentStatus, Option<ConditionKind>) {
    let shipment = shop.order(order).await.shipments()[0].clone();
    (shipment.status(), shipment.tracking.condition.map(|condition| condition.kind))
}

async fn scans(shop: &Shop, shipment: &Shipment) -> Vec<StoredScan> {
    read::scans_of(&shop.store, &[shipment.id]).await.unwrap().remove(&shipment.id).unwrap_or_default()
}

async fn record(shop: &Shop, shipment: &Shipment, meaning: Meaning, at: DateTime<Utc>) {
    let scan = ManualScan { shipment_id: shipment.id, meaning, occurred_at: at, location: None, notes: None };
    shop.app.orders().record_scan(support(), scan, None).await.unwrap();
}

async fn cancel(shop: &Shop, shipment: &Shipment) -> app::Result<app::orders::CommandOutcome> {
    shop.app.orders().cancel_shipment(support(), shipment.id, "it comes back".to_owned(), None).await
}

fn code_of(error: Error) -> ShipmentRefusal {
    match error {
        Error::Refused(Refusal::Shipment { code, .. }) => code,
        other => panic!("{other:?}"),
    }
}

const RETURNED: (ShipmentStatus, Option<ConditionKind>) =
    (ShipmentStatus::ReturnedToSender, Some(ConditionKind::Returned));

async fn a_return_before_the_delivery_ends_at_the_sender_and_mails_nothing(database: Database) {
    let shop = Shop::new(database.store);
    let history = [("IT", 120), ("OD", 96), ("DE", 92), ("RS", 72), ("IT", 48), ("DL", 2)];
    // The list of one push in its own sequence, and backwards.
    for (number, backwards) in [("810001", false), ("810002", true)] {
        let mut history = history;
        if backwards {
            history.reverse();
        }
        let (order, shipment) = shipped(&shop, Carrier::FEDEX, number).await;
        push(&shop, number, &history).await;
        assert_eq!(state(&shop, order).await, RETURNED);
        assert_eq!(shop.status(order).await, OrderStatus::OutForDelivery);
        assert_eq!(shop.mails().await.len(), usize::from(backwards), "no mail of this order");
        let mut effects: Vec<_> = scans(&shop, &shipment).await.iter().map(|stored| stored.effect).collect();
        effects.truncate(3);
        assert_eq!(effects, [ScanEffect::ReturnLeg, ScanEffect::ReturnLeg, ScanEffect::Applied]);
        cancel(&shop, &shipment).await.expect("it will not arrive");
        shop.ship(order, &format!("{number}9")).await;
        push(&shop, &format!("{number}9"), &[("PU", 1), ("DL", 0)]).await;
        assert_eq!(shop.status(order).await, OrderStatus::Delivered);
        assert_eq!(shop.mails().await.len(), 1 + usize::from(backwards));
    }
    // Scan by scan, the customer is told of the way there, and not of the way back.
    let (order, _) = shipped(&shop, Carrier::FEDEX, "810003").await;
    let before = shop.mails().await.len();
    for scan in history {
        push(&shop, "810003", &[scan]).await;
    }
    assert_eq!(
        (state(&shop, order).await, shop.status(order).await),
        (RETURNED, OrderStatus::OutForDelivery)
    );
    assert_eq!(shop.mails().await.len(), before + 2);
}

async fn a_delivery_with_the_flag_of_a_return_is_the_arrival_at_the_sender(database: Database) {
    let shop = Shop::new(database.store);
    let at = (shop.now() - TimeDelta::hours(2)).format("%Y-%m-%dT%H:%M:%S").to_string();
    let dhl = json!({"shipments": [{
        "id": "00340000000000000002", "service": "parcel-nl", "returnFlag": true,
        "status": {"timestamp": at, "statusCode": "delivered"},
        "events": [{"timestamp": at, "statusCode": "delivered"}],
    }]});
    let aftership = json!({"event": "tracking_update", "msg": {
        "slug": "ups", "tracking_number": "1Z999AA10123456784", "tag": "Delivered", "return_to_sender": true,
        "checkpoints": [{"tag": "Delivered", "checkpoint_time": format!("{at}Z"), "slug": "ups"}],
    }});
    for (sender, carrier, number, body) in [
        (Sender::Dhl, Carrier::DHL, "00340000000000000002", dhl),
        (Sender::Aftership, Carrier::UPS, "1Z999AA10123456784", aftership),
    ] {
        let (order, shipment) = shipped(&shop, carrier, number).await;
        let events = shop.events(order).await.len();
        shop.push_as(sender, body.to_string().as_bytes()).await;
        shop.drain().await;
        assert_eq!(state(&shop, order).await, RETURNED, "{sender}");
        assert_eq!(shop.events(order).await.len(), events, "{sender}");
        assert_eq!(shop.mails().await, [""; 0], "{sender}");
        cancel(&shop, &shipment).await.expect("it will not arrive");
    }
}

async fn a_return_by_hand_ends_only_by_hand(database: Database) {
    let shop = Shop::new(database.store);
    let (order, shipment) = shipped(&shop, Carrier::FEDEX, "820001").await;
    push(&shop, "820001", &[("IT", 50)]).await;
    let ago = |hours: i64| shop.now() - TimeDelta::hours(hours);
    record(&shop, &shipment, Meaning::Condition(ConditionKind::Returning), ago(20)).await;
    assert_eq!(state(&shop, order).await, (ShipmentStatus::ReturnedToSender, Some(ConditionKind::Returning)));
    push(&shop, "820001", &[("OD", 11), ("DL", 10)]).await;
    assert_eq!((state(&shop, order).await, shop.status(order).await), (RETURNED, OrderStatus::Shipped));
    record(&shop, &shipment, Meaning::Status(ShipmentStatus::Delivered), ago(9)).await;
    assert_eq!(state(&shop, order).await, (ShipmentStatus::Delivered, None));
    assert_eq!(shop.status(order).await, OrderStatus::Delivered);
    assert_eq!(code_of(cancel(&shop, &shipment).await.unwrap_err()), ShipmentRefusal::AlreadyDelivered);

    // A code can say that the return was called off.
    let shop = shop.restarted("fedex.AP=return_cancelled").await;
    let (order, _) = shipped(&shop, Carrier::FEDEX, "820002").await;
    push(&shop, "820002", &[("IT", 50), ("RS", 40)]).await;
    assert_eq!(state(&shop, order).await.0, ShipmentStatus::ReturnedToSender);
    push(&shop, "820002", &[("AP", 30), ("DL", 2)]).await;
    assert_eq!(state(&shop, order).await, (ShipmentStatus::Delivered, None));
    assert_eq!(shop.status(order).await, OrderStatus::Delivered);
}

async fn a_delivery_ends_trouble_whatever_its_clock(database: Database) {
    let shop = Shop::new(database.store);
    for (number, code) in [("830001", "DY"), ("830002", "SE"), ("830003", "DE")] {
        let (order, _) = shipped(&shop, Carrier::FEDEX, number).await;
        push(&shop, number, &[("DL", 5), (code, 4)]).await;
        assert_eq!(state(&shop, order).await, (ShipmentStatus::Delivered, None), "{code}");
    }
}

async fn a_label_is_no_parcel_until_the_carrier_has_it(database: Database) {
    let shop = Shop::new(database.store);
    let (order, shipment) = shipped(&shop, Carrier::FEDEX, "840001").await;
    push(&shop, "840001", &[("OC", 30)]).await;
    assert_eq!(scans(&shop, &shipment).await[0].scan.evidence, Evidence::Electronic);
    assert_eq!(shop.status(order).await, OrderStatus::Shipped);
    push(&shop, "840001", &[("CA", 29)]).await;
    assert_eq!(state(&shop, order).await.0, ShipmentStatus::Cancelled);
    assert_eq!(shop.status(order).await, OrderStatus::Shipped);
    let now = shop.order(order).await;
    assert_eq!(now.items()[0].unallocated(now.shipments()), 1);
    // The parcel moves all the same.
    push(&shop, "840001", &[("AR", 1)]).await;
    assert_eq!(state(&shop, order).await.0, ShipmentStatus::InTransit);
    assert_eq!(code_of(cancel(&shop, &shipment).await.unwrap_err()), ShipmentRefusal::AlreadyMoving);

    let (order, shipment) = shipped(&shop, Carrier::FEDEX, "840002").await;
    push(&shop, "840002", &[("OC", 30)]).await;
    cancel(&shop, &shipment).await.expect("the carrier has nothing");
    shop.ship(order, "840003").await;
}

async fn a_failed_attempt_shows_that_the_carrier_has_the_parcel(database: Database) {
    let shop = Shop::new(database.store);
    let (order, shipment) = shipped(&shop, Carrier::UPS, "1Z999AA10123456784").await;
    let at = shop.now() - TimeDelta::hours(3);
    let meaning = Meaning::Condition(ConditionKind::DeliveryAttemptFailed);
    let history = SimulatedHistory {
        carrier: Carrier::UPS,
        tracking_number: "1Z999AA10123456784",
        scans: &[SimulatedScan { meaning, at: at.fixed_offset(), location: None }],
        estimated_delivery: None,
        sent_at: shop.now(),
    };
    shop.push_as(Sender::Ups, &Sender::Ups.simulate(&history).pop().unwrap()).await;
    shop.drain().await;
    let condition = Some(ConditionKind::DeliveryAttemptFailed);
    assert_eq!(state(&shop, order).await, (ShipmentStatus::InTransit, condition));
    assert_eq!(shop.status(order).await, OrderStatus::Shipped);
    let reached = shop.order(order).await.shipments()[0].tracking.shipped.unwrap();
    assert_eq!((reached.at, reached.inferred), (at, true));
    assert_eq!(code_of(cancel(&shop, &shipment).await.unwrap_err()), ShipmentRefusal::AlreadyMoving);
}

async fn one_parcel_under_two_identities_is_delivered_once(database: Database) {
    let shop = Shop::new(database.store);
    let (order, _) = shipped(&shop, Carrier::FEDEX, "850001").await;
    let first: &[(&str, i64)] = &[("DP", 60), ("AR", 47), ("HP", 42), ("AR", 24)];
    let second: &[(&str, i64)] = &[("OD", 46), ("DE", 44), ("OD", 23), ("DL", 22)];
    shop.push(&fedex(&shop, "850001", &[("1", first), ("2", second)])).await;
    shop.drain().await;
    assert_eq!(state(&shop, order).await, (ShipmentStatus::Delivered, None));
    let delivered_at = shop.order(order).await.shipments()[0].tracking.delivered_at;
    assert_eq!(delivered_at, Some(shop.now() - TimeDelta::hours(22)));
    assert_eq!(shop.status(order).await, OrderStatus::Delivered);
}

async fn a_retracted_scan_counts_for_nothing_and_stays_retracted(database: Database) {
    let shop = Shop::new(database.store);
    let (order, shipment) = shipped(&shop, Carrier::FEDEX, "860001").await;
    push(&shop, "860001", &[("IT", 20)]).await;
    let at = shop.now() - TimeDelta::hours(2);
    record(&shop, &shipment, Meaning::Status(ShipmentStatus::Delivered), at).await;
    assert_eq!(shop.status(order).await, OrderStatus::Delivered);
    let wrong = scans(&shop, &shipment).await.remove(0);
    let retract = |reason: &str| shop.app.orders().retract_scan(support(), wrong.id, reason.to_owned(), None);
    let refused = retract("").await.unwrap_err();
    assert!(
        matches!(refused, Error::Refused(Refusal::InvalidInput { field: InputField::Reason, .. })),
        "{refused:?}"
    );
    assert!(retract("another shipment").await.unwrap().changed);
    assert!(!retract("again").await.unwrap().changed);
    // The same scan again does not bring it back.
    record(&shop, &shipment, Meaning::Status(ShipmentStatus::Delivered), at).await;
    let now = shop.order(order).await;
    assert_eq!(state(&shop, order).await.0, ShipmentStatus::InTransit);
    assert_eq!(now.head().status, OrderStatus::Delivered, "an order never goes back");
    assert!(is_status_disputed(now.head().status, now.items(), now.shipments()));
    let stored = scans(&shop, &shipment).await.remove(0);
    assert_eq!((stored.effect, stored.seen), (ScanEffect::Retracted, 2));
    let retraction = stored.retraction.unwrap();
    assert_eq!((retraction.actor, retraction.at), (support().actor, shop.now()));
    assert_eq!(retraction.reason.as_deref(), Some("another shipment"));
    push(&shop, "860001", &[("DL", 1)]).await;
    let now = shop.order(order).await;
    assert!(!is_status_disputed(now.head().status, now.items(), now.shipments()));
    let unknown =
        shop.app.orders().retract_scan(support(), domain::ScanId(Uuid::now_v7()), "x".to_owned(), None);
    assert!(matches!(unknown.await.unwrap_err(), Error::Refused(Refusal::NotFound("scan"))));
}

async fn scans_are_listed_by_the_time_they_tell(database: Database) {
    let shop = Shop::new(database.store);
    let (_, shipment) = shipped(&shop, Carrier::FEDEX, "870001").await;
    // The time of a pick-up counts only as a local one: it counts with its arrival.
    push(&shop, "870001", &[("PU", 40), ("IT", 30), ("OD", 20)]).await;
    let codes: Vec<String> =
        scans(&shop, &shipment).await.into_iter().map(|stored| stored.scan.code).collect();
    assert_eq!(codes, ["OD", "IT", "PU"]);
}
