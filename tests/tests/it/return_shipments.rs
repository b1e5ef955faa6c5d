//! Tests return shipments and the ends of returns, with the database and through the senders' own formats.

use app::{Error, orders::ManualScan};
use carriers::Sender;
use chrono::{SecondsFormat, TimeDelta};
use domain::{
    ActivityKind, Carrier, ConditionKind, InputField, ItemId, ItemQuantity, Meaning, NewShipment, OrderId,
    OrderStatus, Refusal, Request, ScanEffect, Shipment, ShipmentId, ShipmentRefusal, ShipmentStatus,
    TrackingNumber, progress,
};
use persistence::read;
use sea_orm::ConnectionTrait;
use serde_json::json;
use tests::{
    database::Database,
    front::Front,
    on_every_database,
    shop::{Shop, support},
};
use uuid::Uuid;

use super::replay::{replay, since_yesterday};

on_every_database!(
    a_kept_unit_is_asked_back_after_the_order_is_returned,
    a_return_that_never_comes_is_written_off_and_the_order_closed,
    a_return_shipment_arrives_and_the_order_stays_until_its_units_are_received,
    what_waits_for_the_number_of_a_return_shipment_is_taken_up,
    a_parcel_that_its_carrier_sends_back_arrives_as_a_return_shipment,
    a_return_recorded_by_hand_is_the_arrival,
    a_number_on_its_way_is_no_return_shipment_too,
    the_number_of_the_delivered_shipment_can_come_back,
    a_return_shipment_before_the_delivery_is_refused_and_nothing_is_written,
    the_page_shows_a_return_shipment_as_one,
    the_database_knows_no_arrival_of_a_shipment_to_the_customer,
);

/// An order of two units of one item, delivered in the shipment `number`.
async fn delivered(shop: &Shop, number: &str) -> (OrderId, ItemId) {
    let order = shop.processing(&[2]).await;
    shop.ship(order, number).await;
    shop.scan(number, ShipmentStatus::Delivered).await;
    shop.drain().await;
    assert_eq!(shop.status(order).await, OrderStatus::Delivered);
    shop.wait(TimeDelta::days(1));
    (order, shop.order(order).await.items()[0].id)
}

fn one(item_id: ItemId) -> Option<Vec<ItemQuantity>> {
    Some(vec![ItemQuantity { item_id, quantity: 1 }])
}

async fn ask_back(shop: &Shop, order: OrderId, lines: Option<Vec<ItemQuantity>>) -> bool {
    let request = Request::InitiateReturn { lines, reason: "too small".to_owned() };
    shop.ask(order, request).await.unwrap().event.is_some()
}

async fn receive(shop: &Shop, order: OrderId, lines: Option<Vec<ItemQuantity>>) {
    shop.ask(order, Request::ReceiveReturn { lines, notes: None }).await.unwrap();
}

async fn send_back(shop: &Shop, order: OrderId, carrier: Carrier, number: &str) -> app::Result<Shipment> {
    let new = NewShipment {
        id: ShipmentId(Uuid::now_v7()),
        tracking_number: TrackingNumber::parse(carrier, number).unwrap(),
        further_numbers: vec![],
        shares_numbers: false,
        origin: None,
        lines: None,
        estimated_delivery: None,
    };
    let created = shop.app.orders().create_return_shipment(support(), order, new, None).await?;
    Ok(created.shipment.unwrap())
}

/// The shipment as it is stored now.
async fn stored(shop: &Shop, shipment: &Shipment) -> Shipment {
    read::read_shipments(&shop.store, &[shipment.id]).await.unwrap().remove(&shipment.id).unwrap()
}

async fn effects(shop: &Shop, shipment: &Shipment) -> Vec<ScanEffect> {
    let scans = read::scans_of(&shop.store, &[shipment.id]).await.unwrap().remove(&shipment.id);
    scans.unwrap_or_default().iter().map(|scan| scan.effect).collect()
}

/// What scans of a return shipment must not change.
async fn facts(shop: &Shop, order: OrderId) -> impl PartialEq + std::fmt::Debug + use<> {
    let now = shop.order(order).await;
    let told = progress(now.head().status, now.items(), now.shipments());
    (now.head().version, now.head().closed.clone(), now.items().to_vec(), told, shop.mails().await)
}

async fn a_kept_unit_is_asked_back_after_the_order_is_returned(database: Database) {
    let shop = Shop::new(database.store);
    let (order, item) = delivered(&shop, "9101").await;
    assert!(ask_back(&shop, order, one(item)).await);
    receive(&shop, order, one(item)).await;
    let path = shop.path(order).await;
    assert_eq!(path.last(), Some(&OrderStatus::Returned));
    assert!(!ask_back(&shop, order, one(item)).await, "no event");
    let units = |item: &domain::Item| (item.return_requested, item.returned, item.return_written_off);
    assert_eq!(units(&shop.order(order).await.items()[0]), (2, 1, 0));
    receive(&shop, order, None).await;
    assert_eq!(units(&shop.order(order).await.items()[0]), (2, 2, 0));
    assert_eq!(shop.path(order).await, path);
}

async fn a_return_that_never_comes_is_written_off_and_the_order_closed(database: Database) {
    let shop = Shop::new(database.store);
    let (order, item) = delivered(&shop, "9102").await;
    ask_back(&shop, order, None).await;
    let mails = shop.mails().await;
    let write_off = |lines| Request::WriteOffReturn { lines, reason: "never sent".to_owned() };
    shop.ask(order, write_off(one(item))).await.unwrap();
    assert_eq!(shop.head(order).await.closed, None, "one unit is outstanding");
    shop.ask(order, write_off(None)).await.unwrap();
    shop.drain().await;
    let now = shop.order(order).await;
    assert_eq!((now.head().status, now.items()[0].return_written_off), (OrderStatus::ReturnInitiated, 2));
    assert_eq!(now.head().closed.as_ref().map(|closed| closed.reason.as_str()), Some("never sent"));
    assert_eq!(shop.mails().await, mails);

    receive(&shop, order, one(item)).await;
    let now = shop.order(order).await;
    assert_eq!((now.head().status, &now.head().closed), (OrderStatus::Returned, &None), "it came after all");
    assert_eq!((now.items()[0].returned, now.items()[0].return_written_off), (1, 1));
}

async fn a_return_shipment_arrives_and_the_order_stays_until_its_units_are_received(database: Database) {
    let shop = Shop::new(database.store);
    let (order, _) = delivered(&shop, "9103").await;
    ask_back(&shop, order, None).await;
    let shipment = send_back(&shop, order, Carrier::FEDEX, "9104").await.unwrap();
    let before = facts(&shop, order).await;
    for status in [
        ShipmentStatus::Delivered,
        ShipmentStatus::InTransit,
        ShipmentStatus::OutForDelivery,
        ShipmentStatus::AvailableForPickup,
    ] {
        shop.scan(&shipment.tracking_number, status).await;
        shop.drain().await;
    }
    assert_eq!(stored(&shop, &shipment).await.arrived_at(), Some(shop.now()));
    assert_eq!(facts(&shop, order).await, before);
    let kinds: Vec<_> = shop
        .order(order)
        .await
        .shipments()
        .iter()
        .map(|one| (one.direction.as_str(), one.status()))
        .collect();
    assert_eq!(kinds, [("outbound", ShipmentStatus::Delivered), ("return", ShipmentStatus::Delivered)]);
    let report = replay(&shop, &support(), &since_yesterday(&shop, false)).await.unwrap();
    assert!(report.changes.is_empty(), "its stored scans mean what they mean today: {:?}", report.changes);
    receive(&shop, order, None).await;
    assert_eq!(shop.status(order).await, OrderStatus::Returned);
}

async fn what_waits_for_the_number_of_a_return_shipment_is_taken_up(database: Database) {
    let shop = Shop::new(database.store);
    let (order, _) = delivered(&shop, "9105").await;
    shop.scan("9106", ShipmentStatus::Delivered).await;
    shop.drain().await;
    ask_back(&shop, order, None).await;
    receive(&shop, order, None).await;
    let shipment = send_back(&shop, order, Carrier::FEDEX, "9106").await;
    let Err(Error::Refused(Refusal::Shipment { code, .. })) = shipment else { panic!("{shipment:?}") };
    assert_eq!(code, ShipmentRefusal::NothingToShip, "everything is in");

    let (order, _) = delivered(&shop, "9107").await;
    let shipment = send_back(&shop, order, Carrier::FEDEX, "9106").await.unwrap();
    shop.drain().await;
    assert!(stored(&shop, &shipment).await.arrived_at().is_some(), "it was registered after it had arrived");
    assert_eq!(effects(&shop, &shipment).await, [ScanEffect::Applied]);
    assert_eq!(shop.status(order).await, OrderStatus::Delivered);
}

/// FedEx says that it brings a parcel back, and DHL sets its flag.
async fn a_parcel_that_its_carrier_sends_back_arrives_as_a_return_shipment(database: Database) {
    let shop = Shop::new(database.store);
    let (order, item) = delivered(&shop, "9108").await;
    ask_back(&shop, order, one(item)).await;
    let fedex = send_back(&shop, order, Carrier::FEDEX, "9109").await.unwrap();
    let before = facts(&shop, order).await;
    shop.process_code("9109", "RS").await;
    assert_eq!(stored(&shop, &fedex).await.status(), ShipmentStatus::InTransit);
    assert_eq!(stored(&shop, &fedex).await.tracking.condition, None);
    assert_eq!(facts(&shop, order).await, before);

    ask_back(&shop, order, None).await;
    let dhl = send_back(&shop, order, Carrier::DHL, "00340000000000000002").await.unwrap();
    let before = facts(&shop, order).await;
    let at = shop.now().to_rfc3339_opts(SecondsFormat::Secs, false);
    let delivery = json!({"timestamp": at, "statusCode": "delivered"});
    let body = json!({"shipments": [{
        "id": "00340000000000000002", "service": "parcel-nl", "returnFlag": true,
        "status": delivery.clone(), "events": [delivery],
    }]});
    shop.push_as(Sender::Dhl, body.to_string().as_bytes()).await;
    shop.drain().await;
    assert_eq!(stored(&shop, &dhl).await.arrived_at(), Some(shop.now()));
    assert_eq!(facts(&shop, order).await, before);
}

async fn a_return_recorded_by_hand_is_the_arrival(database: Database) {
    let shop = Shop::new(database.store);
    let (order, _) = delivered(&shop, "9110").await;
    let shipment = send_back(&shop, order, Carrier::FEDEX, "9111").await.unwrap();
    let before = facts(&shop, order).await;
    let record = |meaning| ManualScan {
        shipment_id: shipment.id,
        meaning: Meaning::Condition(meaning),
        occurred_at: shop.now(),
        location: None,
        notes: None,
    };
    for (meaning, status) in [
        (ConditionKind::Returning, ShipmentStatus::InTransit),
        (ConditionKind::Returned, ShipmentStatus::Delivered),
    ] {
        shop.app.orders().record_scan(support(), record(meaning), None).await.unwrap();
        assert_eq!(stored(&shop, &shipment).await.status(), status);
    }
    assert_eq!(facts(&shop, order).await, before);
    let retracted = read::scans_of(&shop.store, &[shipment.id]).await.unwrap().remove(&shipment.id).unwrap();
    let arrival =
        retracted.iter().find(|scan| scan.scan.meaning == Meaning::Status(ShipmentStatus::Delivered));
    let reason = "it was another parcel".to_owned();
    shop.app.orders().retract_scan(support(), arrival.unwrap().id, reason, None).await.unwrap();
    assert_eq!(stored(&shop, &shipment).await.arrived_at(), None);
    assert_eq!(facts(&shop, order).await, before);
}

async fn a_number_on_its_way_is_no_return_shipment_too(database: Database) {
    let shop = Shop::new(database.store);
    let (order, _) = delivered(&shop, "9112").await;
    let other = shop.processing(&[1]).await;
    shop.ship(other, "9113").await;
    let refused = send_back(&shop, order, Carrier::FEDEX, "9113").await;
    let Err(Error::Refused(Refusal::Shipment { code, .. })) = refused else { panic!("{refused:?}") };
    assert_eq!(code, ShipmentRefusal::NumberInUse);
    send_back(&shop, order, Carrier::FEDEX, "9114").await.unwrap();
    let third = shop.processing(&[1]).await;
    let refused = shop.ship_lines(third, "9114", None).await;
    let Err(Error::Refused(Refusal::Shipment { code, .. })) = refused else { panic!("{refused:?}") };
    assert_eq!(code, ShipmentRefusal::NumberInUse);
}

async fn the_number_of_the_delivered_shipment_can_come_back(database: Database) {
    let shop = Shop::new(database.store);
    let (order, _) = delivered(&shop, "9115").await;
    let outbound = shop.order(order).await.shipments()[0].clone();
    let back = send_back(&shop, order, Carrier::FEDEX, "9115").await.unwrap();
    let before = facts(&shop, order).await;
    shop.wait(TimeDelta::hours(1));
    shop.scan("9115", ShipmentStatus::Delivered).await;
    shop.drain().await;
    assert_eq!(stored(&shop, &back).await.arrived_at(), Some(shop.now()));
    assert_eq!(stored(&shop, &outbound).await, outbound, "its scans are those up to the delivery");
    assert_eq!(facts(&shop, order).await, before);
}

async fn a_return_shipment_before_the_delivery_is_refused_and_nothing_is_written(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[1]).await;
    let refused = send_back(&shop, order, Carrier::FEDEX, "9116").await;
    let Err(Error::Refused(Refusal::InvalidInput { field, .. })) = refused else { panic!("{refused:?}") };
    assert_eq!((field, shop.order(order).await.shipments().len()), (InputField::Direction, 0));
    let wanted = ActivityKind::ReturnShipmentCreated;
    assert!(shop.order(order).await.changes().activities.iter().all(|activity| activity.kind != wanted));
}

async fn the_page_shows_a_return_shipment_as_one(database: Database) {
    let shop = Shop::new(database.store);
    let (order, _) = delivered(&shop, "9119").await;
    let url = shop.app.links().tracking_url(order);
    let path = url.trim_start_matches("https://shop.example.org");
    let is_return = "A parcel that you send back";
    let page = Front::new(&shop).page(path).await;
    assert!(!page.contains(is_return), "{page}");
    send_back(&shop, order, Carrier::FEDEX, "9120").await.unwrap();
    for (status, text) in [
        (ShipmentStatus::OutForDelivery, "<strong>On its way back</strong>"),
        (ShipmentStatus::Delivered, "<strong>Back at the sender</strong>"),
    ] {
        shop.scan("9120", status).await;
        shop.drain().await;
        let page = Front::new(&shop).page(path).await;
        assert!(page.contains(is_return) && page.contains("9120") && page.contains(text), "{page}");
        assert!(page.contains("delivered: 2 of 2 items"), "{page}");
    }
}

async fn the_database_knows_no_arrival_of_a_shipment_to_the_customer(database: Database) {
    let shop = Shop::new(database.store.clone());
    let (order, _) = delivered(&shop, "9117").await;
    let connection = database.connection().await;
    let wrong = "UPDATE shipments SET arrived_at = '2026-03-01T12:00:00+00:00'";
    let error = connection.execute_unprepared(wrong).await.expect_err(wrong).to_string();
    assert!(error.to_lowercase().contains("check constraint"), "{error}");
    let shipment = send_back(&shop, order, Carrier::FEDEX, "9118").await.unwrap();
    shop.scan(&shipment.tracking_number, ShipmentStatus::Delivered).await;
    shop.drain().await;
    let arrived = "SELECT shipment_id FROM shipments WHERE arrived_at IS NOT NULL";
    let statement = sea_orm::Statement::from_string(connection.get_database_backend(), arrived);
    assert_eq!(connection.query_all_raw(statement).await.unwrap().len(), 1);
}
