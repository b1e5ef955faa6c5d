//! Tests shipments with several tracking numbers: further ones, added ones, one that replaces another, and parcels that
//! one carrier hands over to another.

use app::{Error, orders::NewNumber};
use carriers::{Sender, SimulatedHistory, SimulatedScan};
use chrono::TimeDelta;
use domain::{
    Carrier, Meaning, NewShipment, OrderId, OrderStatus, Refusal, Request, Shipment, ShipmentId,
    ShipmentRefusal, ShipmentStatus, TrackingNumber, WebhookState,
};
use persistence::read;
use tests::{
    database::Database,
    on_every_database,
    shop::{Shop, support},
};
use uuid::Uuid;

use super::inbox::inbox;

mod shared;

on_every_database!(
    a_parcel_that_ups_hands_over_to_usps_is_followed,
    a_push_that_waits_is_taken_up_by_the_carrier_that_hands_over,
    an_ambiguous_hand_over_is_not_guessed,
    a_push_is_routed_by_the_further_number_of_the_parcel,
    scans_of_every_number_are_scans_of_the_shipment,
    what_waits_for_an_added_number_is_taken_up,
    a_replaced_number_is_void_and_the_new_one_is_followed,
    a_void_number_is_free_for_another_order,
    no_number_of_a_live_shipment_is_registered_twice,
);

/// The number of a parcel that UPS Mail Innovations hands over to USPS.
const HANDED_OVER: &str = "92748902711486543475061180";

fn number(carrier: Carrier, text: &str) -> TrackingNumber {
    TrackingNumber::parse(carrier, text).unwrap()
}

fn new_shipment(primary: TrackingNumber, further: &[TrackingNumber]) -> NewShipment {
    NewShipment {
        id: ShipmentId(Uuid::now_v7()),
        tracking_number: primary,
        further_numbers: further.to_vec(),
        shares_numbers: false,
        origin: None,
        lines: None,
        estimated_delivery: None,
    }
}

async fn create(shop: &Shop, order: OrderId, new: NewShipment) -> app::Result<Shipment> {
    let created = shop.app.orders().create_shipment(support(), order, new, None).await?;
    Ok(created.shipment.unwrap())
}

/// Registers a shipment with all units of a new order. The order was placed two days ago.
async fn ship(shop: &Shop, primary: TrackingNumber, further: &[TrackingNumber]) -> (OrderId, ShipmentId) {
    let order = shop.processing_since(&[1], shop.now() - TimeDelta::days(2)).await;
    let shipment = create(shop, order, new_shipment(primary, further)).await.unwrap();
    (order, shipment.id)
}

/// The statuses of a whole delivery.
const WAY: [ShipmentStatus; 3] =
    [ShipmentStatus::InTransit, ShipmentStatus::OutForDelivery, ShipmentStatus::Delivered];

/// Pushes scans with these statuses, one each hour until now, and processes them.
async fn push(shop: &Shop, sender: Sender, carrier: Carrier, text: &str, statuses: &[ShipmentStatus]) {
    let hours = (1 - statuses.len() as i64)..;
    let scans: Vec<SimulatedScan<'_>> = statuses
        .iter()
        .zip(hours)
        .map(|(status, hour)| SimulatedScan {
            meaning: Meaning::Status(*status),
            at: shop.now().fixed_offset() + TimeDelta::hours(hour),
            location: Some("Reno, NV, US"),
        })
        .collect();
    let history = SimulatedHistory {
        carrier,
        tracking_number: text,
        scans: &scans,
        estimated_delivery: None,
        sent_at: shop.now(),
    };
    for body in sender.simulate(&history) {
        shop.push_as(sender, &body).await;
    }
    shop.drain().await;
}

async fn push_usps(shop: &Shop, text: &str, statuses: &[ShipmentStatus]) {
    push(shop, Sender::Usps, Carrier::USPS, text, statuses).await;
}

async fn push_fedex(shop: &Shop, text: &str, statuses: &[ShipmentStatus]) {
    push(shop, Sender::Fedex, Carrier::FEDEX, text, statuses).await;
}

async fn shipment(shop: &Shop, id: ShipmentId) -> Shipment {
    read::read_shipments(&shop.store, &[id]).await.unwrap().remove(&id).unwrap()
}

async fn count_scans(shop: &Shop, id: ShipmentId) -> usize {
    let scans = read::scans_of(&shop.store, &[id]).await.unwrap();
    scans.get(&id).map_or(0, Vec::len)
}

async fn add(shop: &Shop, id: ShipmentId, carrier: Carrier, text: &str) -> app::Result<Shipment> {
    let new = NewNumber { shipment_id: id, carrier: Some(carrier), text: text.to_owned(), shared: false };
    let changed = shop.app.orders().add_tracking_number(support(), new, None).await?;
    Ok(changed.shipment.unwrap())
}

async fn replace(shop: &Shop, id: ShipmentId, text: &str) -> app::Result<Shipment> {
    let new = NewNumber { shipment_id: id, carrier: None, text: text.to_owned(), shared: false };
    let reason = "a new label".to_owned();
    let changed = shop.app.orders().replace_tracking_number(support(), new, reason, None).await?;
    Ok(changed.shipment.unwrap())
}

fn refusal<T: std::fmt::Debug>(answer: app::Result<T>) -> (ShipmentRefusal, String) {
    match answer {
        Err(Error::Refused(Refusal::Shipment { code, message })) => (code, message),
        other => panic!("a refusal was expected: {other:?}"),
    }
}

async fn latest_reason(shop: &Shop) -> String {
    inbox(shop).await.remove(0).reason.unwrap_or_default()
}

async fn a_parcel_that_ups_hands_over_to_usps_is_followed(database: Database) {
    let shop = Shop::new(database.store);
    let (order, _) = ship(&shop, number(Carrier::UPS, HANDED_OVER), &[]).await;
    push_usps(&shop, HANDED_OVER, &WAY).await;
    assert_eq!(shop.status(order).await, OrderStatus::Delivered);
    let reason = latest_reason(&shop).await;
    let told = format!("the USPS number {HANDED_OVER} is the parcel with the UPS number {HANDED_OVER}");
    assert!(reason.contains(&told), "{reason}");
    let delivered = shop.mails().await.into_iter().filter(|subject| subject.contains("elivered")).count();
    assert_eq!(delivered, 1);
}

async fn a_push_that_waits_is_taken_up_by_the_carrier_that_hands_over(database: Database) {
    let shop = Shop::new(database.store);
    push_usps(&shop, HANDED_OVER, &WAY).await;
    assert_eq!(inbox(&shop).await.remove(0).state, WebhookState::Unmatched);
    let (order, _) = ship(&shop, number(Carrier::FEDEX, HANDED_OVER), &[]).await;
    shop.drain().await;
    assert_eq!(shop.status(order).await, OrderStatus::Delivered);
    assert!(inbox(&shop).await.iter().all(|webhook| webhook.state == WebhookState::Processed));
}

async fn an_ambiguous_hand_over_is_not_guessed(database: Database) {
    let shop = Shop::new(database.store);
    let (first, _) = ship(&shop, number(Carrier::UPS, HANDED_OVER), &[]).await;
    let (second, _) = ship(&shop, number(Carrier::FEDEX, HANDED_OVER), &[]).await;
    push_usps(&shop, HANDED_OVER, &WAY).await;
    let (third, _) = ship(&shop, number(Carrier::UPS, "NOFORMAT1"), &[]).await;
    push_usps(&shop, "NOFORMAT1", &WAY).await;
    for order in [first, second, third] {
        assert_eq!(shop.status(order).await, OrderStatus::AwaitingPickup);
    }
    assert!(inbox(&shop).await.iter().all(|webhook| webhook.state == WebhookState::Unmatched));
    assert_eq!(shop.app.inbox().requeue_missed().await.unwrap(), 0, "they are not tried again and again");
}

async fn a_push_is_routed_by_the_further_number_of_the_parcel(database: Database) {
    let shop = Shop::new(database.store);
    let ups = r#"{"trackingNumber": "92055900000000000000000001", "alternateTrackingNumber": "1Z999AA10123450010",
        "activityStatus": {"type": "D", "code": "FS"}, "localActivityDate": "20260301",
        "localActivityTime": "100000", "gmtActivityDate": "20260301", "gmtActivityTime": "150000"}"#;
    let dhl = r#"{"shipments": [{"id": "4444000999", "service": "express",
        "details": {"pieceIds": ["JD014600000000000099", "JD014600000000000098"]},
        "events": [{"timestamp": "2026-03-01T10:05:00Z", "statusCode": "delivered", "description": "Delivered"}]}]}"#;
    for (sender, carrier, body, registered, reason) in [
        (
            Sender::Ups,
            Carrier::UPS,
            ups,
            "1Z999AA10123450010",
            "the UPS number 92055900000000000000000001 is the parcel with the UPS number 1Z999AA10123450010",
        ),
        (
            Sender::Dhl,
            Carrier::DHL,
            dhl,
            "JD014600000000000098",
            "the DHL number 4444000999 is the parcel with the DHL number JD014600000000000098",
        ),
    ] {
        let (early, _) = ship(&shop, number(carrier, registered), &[]).await;
        shop.push_as(sender, body.as_bytes()).await;
        shop.drain().await;
        assert_eq!(shop.status(early).await, OrderStatus::Delivered, "{sender}");
        let told = latest_reason(&shop).await;
        assert!(told.contains(reason), "{told}");
        // The same push, before the shipment is registered.
        let (other_main, other) = ("7777000111", format!("{registered}7"));
        let body = body.replace("92055900000000000000000001", other_main).replace("4444000999", other_main);
        shop.push_as(sender, body.replace(registered, &other).as_bytes()).await;
        shop.drain().await;
        let (late, _) = ship(&shop, number(carrier, &other), &[]).await;
        shop.drain().await;
        assert_eq!(shop.status(late).await, OrderStatus::Delivered, "{sender}");
    }
}

async fn scans_of_every_number_are_scans_of_the_shipment(database: Database) {
    let shop = Shop::new(database.store);
    push_usps(&shop, "9400100000000000000017", &[ShipmentStatus::OutForDelivery]).await;
    let further = [number(Carrier::USPS, "9400100000000000000017"), number(Carrier::FEDEX, "790000000002")];
    let (order, id) = ship(&shop, number(Carrier::FEDEX, "790000000001"), &further).await;
    shop.drain().await;
    assert_eq!(shop.status(order).await, OrderStatus::OutForDelivery, "what waited is taken up");
    push_fedex(&shop, "790000000001", &[ShipmentStatus::PickedUp]).await;
    push_fedex(&shop, "790000000002", &[ShipmentStatus::Delivered]).await;
    assert_eq!(count_scans(&shop, id).await, 3);
    assert_eq!(shop.status(order).await, OrderStatus::Delivered);
    for number in &further {
        let found = shop.app.reads().shipment(&support(), number).await.unwrap();
        assert_eq!(found.map(|(_, shipment)| shipment.id), Some(id), "{number}");
    }
}

async fn what_waits_for_an_added_number_is_taken_up(database: Database) {
    let shop = Shop::new(database.store);
    let (order, id) = ship(&shop, number(Carrier::FEDEX, "790000000001"), &[]).await;
    push_usps(&shop, "9400100000000000000017", &WAY).await;
    assert_eq!(shop.status(order).await, OrderStatus::AwaitingPickup);
    let changed = add(&shop, id, Carrier::USPS, "9400 1000 0000 0000 0000 17").await.unwrap();
    assert_eq!(changed.numbers.len(), 2);
    shop.drain().await;
    assert_eq!(shop.status(order).await, OrderStatus::Delivered);
    assert_eq!(*shipment(&shop, id).await.tracking_number, *"790000000001");
}

async fn a_replaced_number_is_void_and_the_new_one_is_followed(database: Database) {
    let shop = Shop::new(database.store);
    let (order, id) = ship(&shop, number(Carrier::FEDEX, "790000000001"), &[]).await;
    push_fedex(&shop, "790000000001", &[ShipmentStatus::PickedUp]).await;
    push_fedex(&shop, "790000000002", &[ShipmentStatus::OutForDelivery]).await;
    let scanned = inbox(&shop).await.last().unwrap().id;
    let changed = replace(&shop, id, "7900 0000 0002").await.unwrap();
    assert_eq!(*changed.tracking_number, *"790000000002");
    let stored = shipment(&shop, id).await;
    assert_eq!(stored, changed);
    let void = stored.numbers[0].void.as_ref().unwrap();
    assert_eq!((void.reason.as_deref(), &void.actor), (Some("a new label"), &support().actor));
    shop.drain().await;
    assert_eq!(shop.status(order).await, OrderStatus::OutForDelivery);
    assert_eq!(count_scans(&shop, id).await, 2, "the scan of the void number stays");
    push_fedex(&shop, "790000000001", &[ShipmentStatus::Delivered]).await;
    assert_eq!(shop.status(order).await, OrderStatus::OutForDelivery, "a void number is not followed");
    assert_eq!(inbox(&shop).await.remove(0).state, WebhookState::Unmatched);
    shop.app.inbox().retry_webhook(&support(), scanned).await.unwrap();
    shop.drain().await;
    assert_eq!(inbox(&shop).await.last().unwrap().state, WebhookState::Processed);
    push_fedex(&shop, "790000000002", &[ShipmentStatus::Delivered]).await;
    assert_eq!(shop.status(order).await, OrderStatus::Delivered);
    assert_eq!(refusal(replace(&shop, id, "790000000003").await).0, ShipmentRefusal::AlreadyDelivered);
}

/// A number was given to the wrong order. The right order gets its whole history.
async fn a_void_number_is_free_for_another_order(database: Database) {
    let shop = Shop::new(database.store);
    let (wrong, id) = ship(&shop, number(Carrier::FEDEX, "790000000001"), &[]).await;
    push_fedex(&shop, "790000000001", &[ShipmentStatus::PickedUp]).await;
    replace(&shop, id, "790000000002").await.unwrap();
    push_fedex(&shop, "790000000001", &[ShipmentStatus::OutForDelivery]).await;
    let (right, own) = ship(&shop, number(Carrier::FEDEX, "790000000001"), &[]).await;
    shop.drain().await;
    assert_eq!((shop.status(right).await, count_scans(&shop, own).await), (OrderStatus::OutForDelivery, 2));
    assert_eq!((shop.status(wrong).await, count_scans(&shop, id).await), (OrderStatus::Shipped, 1));
    assert_eq!(shop.app.inbox().requeue_missed().await.unwrap(), 0);
    let found = shop.app.reads().shipment(&support(), &number(Carrier::FEDEX, "790000000001")).await.unwrap();
    assert_eq!(found.map(|(order, _)| order.id), Some(right), "the void one comes last");
    let taken = refusal(replace(&shop, id, "790000000001").await);
    let message = "fedex 790000000001 is on its way with another order".to_owned();
    assert_eq!(taken, (ShipmentRefusal::NumberInUse, message));
}

async fn no_number_of_a_live_shipment_is_registered_twice(database: Database) {
    let shop = Shop::new(database.store);
    let further = number(Carrier::USPS, "9400100000000000000017");
    let (_, id) = ship(&shop, number(Carrier::FEDEX, "790000000001"), std::slice::from_ref(&further)).await;
    let order = shop.processing(&[1, 1]).await;
    let free = number(Carrier::UPS, "1Z999AA10123456784");
    for new in
        [new_shipment(further.clone(), &[]), new_shipment(free.clone(), std::slice::from_ref(&further))]
    {
        let told = refusal(create(&shop, order, new).await);
        let message = format!("usps {further} is on its way with another order");
        assert_eq!(told, (ShipmentRefusal::NumberInUse, message));
    }
    assert_eq!(shop.order(order).await.shipments(), [], "nothing is written");
    let items: Vec<_> = shop.order(order).await.items().iter().map(|item| item.id).collect();
    let one = |at: usize| Some(vec![domain::ItemQuantity { item_id: items[at], quantity: 1 }]);
    let fedex = number(Carrier::FEDEX, "790000000009");
    let first = NewShipment { lines: one(0), ..new_shipment(fedex, &[]) };
    let first = create(&shop, order, first).await.unwrap();
    let as_ups = NewShipment { lines: one(1), ..new_shipment(number(Carrier::UPS, "790000000009"), &[]) };
    assert_eq!(refusal(create(&shop, order, as_ups).await).0, ShipmentRefusal::NumberInUse);
    for taken in [&further, &number(Carrier::FEDEX, "790000000001")] {
        assert_eq!(
            refusal(add(&shop, first.id, taken.carrier(), taken).await).0,
            ShipmentRefusal::NumberInUse
        );
    }
    // A cancelled shipment frees all its numbers.
    let of = shipment(&shop, id).await.order_id;
    shop.ask(of, Request::CancelShipment { id, reason: "mislaid".to_owned() }).await.unwrap();
    add(&shop, first.id, Carrier::USPS, &further).await.unwrap();
}
