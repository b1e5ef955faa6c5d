//! Tests returns by quantity, with the database.

use carriers::{Sender, SimulatedHistory, SimulatedScan};
use chrono::TimeDelta;
use domain::{
    BlockerCode, Carrier, ConditionKind, InputField, ItemField, ItemId, ItemQuantity, Meaning, OrderId,
    OrderStatus, Refusal, Request, ScanEffect, ShipmentStatus, progress,
};
use persistence::read;
use sea_orm::ConnectionTrait;
use tests::{database::Database, on_every_database, shop::Shop};

on_every_database!(
    three_units_are_asked_back_and_the_last_one_in_makes_the_order_returned,
    a_return_begun_by_hand_is_received_by_quantity_or_closed_by_hand,
    rivals_receive_no_unit_twice,
    the_database_keeps_the_books_as_well,
    trouble_on_the_way_back_is_no_trouble_of_what_was_delivered,
);

/// Places an order and delivers it.
async fn delivered(shop: &Shop, quantities: &[i32]) -> (OrderId, Vec<ItemId>) {
    let order = shop.processing(quantities).await;
    let number = format!("N{order}").replace('-', "").to_uppercase();
    shop.ship(order, &number).await;
    shop.scan(&number, ShipmentStatus::Delivered).await;
    shop.drain().await;
    assert_eq!(shop.status(order).await, OrderStatus::Delivered);
    let items = shop.order(order).await.items().iter().map(|item| item.id).collect();
    (order, items)
}

fn ask_back(lines: Option<Vec<ItemQuantity>>) -> Request {
    Request::InitiateReturn { lines, reason: "too small".to_owned() }
}

fn receive(lines: Option<Vec<ItemQuantity>>) -> Request {
    Request::ReceiveReturn { lines, notes: Some("as new".to_owned()) }
}

fn line(item_id: ItemId, quantity: u32) -> Option<Vec<ItemQuantity>> {
    Some(vec![ItemQuantity { item_id, quantity }])
}

/// Returns for each item how many units the customer wants to return, and how many were received.
async fn units(shop: &Shop, order: OrderId) -> Vec<(u32, u32)> {
    shop.order(order).await.items().iter().map(|item| (item.return_requested, item.returned)).collect()
}

async fn three_units_are_asked_back_and_the_last_one_in_makes_the_order_returned(database: Database) {
    let shop = Shop::new(database.store);
    let (order, items) = delivered(&shop, &[2, 2]).await;
    let version = shop.head(order).await.version;
    let asked = shop.ask(order, ask_back(line(items[0], 2))).await.unwrap();
    assert_eq!(asked.event.unwrap().notes.as_deref(), Some("too small"));
    let more = shop.ask(order, ask_back(line(items[1], 1))).await.unwrap();
    assert_eq!((more.changed, more.event.is_none()), (true, true));
    assert_eq!(units(&shop, order).await, [(2, 0), (1, 0)]);
    let reasons = shop.order(order).await.items().iter().filter(|item| item.return_reason.is_some()).count();
    assert_eq!(reasons, 2);

    shop.wait(TimeDelta::days(3));
    let one = shop.ask(order, receive(line(items[0], 1))).await.unwrap();
    assert_eq!(
        (one.changed, one.event.is_none(), one.order.status),
        (true, true, OrderStatus::ReturnInitiated)
    );
    assert_eq!(shop.head(order).await.updated_at, shop.now());
    let now = shop.order(order).await;
    let told = progress(now.head().status, now.items(), now.shipments());
    assert_eq!((told.items_returned, told.summary.as_str()), (1, "return under way: 1 of 3 items back"));
    let refused = shop.to(order, OrderStatus::Returned).await;
    let Err(app::Error::Refused(Refusal::InvalidTransition { blocker, .. })) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(blocker.code, BlockerCode::ReturnIncomplete);
    let refused = shop.ask(order, receive(line(items[1], 3))).await;
    let Err(app::Error::Refused(Refusal::InvalidInput { field, .. })) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(field, InputField::Item(0, ItemField::Quantity));

    shop.ask(order, receive(line(items[1], 1))).await.unwrap();
    assert_eq!(shop.status(order).await, OrderStatus::ReturnInitiated);
    let last = shop.ask(order, receive(None)).await.unwrap();
    let event = last.event.unwrap();
    assert_eq!(
        (event.to, event.version, event.notes.as_deref()),
        (OrderStatus::Returned, version + 2, Some("as new"))
    );
    assert_eq!(units(&shop, order).await, [(2, 2), (1, 1)]);
}

async fn a_return_begun_by_hand_is_received_by_quantity_or_closed_by_hand(database: Database) {
    let shop = Shop::new(database.store);
    let (order, items) = delivered(&shop, &[2, 1]).await;
    shop.to(order, OrderStatus::ReturnInitiated).await.unwrap();
    shop.ask(order, receive(line(items[0], 1))).await.unwrap();
    assert_eq!(units(&shop, order).await, [(2, 1), (1, 0)], "everything delivered counts as asked back");
    shop.ask(order, receive(None)).await.unwrap();
    assert_eq!(shop.status(order).await, OrderStatus::Returned);

    let (order, _) = delivered(&shop, &[2, 1]).await;
    shop.to(order, OrderStatus::ReturnInitiated).await.unwrap();
    shop.to(order, OrderStatus::Returned).await.unwrap();
    assert_eq!(units(&shop, order).await, [(2, 2), (1, 1)], "it came back whole");
}

async fn rivals_receive_no_unit_twice(database: Database) {
    let shops = [Shop::new(database.store.clone()), Shop::new(database.store)];
    let (order, items) = delivered(&shops[0], &[5]).await;
    shops[0].ask(order, ask_back(None)).await.unwrap();
    let commands = (0..16).map(|at| shops[at % 2].ask(order, receive(line(items[0], 1))));
    let answers = futures::future::join_all(commands).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 5);
    assert_eq!(units(&shops[0], order).await, [(5, 5)]);
    assert_eq!(shops[0].status(order).await, OrderStatus::Returned);
}

async fn the_database_keeps_the_books_as_well(database: Database) {
    let shop = Shop::new(database.store.clone());
    shop.place(&[2]).await;
    let connection = database.connection().await;
    for wrong in [
        "return_requested = 3",
        "return_requested = -1",
        "returned = 1",
        "return_requested = 1, returned = 2",
        "return_requested = 1, returned = 1, return_written_off = 1",
        "return_written_off = -1",
        "cancelled = 1, return_requested = 2",
        "accept_by = '2026-03-01T12:00:00+00:00'",
        "origin_kind = 'warehouse', accepted_at = '2026-03-01T12:00:00+00:00'",
        "origin_kind = 'supplier', declined_at = '2026-03-01T12:00:00+00:00'",
        "origin_kind = 'supplier', decline_reason = 'no', declined_at = '2026-03-01T12:00:00+00:00', \
         accepted_at = '2026-03-01T12:00:00+00:00'",
    ] {
        let sql = format!("UPDATE order_items SET {wrong}");
        let error = connection.execute_unprepared(&sql).await.expect_err(wrong).to_string();
        assert!(error.to_lowercase().contains("check constraint"), "{wrong}: {error}");
    }
    let right = "UPDATE order_items SET return_requested = 2, returned = 1, origin_kind = 'supplier', \
                 ship_by = '2026-03-01T12:00:00+00:00'";
    connection.execute_unprepared(right).await.unwrap();
}

async fn trouble_on_the_way_back_is_no_trouble_of_what_was_delivered(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[1]).await;
    let shipment = shop.ship(order, "717171").await;
    let begin = shop.now();
    shop.wait(TimeDelta::days(14));
    // The trouble arrives first. Only the pick-up shows that it belongs to the way back.
    let story = [
        (3, Meaning::Status(ShipmentStatus::Delivered)),
        (11, Meaning::Condition(ConditionKind::Delayed)),
        (10, Meaning::Status(ShipmentStatus::PickedUp)),
        (12, Meaning::Condition(ConditionKind::DeliveryAttemptFailed)),
    ];
    for (day, meaning) in story {
        let scans =
            [SimulatedScan { meaning, at: (begin + TimeDelta::days(day)).fixed_offset(), location: None }];
        let history = SimulatedHistory {
            carrier: Carrier::FEDEX,
            tracking_number: "717171",
            scans: &scans,
            estimated_delivery: None,
            sent_at: shop.now(),
        };
        shop.push(&Sender::Fedex.simulate(&history).pop().expect("FedEx can say that")).await;
        shop.drain().await;
    }
    let tracking = shop.order(order).await.shipments()[0].tracking.clone();
    assert_eq!((tracking.status, tracking.condition), (ShipmentStatus::Delivered, None));
    let scans = read::scans_of(&shop.store, &[shipment.id]).await.unwrap().remove(&shipment.id).unwrap();
    let effects: Vec<_> = scans.iter().map(|scan| scan.effect).collect();
    use ScanEffect::{Applied, ReturnLeg, Stale};
    // Newest first. The delay arrived before the pick-up. The delivery had ended it, so it changed nothing.
    assert_eq!(effects, [ReturnLeg, Stale, ReturnLeg, Applied]);
    assert_eq!(shop.status(order).await, OrderStatus::Delivered);
}
