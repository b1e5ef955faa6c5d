//! Tests dropship orders with the database: the supplier's answer is stored and published on the live feed, and is no
//! order event.

use app::orders::CommandOutcome;
use chrono::TimeDelta;
use domain::{
    Deadlines, FulfillmentPath, InputField, ItemId, NewOrder, OrderId, OrderStatus, Origin, OriginKind,
    Overdue, Refusal, Request, ShipmentStatus, SupplierCommitment,
};
use persistence::outbox;
use tests::{
    database::Database,
    on_every_database,
    shop::{Shop, new_order, support},
};

on_every_database!(
    a_dropship_item_is_asked_for_declined_reassigned_and_shipped_from_the_warehouse,
    a_supplier_is_overdue_until_it_answers_and_until_it_ships,
    an_answer_is_told_to_the_live_feed_and_is_no_event,
    the_same_key_answers_once,
);

fn origin(kind: OriginKind, code: &str) -> Origin {
    Origin { kind, code: code.to_owned() }
}

/// Places an order with two items: two units from the supplier acme, to be accepted in two hours and shipped in a day,
/// and one unit of the merchant's own.
async fn dropship(shop: &Shop) -> (OrderId, ItemId) {
    let mut new = new_order(&[2, 1]);
    new.items[0].origin = Some(origin(OriginKind::Supplier, "acme"));
    new.items[0].deadlines = deadlines(shop);
    let item = new.items[0].id;
    (place(shop, new).await, item)
}

fn deadlines(shop: &Shop) -> Deadlines {
    let after = |hours| Some(shop.now() + TimeDelta::hours(hours));
    Deadlines { accept_by: after(2), ship_by: after(24) }
}

async fn place(shop: &Shop, new: NewOrder) -> OrderId {
    let order = shop.app.orders().place_order(&support(), new, None).await.unwrap().order.id;
    for status in [OrderStatus::PaymentConfirmed, OrderStatus::Processing] {
        shop.to(order, status).await.unwrap();
    }
    order
}

async fn decline(shop: &Shop, order: OrderId, item: ItemId) -> app::Result<CommandOutcome> {
    shop.ask(order, Request::DeclineItems { items: vec![item], reason: "sold out".to_owned() }).await
}

async fn reassign(shop: &Shop, order: OrderId, item: ItemId, to: Origin) -> app::Result<CommandOutcome> {
    let deadlines = Deadlines::default();
    shop.ask(order, Request::ReassignItems { items: vec![item], origin: to, deadlines }).await
}

async fn commitment(shop: &Shop, order: OrderId) -> SupplierCommitment {
    shop.order(order).await.items()[0].commitment.clone()
}

async fn a_dropship_item_is_asked_for_declined_reassigned_and_shipped_from_the_warehouse(database: Database) {
    let shop = Shop::new(database.store);
    let agreed = deadlines(&shop);
    let (order, item) = dropship(&shop).await;
    assert_eq!(commitment(&shop, order).await, SupplierCommitment { deadlines: agreed, answer: None });
    assert_eq!(shop.head(order).await.fulfillment_path, FulfillmentPath::Dropship);

    shop.ask(order, Request::AcceptItems { items: vec![item] }).await.unwrap();
    assert_eq!(commitment(&shop, order).await.accepted_at(), Some(shop.now()));
    shop.wait(TimeDelta::minutes(5));
    assert!(decline(&shop, order, item).await.unwrap().changed);
    let declined = commitment(&shop, order).await;
    assert_eq!(declined.declined(), Some((shop.now(), Some("sold out"))));
    assert_eq!((declined.accepted_at(), declined.deadlines), (None, agreed));
    assert_eq!(shop.head(order).await.updated_at, shop.now());
    assert!(!decline(&shop, order, item).await.unwrap().changed);
    let refused = shop.ask(order, Request::AcceptItems { items: vec![item] }).await;
    assert!(
        matches!(&refused, Err(app::Error::Refused(Refusal::InvalidInput { field, .. })) if *field == InputField::ItemId(0)),
        "{refused:?}"
    );

    let north = origin(OriginKind::Warehouse, "north");
    reassign(&shop, order, item, north.clone()).await.unwrap();
    let now = shop.order(order).await;
    assert_eq!(
        (now.items()[0].origin.as_ref(), &now.items()[0].commitment),
        (Some(&north), &SupplierCommitment::default())
    );
    assert_eq!(now.head().fulfillment_path, FulfillmentPath::Dropship, "the plan stays as it was placed");
    let line = vec![domain::ItemQuantity { item_id: item, quantity: 2 }];
    assert_eq!(shop.ship_lines(order, "111", Some(line)).await.unwrap().origin, north);
    shop.ship(order, "222").await;
    for number in ["111", "222"] {
        shop.scan(number, ShipmentStatus::Delivered).await;
    }
    shop.drain().await;
    assert_eq!(shop.status(order).await, OrderStatus::Delivered);
    let refused = reassign(&shop, order, item, north).await;
    assert!(refused.is_ok_and(|done| !done.changed), "it is so");
    assert!(decline(&shop, order, item).await.is_err(), "no supplier ships it");
}

async fn a_supplier_is_overdue_until_it_answers_and_until_it_ships(database: Database) {
    let shop = Shop::new(database.store);
    let (order, item) = dropship(&shop).await;
    let overdue = async || {
        let now = shop.order(order).await;
        now.items()[0].overdue(now.shipments(), now.head().status, shop.now())
    };
    shop.wait(TimeDelta::hours(2));
    assert_eq!(overdue().await, None);
    shop.wait(TimeDelta::seconds(1));
    assert_eq!(overdue().await, Some(Overdue::AcceptBy));
    shop.ask(order, Request::AcceptItems { items: vec![item] }).await.unwrap();
    assert_eq!(overdue().await, None);
    shop.wait(TimeDelta::hours(22));
    assert_eq!(overdue().await, Some(Overdue::ShipBy));
    let line = vec![domain::ItemQuantity { item_id: item, quantity: 2 }];
    shop.ship_lines(order, "111", Some(line)).await.unwrap();
    assert_eq!(overdue().await, Some(Overdue::ShipBy), "a label is not with the carrier");
    shop.scan("111", ShipmentStatus::PickedUp).await;
    shop.drain().await;
    assert_eq!(overdue().await, None);
}

async fn an_answer_is_told_to_the_live_feed_and_is_no_event(database: Database) {
    let shop = Shop::new(database.store);
    let (order, item) = dropship(&shop).await;
    let before = shop.events(order).await;
    shop.drain().await;
    let told = async || {
        let (tx, announced) = outbox::take_batch(&shop.store, 10).await.unwrap();
        shop.store.commit(tx).await.unwrap();
        announced.iter().map(|one| (one.order_id, one.version)).collect::<Vec<_>>()
    };
    assert_eq!(told().await, []);
    let accept = Request::AcceptItems { items: vec![item] };
    shop.ask(order, accept.clone()).await.unwrap();
    shop.ask(order, accept).await.unwrap();
    assert_eq!(told().await, [(order, 3)], "once, as the second changed nothing");
    assert_eq!(shop.events(order).await, before);
    assert_eq!(shop.head(order).await.version, 3);
}

async fn the_same_key_answers_once(database: Database) {
    let shop = Shop::new(database.store);
    let (order_id, item) = dropship(&shop).await;
    let acme = origin(OriginKind::Supplier, "acme");
    let key = || app::IdempotencyKey::new("again".to_owned(), "reassignItems", &item.0.to_string()).ok();
    let ask = |key| app::orders::Command {
        caller: support(),
        order_id,
        request: Request::ReassignItems {
            items: vec![item],
            origin: acme.clone(),
            deadlines: Deadlines::default(),
        },
        expected_version: None,
        key,
    };
    assert!(shop.app.orders().execute(ask(key())).await.unwrap().changed);
    shop.ask(order_id, Request::AcceptItems { items: vec![item] }).await.unwrap();
    assert!(shop.app.orders().execute(ask(key())).await.unwrap().changed, "the answer that was given");
    assert!(commitment(&shop, order_id).await.accepted_at().is_some(), "and nothing happened twice");
}
