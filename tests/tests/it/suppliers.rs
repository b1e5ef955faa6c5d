//! Tests that a supplier sees the orders with its items, and no others. For lists and look-ups the database filters;
//! for changes the loaded order is checked.

use app::{Caller, IdempotencyKey, orders::Command, reads::Extent};
use domain::{
    Actor, ActorKind, Carrier, ItemQuantity, NewShipment, OrderId, OrderStatus, Origin, OriginKind, Rank,
    Refusal, Request, ShipmentId, ShipmentRefusal, ShipmentStatus, TrackingNumber,
};
use persistence::{
    Event,
    read::{EventFilter, EventId, Key, OrderFilter, PageRequest},
};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use tests::{
    database::Database,
    on_every_database,
    shop::{Shop, new_order, support},
    statements::Statements,
};
use uuid::Uuid;

on_every_database!(
    lists_look_ups_and_changes_agree_on_what_is_a_suppliers,
    pages_of_a_supplier_go_on_where_they_ended,
    the_log_goes_on_where_it_ended_though_all_happened_at_once,
    an_answer_is_not_repeated_to_a_supplier_who_may_not_see_it_any_more,
    units_of_a_supplier_count_in_whichever_shipment_they_travel,
);

fn supplier(code: &str) -> Caller {
    Caller { actor: Actor::new(ActorKind::Supplier, code), request_id: None, email: None }
}

/// Places an order with an item of two units from each of these origins.
async fn place(shop: &Shop, origins: &[Option<(OriginKind, &str)>]) -> OrderId {
    let mut new = new_order(&vec![2; origins.len()]);
    for (item, origin) in new.items.iter_mut().zip(origins) {
        item.origin = origin.map(|(kind, code)| Origin { kind, code: code.to_owned() });
    }
    let reference = format!("R-{}", new.id);
    new.reference = Some(reference);
    shop.app.orders().place_order(&support(), new, None).await.unwrap().order.id
}

const ALL: PageRequest<Uuid> = PageRequest { limit: 50, from_end: false, after: None, before: None };

/// Returns the orders in the supplier's list.
async fn listed(shop: &Shop, caller: &Caller) -> Vec<OrderId> {
    let page = shop.app.reads().orders(caller, OrderFilter::default(), &ALL).await.unwrap();
    let count = shop.app.reads().count_orders(caller, OrderFilter::default()).await.unwrap();
    assert_eq!(count, page.rows.len() as u64);
    let mut ids: Vec<_> = page.rows.iter().map(|order| order.id).collect();
    ids.sort();
    ids
}

async fn lists_look_ups_and_changes_agree_on_what_is_a_suppliers(database: Database) {
    use OriginKind::{Supplier, Warehouse};
    let shop = Shop::new(database.store.clone());
    let orders = [
        place(&shop, &[Some((Supplier, "acme"))]).await,
        place(&shop, &[None, Some((Supplier, "bolt")), Some((Supplier, "acme")), Some((Supplier, "acme"))])
            .await,
        place(&shop, &[Some((Supplier, "bolt"))]).await,
        place(&shop, &[Some((Warehouse, "acme"))]).await,
        place(&shop, &[Some((Supplier, "Acme")), Some((Supplier, "acme "))]).await,
        place(&shop, &[None]).await,
    ];
    for (code, own) in
        [("acme", vec![0, 1]), ("bolt", vec![1, 2]), ("Acme", vec![4]), ("acme ", vec![4]), ("a%", vec![])]
    {
        let caller = supplier(code);
        let expected: Vec<_> = own.iter().map(|at: &usize| orders[*at]).collect();
        assert_eq!(listed(&shop, &caller).await, expected, "{code}");
        for (at, order_id) in orders.into_iter().enumerate() {
            let found = shop.app.reads().order(&caller, order_id).await.unwrap();
            assert_eq!(found.is_some(), own.contains(&at), "{code} {at}");
            let reference = format!("R-{order_id}");
            let found = shop.app.reads().order_by_reference(&caller, &reference).await.unwrap();
            assert_eq!(found.is_some(), own.contains(&at), "{code} {at}");
            let filter = EventFilter { order_id: Some(order_id), ..EventFilter::default() };
            let events = shop.app.reads().events_count(&caller, filter).await.unwrap();
            assert_eq!(events, u64::from(own.contains(&at)), "{code} {at}");

            // Requests the status that the order has already: whoever may see the order is granted it, and nothing
            // changes.
            let request = Request::Transition { to: OrderStatus::Placed, notes: None, metadata: None };
            let command =
                Command { caller: caller.clone(), order_id, request, expected_version: None, key: None };
            match shop.app.orders().execute(command).await {
                Ok(changed) => assert!(own.contains(&at) && !changed.changed, "{code} {at}"),
                Err(app::Error::Refused(Refusal::NotFound("order"))) => {
                    assert!(!own.contains(&at), "{code} {at}");
                }
                Err(error) => panic!("{code} {at}: {error}"),
            }
        }
    }
}

async fn pages_of_a_supplier_go_on_where_they_ended(database: Database) {
    let shop = Shop::new(database.store.clone());
    let mut own = Vec::new();
    for at in 0..7 {
        shop.wait(chrono::TimeDelta::seconds(1));
        let code = if at % 2 == 0 { "acme" } else { "bolt" };
        let order = place(&shop, &[Some((OriginKind::Supplier, code)), None]).await;
        own.extend((code == "acme").then_some(order));
    }
    own.reverse();
    let caller = supplier("acme");
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = PageRequest { limit: 3, after, ..ALL };
        let page = shop.app.reads().orders(&caller, OrderFilter::default(), &page).await.unwrap();
        seen.extend(page.rows.iter().map(|order| order.id));
        after = page.rows.last().map(|order| Key { at: order.placed_at, id: order.id.0 });
        if !page.has_more {
            break;
        }
    }
    assert_eq!(seen, own);
}

async fn the_log_goes_on_where_it_ended_though_all_happened_at_once(database: Database) {
    let shop = Shop::new(database.store);
    let mut own = Vec::new();
    for code in ["acme", "bolt", "acme", "acme", "bolt", "acme"] {
        let order = place(&shop, &[Some((OriginKind::Supplier, code))]).await;
        own.extend((code == "acme").then_some(order));
    }
    own.reverse();
    let caller = supplier("acme");
    let place = |event: &Event| Key {
        at: event.occurred_at,
        id: EventId { order_id: event.order_id, version: event.version },
    };
    let log = async |page: PageRequest<EventId>| {
        shop.app.reads().events(&caller, EventFilter::default(), &page).await.unwrap().rows
    };
    let all = log(PageRequest { limit: 9, from_end: false, after: None, before: None }).await;
    assert_eq!(all.iter().map(|event| event.order_id).collect::<Vec<_>>(), own);
    let rest = PageRequest { limit: 9, from_end: false, after: Some(place(&all[1])), before: None };
    assert_eq!(log(rest).await, all[2..]);
    let before = PageRequest { limit: 1, from_end: true, after: None, before: Some(place(&all[2])) };
    assert_eq!(log(before).await, all[1..2]);
}

async fn an_answer_is_not_repeated_to_a_supplier_who_may_not_see_it_any_more(database: Database) {
    let shop = Shop::new(database.store.clone());
    let order =
        place(&shop, &[Some((OriginKind::Supplier, "acme")), Some((OriginKind::Supplier, "acme"))]).await;
    let item_id = shop.order(order).await.items()[0].id;
    let ship = async |code: &str| {
        let new = NewShipment {
            id: ShipmentId(Uuid::now_v7()),
            tracking_number: TrackingNumber::parse(Carrier::UPS, "1Z").unwrap(),
            further_numbers: vec![],
            shares_numbers: false,
            origin: None,
            lines: Some(vec![ItemQuantity { item_id, quantity: 1 }]),
            estimated_delivery: None,
        };
        let key = IdempotencyKey::new("key".to_owned(), "ship", &"the same").unwrap();
        shop.app.orders().create_shipment(supplier(code), order, new, Some(key)).await
    };
    let first = ship("acme").await.unwrap();
    assert_eq!(ship("acme").await.unwrap().shipment, first.shipment);
    let connection = database.connection().await;
    for (items, gone) in [("position = 0", "shipment"), ("true", "order")] {
        let reassign = format!("UPDATE order_items SET origin_code = 'bolt' WHERE {items}");
        connection.execute_unprepared(&reassign).await.unwrap();
        let refused = ship("acme").await;
        assert!(
            matches!(&refused, Err(app::Error::Refused(Refusal::NotFound(what))) if *what == gone),
            "{refused:?}"
        );
        // The item's new supplier must not learn of the earlier shipment.
        let refused = ship("bolt").await;
        let in_use = matches!(
            refused,
            Err(app::Error::Refused(Refusal::Shipment { code: ShipmentRefusal::NumberInUse, .. }))
        );
        assert!(in_use, "{refused:?}");
    }
}

async fn units_of_a_supplier_count_in_whichever_shipment_they_travel(database: Database) {
    let shop = Shop::new(database.store.clone());
    let order = place(&shop, &[Some((OriginKind::Supplier, "acme")), None]).await;
    for status in [OrderStatus::PaymentConfirmed, OrderStatus::Processing] {
        shop.to(order, status).await.unwrap();
    }
    let lines = shop
        .order(order)
        .await
        .items()
        .iter()
        .map(|item| ItemQuantity { item_id: item.id, quantity: 1 })
        .collect();
    let mixed = NewShipment {
        id: ShipmentId(Uuid::now_v7()),
        tracking_number: TrackingNumber::parse(Carrier::FEDEX, "515151").unwrap(),
        further_numbers: vec![],
        shares_numbers: false,
        origin: Some(Origin { kind: OriginKind::Warehouse, code: "main".to_owned() }),
        lines: Some(lines),
        estimated_delivery: None,
    };
    shop.app.orders().create_shipment(support(), order, mixed, None).await.unwrap();
    shop.scan("515151", ShipmentStatus::Delivered).await;
    shop.drain().await;
    for (caller, units, shipments) in [(support(), 2, 1), (supplier("acme"), 1, 0)] {
        let items = shop
            .app
            .reads()
            .items_of(&caller, vec![order], Extent::Ordinary)
            .await
            .unwrap()
            .remove(&order)
            .unwrap();
        let seen = shop
            .app
            .reads()
            .visible_shipments_of(&caller, vec![order], Extent::Ordinary)
            .await
            .unwrap()
            .remove(&order)
            .unwrap();
        let status = shop.status(order).await;
        assert_eq!(items[0].allocated(&seen.counted), 1);
        assert_eq!(items[0].units_at(Rank::Delivered, status, &seen.counted), 1);
        let progress = seen.progress(status, &items);
        assert_eq!((progress.items_delivered, progress.shipments_delivered), (units, shipments));
        assert_eq!((seen.visible.len(), progress.shipments_total), (shipments as usize, shipments));
        let counted: Vec<_> = seen.counted.iter().flat_map(|shipment| &shipment.lines).collect();
        assert_eq!(counted.len(), units as usize, "of other items there is nothing to count");
    }
}

/// Returns all statements of the product that filter the orders of a supplier.
async fn sorting_out(database: &Database) -> Vec<String> {
    let (store, statements) = Statements::record(database).await;
    let shop = Shop::new(store);
    let caller = supplier("acme");
    listed(&shop, &caller).await;
    shop.app.reads().order(&caller, OrderId(Uuid::nil())).await.unwrap();
    shop.app.reads().order_by_reference(&caller, "R").await.unwrap();
    shop.app.reads().events_count(&caller, EventFilter::default()).await.unwrap();
    statements.take(|sql| sql.contains(r#""origin_code" = $"#))
}

#[tokio::test]
async fn the_orders_of_a_supplier_are_found_by_an_index() {
    let Some(database) = Database::postgres().await else { return };
    let statements = sorting_out(&database).await;
    assert_eq!(statements.len(), 5, "the page, both counts, by id and by reference: {statements:?}");
    let connection = database.connection().await;
    // With a few rows PostgreSQL would read the table instead of the index, so forbid that. The values of the
    // parameters do not matter.
    connection.execute_unprepared("SET enable_seqscan = off").await.unwrap();
    connection.execute_unprepared("SET plan_cache_mode = force_generic_plan").await.unwrap();
    for (at, sql) in statements.iter().enumerate() {
        connection.execute_unprepared(&format!("PREPARE said_{at} AS {sql}")).await.unwrap();
        let parameters = vec!["NULL"; sql.matches('$').count()].join(", ");
        let explain = format!("EXPLAIN EXECUTE said_{at}({parameters})");
        let plan =
            connection.query_all_raw(Statement::from_string(DbBackend::Postgres, explain)).await.unwrap();
        let plan: Vec<String> = plan.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
        assert!(plan.iter().any(|line| line.contains("idx_item_origin")), "{sql}: {}", plan.join("\n"));
    }
}
