//! Tests the units in shipments: they are split, moved to another shipment, and never counted twice.

use app::{IdempotencyKey, orders::CommandOutcome};
use chrono::TimeDelta;
use domain::{
    Carrier, ItemQuantity, NewShipment, OrderId, OrderStatus, Request, Shipment, ShipmentId, ShipmentStatus,
    TrackingNumber, WebhookState, progress,
};
use persistence::read;
use tests::{
    database::Database,
    on_every_database,
    shop::{Shop, support},
};
use uuid::Uuid;

use super::inbox::inbox;

on_every_database!(
    two_of_three_units_of_one_line_then_the_third,
    of_three_shipments_the_slowest_is_cancelled_and_its_unit_goes_with_another,
    units_move_from_one_shipment_to_another_and_the_order_does_not_go_back,
    a_shipment_saved_twice_is_counted_once,
    a_number_that_its_carrier_cancelled_goes_to_the_next_order_for_good,
    any_number_of_shipments_is_looked_up_at_once,
);

async fn lines(shop: &Shop, order: OrderId, quantity: u32) -> Option<Vec<ItemQuantity>> {
    Some(vec![ItemQuantity { item_id: shop.order(order).await.items()[0].id, quantity }])
}

async fn cancel_shipment(shop: &Shop, order: OrderId, shipment: &Shipment) -> app::Result<CommandOutcome> {
    let reason = "repacked".to_owned();
    shop.ask(order, Request::CancelShipment { id: shipment.id, reason }).await
}

/// Returns how many units of the first item are in live shipments, how many wait for one, and the summary of the
/// progress.
async fn read_progress(shop: &Shop, order: OrderId) -> (u32, u32, String) {
    let now = shop.order(order).await;
    let item = &now.items()[0];
    let summary = progress(now.head().status, now.items(), now.shipments()).summary;
    (item.allocated(now.shipments()), item.unallocated(now.shipments()), summary)
}

async fn two_of_three_units_of_one_line_then_the_third(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[3]).await;
    shop.ship_lines(order, "111", lines(&shop, order, 2).await).await.unwrap();
    shop.scan("111", ShipmentStatus::Delivered).await;
    shop.drain().await;
    assert_eq!(shop.status(order).await, OrderStatus::Processing, "a unit is in no parcel");
    let summary = "partial shipment: 2 of 3 items shipped, 2 delivered".to_owned();
    assert_eq!(read_progress(&shop, order).await, (2, 1, summary));
    shop.ship(order, "222").await;
    shop.scan("222", ShipmentStatus::InTransit).await;
    shop.drain().await;
    assert_eq!(shop.status(order).await, OrderStatus::Shipped);
    shop.scan("222", ShipmentStatus::Delivered).await;
    shop.drain().await;
    assert_eq!(read_progress(&shop, order).await, (3, 0, "delivered: 3 of 3 items".to_owned()));
    assert_eq!(shop.status(order).await, OrderStatus::Delivered);
}

async fn of_three_shipments_the_slowest_is_cancelled_and_its_unit_goes_with_another(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[3]).await;
    let mut shipments = Vec::new();
    for number in ["111", "222", "333"] {
        shipments.push(shop.ship_lines(order, number, lines(&shop, order, 1).await).await.unwrap());
    }
    shop.scan("222", ShipmentStatus::Delivered).await;
    shop.scan("333", ShipmentStatus::Delivered).await;
    shop.drain().await;
    assert_eq!(shop.status(order).await, OrderStatus::AwaitingPickup, "as far as its slowest");
    cancel_shipment(&shop, order, &shipments[0]).await.unwrap();
    let summary = "partial shipment: 2 of 3 items shipped, 2 delivered".to_owned();
    assert_eq!(read_progress(&shop, order).await, (2, 1, summary));
    assert_eq!(shop.status(order).await, OrderStatus::AwaitingPickup, "its unit is wanted still");
    shop.scan("111", ShipmentStatus::Delivered).await;
    shop.drain().await;
    assert_eq!(shop.status(order).await, OrderStatus::AwaitingPickup, "it was cancelled");
    shop.ship(order, "444").await;
    shop.scan("444", ShipmentStatus::Delivered).await;
    shop.drain().await;
    assert_eq!(read_progress(&shop, order).await, (3, 0, "delivered: 3 of 3 items".to_owned()));
    assert_eq!(shop.status(order).await, OrderStatus::Delivered);
}

async fn units_move_from_one_shipment_to_another_and_the_order_does_not_go_back(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[5]).await;
    let first = shop.ship_lines(order, "111", lines(&shop, order, 3).await).await.unwrap();
    let second = shop.ship_lines(order, "222", lines(&shop, order, 2).await).await.unwrap();
    shop.scan("111", ShipmentStatus::InTransit).await;
    shop.scan("222", ShipmentStatus::InTransit).await;
    shop.wait(TimeDelta::hours(1));
    shop.scan("222", ShipmentStatus::ReturnedToSender).await;
    shop.drain().await;
    assert_eq!(shop.status(order).await, OrderStatus::Shipped);
    assert!(cancel_shipment(&shop, order, &first).await.is_err(), "it moves");
    cancel_shipment(&shop, order, &second).await.unwrap();
    assert_eq!(read_progress(&shop, order).await.0, 3);
    assert_eq!(shop.status(order).await, OrderStatus::Shipped, "two units wait, and nothing goes back");
    let before = shop.events(order).await;

    // Ship the other units one by one, and move one of them to another shipment.
    shop.ship_lines(order, "333", lines(&shop, order, 1).await).await.unwrap();
    let fourth = shop.ship_lines(order, "444", lines(&shop, order, 1).await).await.unwrap();
    let over = shop.ship_lines(order, "555", lines(&shop, order, 1).await).await;
    assert!(matches!(over, Err(app::Error::Refused(domain::Refusal::OverAllocated { .. }))), "{over:?}");
    cancel_shipment(&shop, order, &fourth).await.unwrap();
    shop.ship(order, "555").await;
    assert_eq!(
        read_progress(&shop, order).await,
        (5, 0, "partial shipment: 3 of 5 items shipped".to_owned())
    );
    assert_eq!((shop.status(order).await, shop.events(order).await), (OrderStatus::Shipped, before));
    for number in ["555", "333", "111"] {
        assert_eq!(shop.status(order).await, OrderStatus::Shipped);
        shop.scan(number, ShipmentStatus::Delivered).await;
        shop.drain().await;
    }
    assert_eq!(read_progress(&shop, order).await, (5, 0, "delivered: 5 of 5 items".to_owned()));
    assert_eq!(shop.status(order).await, OrderStatus::Delivered);
}

async fn a_shipment_saved_twice_is_counted_once(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[3]).await;
    let of_two = lines(&shop, order, 2).await;
    let first = shop.ship_lines(order, "111", of_two.clone()).await.unwrap();
    shop.scan("111", ShipmentStatus::InTransit).await;
    shop.drain().await;
    let before = (read_progress(&shop, order).await, shop.head(order).await, shop.events(order).await);
    for of in [of_two.clone(), None, of_two] {
        let again = NewShipment {
            id: ShipmentId(Uuid::now_v7()),
            tracking_number: TrackingNumber::parse(Carrier::FEDEX, "111").unwrap(),
            further_numbers: vec![],
            shares_numbers: false,
            origin: None,
            lines: of,
            estimated_delivery: None,
        };
        let key = IdempotencyKey::new(again.id.to_string(), "createShipment", &"111").unwrap();
        let answer = shop.app.orders().create_shipment(support(), order, again, Some(key)).await.unwrap();
        assert_eq!((answer.changed, answer.shipment.unwrap().id), (false, first.id));
    }
    let after = (read_progress(&shop, order).await, shop.head(order).await, shop.events(order).await);
    assert_eq!(after, before);
    assert_eq!(shop.order(order).await.shipments().len(), 1);
}

async fn a_number_that_its_carrier_cancelled_goes_to_the_next_order_for_good(database: Database) {
    let shop = Shop::new(database.store);
    let first = shop.processing(&[1]).await;
    shop.ship(first, "717171").await;
    shop.scan("717171", ShipmentStatus::Cancelled).await;
    shop.drain().await;
    assert_eq!(shop.order(first).await.shipments()[0].status(), ShipmentStatus::Cancelled);
    let moved_at = shop.now() + TimeDelta::hours(1);
    shop.wait(TimeDelta::days(3));
    let second = shop.processing(&[1]).await;
    shop.ship(second, "717171").await;
    let old = shop.order(first).await.shipments()[0].clone();
    assert_eq!(old.cancelled_at, Some(shop.now()));
    assert_eq!(
        old.cancel_reason.as_deref(),
        Some("cancelled by the carrier, its number was registered anew")
    );
    // The carrier moves the old shipment, although it was cancelled. The number must not have two live shipments.
    shop.scan_at("717171", ShipmentStatus::InTransit, moved_at).await;
    shop.scan("717171", ShipmentStatus::OutForDelivery).await;
    shop.drain().await;
    assert_eq!(shop.status(first).await, OrderStatus::AwaitingPickup);
    assert_eq!(shop.status(second).await, OrderStatus::OutForDelivery);
    let states = inbox(&shop).await.into_iter().map(|webhook| webhook.state);
    assert!(states.into_iter().all(|state| state == WebhookState::Processed));
}

/// A statement has a maximum number of parameters: 32,766 on SQLite, 65,535 on PostgreSQL. Look-ups of more ids must
/// work.
async fn any_number_of_shipments_is_looked_up_at_once(database: Database) {
    let shop = Shop::new(database.store.clone());
    let order = shop.processing(&[1]).await;
    let shipment = shop.ship(order, "111").await;
    let others = (0..70_000).map(|_| ShipmentId(Uuid::now_v7()));
    let ids: Vec<ShipmentId> = others.chain([shipment.id]).collect();
    let found = read::read_shipments(&database.store, &ids).await.unwrap();
    assert_eq!(found.into_keys().collect::<Vec<_>>(), [shipment.id]);
    let numbers: Vec<_> = (100..70_000)
        .map(|number| TrackingNumber::parse(Carrier::FEDEX, &number.to_string()).unwrap())
        .collect();
    let found = read::tracked_shipments_of(&database.store, &numbers).await.unwrap();
    assert_eq!(found.into_keys().collect::<Vec<_>>(), [shipment.tracking_number]);
}
