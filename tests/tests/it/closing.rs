//! Tests the ways out of orders that the table of transitions cannot end: each starts with what carriers send, and ends
//! in a final status or closed.

use app::orders::ManualScan;
use chrono::TimeDelta;
use domain::{
    Closed, ConditionKind, Deadlines, DeclinedUnits, InputField, ItemId, ItemQuantity, Meaning, OrderId,
    OrderStatus, Origin, OriginKind, Refusal, Request, Shipment, ShipmentRefusal, ShipmentStatus, progress,
};
use persistence::{
    mailbox,
    read::{self, OrderFilter, PageRequest},
};
use tests::{
    database::Database,
    front::Front,
    on_every_database,
    shop::{Shop, new_order, support},
    statements::Statements,
};
use uuid::Uuid;

use super::timeline::explain;

on_every_database!(
    a_lost_shipment_is_refunded_and_the_customer_is_told_once,
    a_voided_label_and_a_buyer_who_gives_up_end_cancelled,
    both_shipments_lost_leave_nothing_shipped,
    a_supplier_that_ships_a_part_declines_the_rest_which_is_reassigned,
    a_supplier_that_ships_a_part_declines_the_rest_which_is_cancelled,
    a_shipment_that_its_carrier_cancelled_leaves_an_order_that_can_end,
    an_order_shipped_by_a_label_alone_can_be_closed_and_nobody_is_told,
    what_arrives_after_the_closing_reopens_the_order,
    the_remaining_units_of_a_shipped_order_are_cancelled_and_the_rest_is_delivered,
    an_order_that_never_had_a_shipment_is_closed_by_its_last_unit,
    closed_orders_are_listed_by_their_index,
);

async fn line(shop: &Shop, order: OrderId, quantity: u32) -> Vec<ItemQuantity> {
    vec![ItemQuantity { item_id: shop.order(order).await.items()[0].id, quantity }]
}

async fn cancel_shipment(shop: &Shop, order: OrderId, shipment: &Shipment) {
    let reason = "lost by the carrier".to_owned();
    shop.ask(order, Request::CancelShipment { id: shipment.id, reason }).await.unwrap();
}

async fn cancel_items(shop: &Shop, order: OrderId, quantity: u32) {
    let lines = line(shop, order, quantity).await;
    shop.ask(order, Request::CancelItems { lines, reason: "refunded".to_owned() }).await.unwrap();
}

/// Support records that a shipment is lost: its carrier does not say so by itself.
async fn lose(shop: &Shop, shipment: &Shipment) {
    shop.wait(TimeDelta::minutes(1));
    let scan = ManualScan {
        shipment_id: shipment.id,
        meaning: Meaning::Condition(ConditionKind::Lost),
        occurred_at: shop.now(),
        location: None,
        notes: None,
    };
    shop.app.orders().record_scan(support(), scan, None).await.unwrap();
}

async fn closed(shop: &Shop, order: OrderId) -> Option<Closed> {
    shop.head(order).await.closed
}

async fn summary(shop: &Shop, order: OrderId) -> String {
    let order = shop.order(order).await;
    progress(order.head().status, order.items(), order.shipments()).summary
}

async fn cancelled_mails(shop: &Shop) -> usize {
    shop.drain().await;
    shop.mails().await.iter().filter(|subject| subject.ends_with("has been cancelled")).count()
}

async fn a_lost_shipment_is_refunded_and_the_customer_is_told_once(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[1]).await;
    let shipment = shop.ship(order, "111").await;
    shop.process_code("111", "IT").await;
    lose(&shop, &shipment).await;
    cancel_shipment(&shop, order, &shipment).await;
    assert_eq!((shop.status(order).await, closed(&shop, order).await), (OrderStatus::Shipped, None));
    cancel_items(&shop, order, 1).await;
    let fact = Closed { at: shop.now(), actor: support().actor, reason: "refunded".to_owned() };
    assert_eq!(closed(&shop, order).await, Some(fact));
    assert_eq!(shop.status(order).await, OrderStatus::Shipped, "an order never goes back");
    assert_eq!(summary(&shop, order).await, "all 1 item called off");
    assert_eq!(cancelled_mails(&shop).await, 1);
    let mails = mailbox::list_latest(&shop.store, 10).await.unwrap();
    let mail = mails.iter().find(|mail| mail.subject.contains("cancelled")).unwrap();
    assert!(mail.text.contains("refunded"), "{}", mail.text);
    assert!(mail.text.contains("All 1 item called off."), "{}", mail.text);
    let notifications = read::notifications_of(&shop.store, &[order]).await.unwrap().remove(&order).unwrap();
    let keys: Vec<_> = notifications.iter().map(|notification| notification.key.as_str()).collect();
    assert!(keys.contains(&format!("notify-{order}-cancelled").as_str()), "{keys:?}");

    let url = shop.app.links().tracking_url(order);
    let page = Front::new(&shop).page(url.strip_prefix("https://shop.example.org").unwrap()).await;
    assert!(page.contains("<li class=\"reached\">Called off</li>"), "{page}");
    assert!(page.contains("<strong>all 1 item called off</strong>"), "{page}");
    assert!(
        !page.contains("Out for delivery"),
        "a closed order shows only the steps that it reached: {page}"
    );

    // Reopened and closed again, the order tells nothing anew.
    for request in [
        Request::Reopen { reason: "a mistake".to_owned() },
        Request::Close { reason: "no mistake".to_owned() },
    ] {
        assert!(shop.ask(order, request).await.unwrap().changed);
    }
    assert_eq!(closed(&shop, order).await.unwrap().reason, "no mistake");
    assert_eq!(cancelled_mails(&shop).await, 1);
}

async fn a_voided_label_and_a_buyer_who_gives_up_end_cancelled(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[2]).await;
    let shipment = shop.ship(order, "111").await;
    shop.drain().await;
    assert_eq!(shop.status(order).await, OrderStatus::AwaitingPickup);
    cancel_shipment(&shop, order, &shipment).await;
    cancel_items(&shop, order, 2).await;
    assert_eq!((shop.status(order).await, closed(&shop, order).await), (OrderStatus::Cancelled, None));
    assert_eq!(cancelled_mails(&shop).await, 1);
    let refused = shop.ask(order, Request::Close { reason: "over".to_owned() }).await;
    let Err(app::Error::Refused(Refusal::InvalidInput { field, .. })) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(field, InputField::OrderId);
}

async fn both_shipments_lost_leave_nothing_shipped(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[2]).await;
    let mut shipments = Vec::new();
    for number in ["111", "222"] {
        let lines = Some(line(&shop, order, 1).await);
        shipments.push(shop.ship_lines(order, number, lines).await.unwrap());
        shop.process_code(number, "IT").await;
    }
    assert_eq!(summary(&shop, order).await, "shipped: 2 of 2 items");
    for shipment in &shipments {
        lose(&shop, shipment).await;
        cancel_shipment(&shop, order, shipment).await;
    }
    let now = shop.order(order).await;
    let told = progress(now.head().status, now.items(), now.shipments());
    assert_eq!((told.items_shipped, told.shipments_total), (0, 0));
    assert_eq!(told.summary, "nothing on its way: 0 of 2 items shipped");
    cancel_items(&shop, order, 1).await;
    assert_eq!(closed(&shop, order).await, None, "a unit is wanted");
    cancel_items(&shop, order, 1).await;
    assert!(closed(&shop, order).await.is_some());
    assert_eq!(cancelled_mails(&shop).await, 1);
}

/// An order of five units of a supplier, which ships two of them and declines three.
async fn partly_declined(shop: &Shop) -> (OrderId, ItemId) {
    let mut new = new_order(&[5]);
    new.items[0].origin = Some(Origin { kind: OriginKind::Supplier, code: "acme".to_owned() });
    let (item, declined) = (new.items[0].id, ItemId(Uuid::now_v7()));
    let order = shop.app.orders().place_order(&support(), new, None).await.unwrap().order.id;
    for status in [OrderStatus::PaymentConfirmed, OrderStatus::Processing] {
        shop.to(order, status).await.unwrap();
    }
    let lines = Some(vec![ItemQuantity { item_id: item, quantity: 2 }]);
    shop.ship_lines(order, "111", lines).await.unwrap();
    shop.process_code("111", "IT").await;
    let line = ItemQuantity { item_id: item, quantity: 3 };
    let units = vec![DeclinedUnits { line, new_item: declined }];
    shop.ask(order, Request::DeclineUnits { units, reason: "out of stock".to_owned() }).await.unwrap();
    let now = shop.order(order).await;
    let quantities: Vec<_> = now.items().iter().map(|item| (item.id, item.quantity)).collect();
    assert_eq!(quantities, [(item, 2), (declined, 3)]);
    let of_declined = &now.items()[1];
    assert_eq!(of_declined.commitment.declined(), Some((shop.now(), Some("out of stock"))));
    assert_eq!(of_declined.split_from, Some(item));
    assert_eq!(now.items()[0].commitment.declined(), None);
    (order, declined)
}

async fn a_supplier_that_ships_a_part_declines_the_rest_which_is_reassigned(database: Database) {
    let shop = Shop::new(database.store);
    let (order, declined) = partly_declined(&shop).await;
    let origin = Origin { kind: OriginKind::Warehouse, code: "north".to_owned() };
    let deadlines = Deadlines::default();
    shop.ask(order, Request::ReassignItems { items: vec![declined], origin, deadlines }).await.unwrap();
    let rest = shop.ship(order, "222").await;
    assert_eq!(rest.lines, [ItemQuantity { item_id: declined, quantity: 3 }]);
    for number in ["111", "222"] {
        shop.process_code(number, "DL").await;
    }
    assert_eq!(shop.status(order).await, OrderStatus::Delivered);
    assert_eq!(summary(&shop, order).await, "delivered: 5 of 5 items");
}

async fn a_supplier_that_ships_a_part_declines_the_rest_which_is_cancelled(database: Database) {
    let shop = Shop::new(database.store);
    let (order, declined) = partly_declined(&shop).await;
    assert_eq!(shop.status(order).await, OrderStatus::Processing);
    let lines = vec![ItemQuantity { item_id: declined, quantity: 3 }];
    shop.ask(order, Request::CancelItems { lines, reason: "out of stock".to_owned() }).await.unwrap();
    assert_eq!(shop.status(order).await, OrderStatus::Shipped, "the rest is that far");
    shop.process_code("111", "DL").await;
    assert_eq!(shop.status(order).await, OrderStatus::Delivered);
    assert_eq!(summary(&shop, order).await, "2 of 5 items delivered; 3 called off");
    assert_eq!(cancelled_mails(&shop).await, 0);
}

async fn a_shipment_that_its_carrier_cancelled_leaves_an_order_that_can_end(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[1]).await;
    let shipment = shop.ship(order, "111").await;
    shop.process_code("111", "CA").await;
    let now = shop.order(order).await;
    assert_eq!(now.shipments()[0].status(), ShipmentStatus::Cancelled);
    assert_eq!(now.items()[0].unallocated(now.shipments()), 1, "its unit is free");
    cancel_items(&shop, order, 1).await;
    assert_eq!(shop.status(order).await, OrderStatus::Cancelled);
    assert_eq!(cancelled_mails(&shop).await, 1);
    assert!(shop.order(order).await.shipments()[0].cancelled_at.is_some(), "{} is final", shipment.id);
}

async fn an_order_shipped_by_a_label_alone_can_be_closed_and_nobody_is_told(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[1]).await;
    shop.ship(order, "111").await;
    shop.process_code("111", "OC").await;
    assert_eq!(shop.status(order).await, OrderStatus::Shipped, "as it is mapped");
    shop.wait(TimeDelta::hours(1));
    shop.process_code("111", "CA").await;
    let refused = shop.to(order, OrderStatus::Cancelled).await;
    let Err(app::Error::Refused(refusal)) = refused else { panic!("{refused:?}") };
    assert!(refusal.to_string().contains("close it as it is (closeOrder)"), "{refusal}");
    shop.ask(order, Request::Close { reason: "the label was voided".to_owned() }).await.unwrap();
    assert!(closed(&shop, order).await.is_some());
    assert_eq!(cancelled_mails(&shop).await, 0, "a unit is outstanding");
}

async fn what_arrives_after_the_closing_reopens_the_order(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[2]).await;
    shop.ship_lines(order, "111", Some(line(&shop, order, 1).await)).await.unwrap();
    shop.process_code("111", "IT").await;
    shop.ask(order, Request::Close { reason: "given up".to_owned() }).await.unwrap();
    shop.wait(TimeDelta::hours(1));
    shop.process_code("111", "OD").await;
    assert_eq!(closed(&shop, order).await, None, "the parcel moves");
    shop.ask(order, Request::Close { reason: "given up".to_owned() }).await.unwrap();
    shop.ship(order, "222").await;
    assert_eq!(closed(&shop, order).await, None, "it has a new shipment");
    for number in ["111", "222"] {
        shop.wait(TimeDelta::hours(1));
        shop.process_code(number, "DL").await;
    }
    shop.ask(order, Request::Close { reason: "over".to_owned() }).await.unwrap();
    shop.ask(order, Request::InitiateReturn { lines: None, reason: "too small".to_owned() }).await.unwrap();
    assert_eq!(closed(&shop, order).await, None, "units come back");
    shop.ask(order, Request::Close { reason: "it never came".to_owned() }).await.unwrap();
    shop.ask(order, Request::ReceiveReturn { lines: None, notes: None }).await.unwrap();
    assert_eq!((shop.status(order).await, closed(&shop, order).await), (OrderStatus::Returned, None));
}

async fn the_remaining_units_of_a_shipped_order_are_cancelled_and_the_rest_is_delivered(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[2]).await;
    let mut shipments = Vec::new();
    for number in ["111", "222"] {
        shipments.push(shop.ship_lines(order, number, Some(line(&shop, order, 1).await)).await.unwrap());
        shop.process_code(number, "IT").await;
    }
    shop.wait(TimeDelta::hours(1));
    shop.process_code("222", "DL").await;
    assert_eq!(shop.status(order).await, OrderStatus::Shipped);
    let lines = line(&shop, order, 1).await;
    let refused = shop.ask(order, Request::CancelItems { lines, reason: "lost".to_owned() }).await;
    let Err(app::Error::Refused(refusal)) = refused else { panic!("{refused:?}") };
    assert!(refusal.to_string().contains("cancel their shipment first"), "{refusal}");
    let request = Request::CancelShipment { id: shipments[0].id, reason: "lost".to_owned() };
    let refused = shop.ask(order, request).await;
    let Err(app::Error::Refused(Refusal::Shipment { code, message })) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(code, ShipmentRefusal::AlreadyMoving);
    assert!(message.contains("recordScan"), "{message}");
    lose(&shop, &shipments[0]).await;
    cancel_shipment(&shop, order, &shipments[0]).await;
    cancel_items(&shop, order, 1).await;
    assert_eq!(shop.status(order).await, OrderStatus::Delivered, "all that is left was delivered");
    assert_eq!(closed(&shop, order).await, None);
    assert_eq!(cancelled_mails(&shop).await, 0);
}

async fn an_order_that_never_had_a_shipment_is_closed_by_its_last_unit(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[1]).await;
    shop.to(order, OrderStatus::Shipped).await.unwrap();
    cancel_items(&shop, order, 1).await;
    assert!(closed(&shop, order).await.is_some());
    assert_eq!(cancelled_mails(&shop).await, 1);
}

async fn closed_orders_are_listed_by_their_index(database: Database) {
    let (store, statements) = Statements::record(&database).await;
    let shop = Shop::new(store);
    let (open, closed) = (shop.processing(&[1]).await, shop.processing(&[1]).await);
    shop.ask(closed, Request::Close { reason: "over".to_owned() }).await.unwrap();
    let list = async |closed| {
        let filter = OrderFilter { closed, ..OrderFilter::default() };
        let page = PageRequest { limit: 10, from_end: false, after: None, before: None };
        let page = read::orders_page(&shop.store, &filter, &page).await.unwrap();
        page.rows.into_iter().map(|head| head.id).collect::<Vec<_>>()
    };
    assert_eq!(list(None).await.len(), 2);
    assert_eq!(list(Some(false)).await, [open]);
    statements.take(|_| true);
    assert_eq!(list(Some(true)).await, [closed]);
    let sql = statements.take(|sql| sql.contains("closed_at")).remove(0);
    let plan = explain(&database, &sql).await;
    assert!(plan.contains("idx_order_closed"), "{sql}:\n{plan}");
    assert!(!plan.contains("Sort Key") && !plan.contains("TEMP B-TREE"), "{sql}:\n{plan}");
}
