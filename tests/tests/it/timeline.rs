//! Tests of the timeline of an order: its sequence and its pages, what each role sees, and the indexes behind it.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use app::{
    Caller,
    orders::{Command, ManualScan},
    reads::Extent,
};
use chrono::TimeDelta;
use domain::{
    ActivityKind, Actor, ActorKind, Carrier, Deadlines, ItemId, ItemQuantity, Meaning, NewShipment, OrderId,
    OrderStatus, Origin, OriginKind, Request, ShipmentId, ShipmentStatus, TrackingNumber,
};
use persistence::{
    Store,
    activities::StoredActivity,
    read::{self, EntryId, Key, PageRequest, TimelineEntry},
};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use tests::{
    database::Database,
    on_every_database,
    shop::{self, Shop, new_order, support},
};
use uuid::Uuid;

on_every_database!(
    a_timeline_has_everything_newest_first,
    pages_of_a_timeline_go_on_where_they_ended_both_ways,
    pages_of_many_orders_are_those_of_each,
    a_customer_sees_what_concerns_it,
    a_supplier_sees_its_own_items_and_shipments,
    timelines_are_found_by_indexes,
    lists_of_scans_are_found_by_an_index,
);

const ALL: PageRequest<EntryId> = PageRequest { limit: 100, from_end: false, after: None, before: None };

async fn timeline(
    shop: &Shop,
    caller: &Caller,
    order: OrderId,
    page: PageRequest<EntryId>,
) -> (Vec<TimelineEntry>, bool) {
    let timelines =
        shop.app.reads().timelines_of(caller, vec![order], &page, Extent::Ordinary).await.unwrap();
    timelines.into_values().next().map(|page| (page.rows, page.has_more)).unwrap_or_default()
}

fn keys(entries: &[TimelineEntry]) -> Vec<Key<EntryId>> {
    entries.iter().map(TimelineEntry::key).collect()
}

fn activities(entries: &[TimelineEntry]) -> Vec<&StoredActivity> {
    let activities = entries.iter().rev().filter_map(|entry| match entry {
        TimelineEntry::Activity(stored) => Some(stored),
        TimelineEntry::Scan(_) | TimelineEntry::Event(_) | TimelineEntry::Notification(_) => None,
    });
    activities.collect()
}

/// An order with entries of all kinds, several of each at one time.
async fn eventful(shop: &Shop, number: &str) -> OrderId {
    let order = shop.processing(&[3]).await;
    let item_id = shop.order(order).await.items()[0].id;
    let line = |quantity| Some(vec![ItemQuantity { item_id, quantity }]);
    shop.ship_lines(order, number, line(1)).await.unwrap();
    shop.ship_lines(order, &format!("{number}2"), line(1)).await.unwrap();
    let reason = "sold out".to_owned();
    shop.ask(order, Request::CancelItems { lines: line(1).unwrap(), reason }).await.unwrap();
    for number in [number, &format!("{number}2")] {
        shop.scan(number, ShipmentStatus::PickedUp).await;
        shop.scan(number, ShipmentStatus::OutForDelivery).await;
    }
    shop.drain().await;
    shop.wait(TimeDelta::minutes(1));
    shop.scan(number, ShipmentStatus::Delivered).await;
    shop.scan(&format!("{number}2"), ShipmentStatus::Delivered).await;
    shop.drain().await;
    order
}

async fn a_timeline_has_everything_newest_first(database: Database) {
    let shop = Shop::new(database.store);
    let order = eventful(&shop, "111111").await;
    let (entries, has_more) = timeline(&shop, &support(), order, ALL).await;
    assert!(!has_more);
    let keys = keys(&entries);
    assert!(keys.is_sorted_by(|one, next| one > next), "{keys:?}");
    let store = &shop.store;
    let ids: BTreeSet<EntryId> = keys.iter().map(|key| key.id).collect();
    let events = shop.events(order).await;
    let notifications = read::notifications_of(store, &[order]).await.unwrap().remove(&order).unwrap();
    let shipments: Vec<_> = shop.order(order).await.shipments().iter().map(|one| one.id).collect();
    let scans = read::scans_of(store, &shipments).await.unwrap();
    let expected = events.iter().map(|event| EntryId::Event(event.version));
    let expected = expected.chain(notifications.iter().map(|one| EntryId::Notification(one.id.0)));
    let expected = expected.chain(scans.values().flatten().map(|scan| EntryId::Scan(scan.id.0)));
    let activities = activities(&entries);
    let kinds: Vec<_> = activities.iter().map(|stored| stored.activity.kind).collect();
    use ActivityKind::{ItemsCancelled, ShipmentCreated};
    assert_eq!(kinds, [ShipmentCreated, ShipmentCreated, ItemsCancelled]);
    let expected = expected.chain(activities.iter().map(|stored| EntryId::Activity(stored.id)));
    assert_eq!(ids, expected.collect());
    assert_eq!((events.len(), notifications.len(), scans.values().flatten().count()), (7, 3, 6));
}

/// Reads all pages of a timeline, from one end to the other.
async fn walk(shop: &Shop, caller: &Caller, order: OrderId, limit: u64, from_end: bool) -> Vec<Key<EntryId>> {
    let mut found = Vec::new();
    let mut page = PageRequest { limit, from_end, ..ALL };
    loop {
        let (entries, has_more) = timeline(shop, caller, order, page).await;
        let keys = keys(&entries);
        assert!(keys.len() as u64 == limit || !has_more, "a page is full while there is more");
        if from_end {
            page.before = keys.first().copied();
            found.splice(0..0, keys);
        } else {
            page.after = keys.last().copied();
            found.extend(keys);
        }
        if !has_more {
            return found;
        }
    }
}

async fn pages_of_a_timeline_go_on_where_they_ended_both_ways(database: Database) {
    let shop = Shop::new(database.store);
    let order = eventful(&shop, "222222").await;
    let (entries, _) = timeline(&shop, &support(), order, ALL).await;
    let all = keys(&entries);
    for limit in [1, 2, 3, 7, all.len() as u64, 50] {
        assert_eq!(walk(&shop, &support(), order, limit, false).await, all, "forwards by {limit}");
        assert_eq!(walk(&shop, &support(), order, limit, true).await, all, "backwards by {limit}");
    }
    let between = PageRequest { after: Some(all[2]), before: Some(all[6]), ..ALL };
    assert_eq!(keys(&timeline(&shop, &support(), order, between).await.0), all[3..6]);
    let none = PageRequest { limit: 0, ..ALL };
    let (entries, has_more) = timeline(&shop, &support(), order, none).await;
    assert_eq!((entries.len(), has_more), (0, true));
    let customer =
        Caller { actor: Actor::new(ActorKind::Customer, shop::customer().to_string()), ..support() };
    assert_eq!(walk(&shop, &customer, order, 2, false).await, all, "nothing here is hidden from a customer");
}

async fn pages_of_many_orders_are_those_of_each(database: Database) {
    let shop = Shop::new(database.store);
    let mut orders = Vec::new();
    for number in ["311111", "322222", "333333"] {
        orders.push(eventful(&shop, number).await);
    }
    orders.push(shop.place(&[1]).await);
    for page in [PageRequest { limit: 5, ..ALL }, PageRequest { limit: 5, from_end: true, ..ALL }] {
        let together =
            shop.app.reads().timelines_of(&support(), orders.clone(), &page, Extent::Ordinary).await.unwrap();
        for order in &orders {
            let (alone, has_more) = timeline(&shop, &support(), *order, page).await;
            let together = &together[order];
            assert_eq!((keys(&together.rows), together.has_more), (keys(&alone), has_more));
        }
    }
    let refused = shop.app.reads().timelines_of(&support(), orders, &ALL, Extent::Large(20)).await;
    assert!(matches!(&refused, Err(error) if error.is_too_many_rows()), "{refused:?}");
}

fn supplier(code: &str) -> Caller {
    Caller { actor: Actor::new(ActorKind::Supplier, code), request_id: None, email: None }
}

async fn ask(shop: &Shop, caller: Caller, order_id: OrderId, request: Request) {
    let command = Command { caller, order_id, request, expected_version: None, key: None };
    assert!(shop.app.orders().execute(command).await.unwrap().changed);
}

async fn record(shop: &Shop, caller: Caller, shipment_id: ShipmentId, status: ShipmentStatus) {
    shop.wait(TimeDelta::minutes(1));
    let scan = ManualScan {
        shipment_id,
        meaning: Meaning::Status(status),
        occurred_at: shop.now(),
        location: None,
        notes: Some(format!("seen by {}", caller.actor.kind)),
    };
    shop.app.orders().record_scan(caller, scan, None).await.unwrap();
}

/// An order with an item of Acme, one of Bolt and one of the warehouse, and a change of each kind.
async fn shared(shop: &Shop) -> (OrderId, Vec<ItemId>) {
    let mut new = new_order(&[2, 2, 2]);
    let by = |code: &str| Some(Origin { kind: OriginKind::Supplier, code: code.to_owned() });
    (new.items[0].origin, new.items[1].origin) = (by("acme"), by("bolt"));
    let order = shop.app.orders().place_order(&support(), new, None).await.unwrap().order.id;
    for status in [OrderStatus::PaymentConfirmed, OrderStatus::Processing] {
        shop.to(order, status).await.unwrap();
    }
    let items: Vec<ItemId> = shop.order(order).await.items().iter().map(|item| item.id).collect();
    for (code, at) in [("acme", 0), ("bolt", 1)] {
        ask(shop, supplier(code), order, Request::AcceptItems { items: vec![items[at]] }).await;
    }
    let lines = items.iter().map(|item| ItemQuantity { item_id: *item, quantity: 1 }).collect();
    ask(shop, support(), order, Request::CancelItems { lines, reason: "sold out".to_owned() }).await;
    (order, items)
}

async fn ship(shop: &Shop, caller: Caller, order: OrderId, number: &str, item_id: ItemId) -> ShipmentId {
    let new = NewShipment {
        id: ShipmentId(Uuid::now_v7()),
        tracking_number: TrackingNumber::parse(Carrier::FEDEX, number).unwrap(),
        further_numbers: vec![],
        shares_numbers: false,
        origin: None,
        lines: Some(vec![ItemQuantity { item_id, quantity: 1 }]),
        estimated_delivery: None,
    };
    shop.app.orders().create_shipment(caller, order, new, None).await.unwrap().shipment.unwrap().id
}

async fn a_customer_sees_what_concerns_it(database: Database) {
    use ActivityKind::*;
    let shop = Shop::new(database.store);
    let (order, items) = shared(&shop).await;
    for (caller, number, item) in
        [(supplier("acme"), "444441", 0), (supplier("bolt"), "444442", 1), (support(), "444443", 2)]
    {
        let shipment = ship(&shop, caller.clone(), order, number, items[item]).await;
        record(&shop, caller, shipment, ShipmentStatus::Delivered).await;
    }
    let customer =
        Caller { actor: Actor::new(ActorKind::Customer, shop::customer().to_string()), ..support() };
    let reason = "too small".to_owned();
    ask(&shop, customer.clone(), order, Request::InitiateReturn { lines: None, reason }).await;
    ask(&shop, support(), order, Request::ReceiveReturn { lines: None, notes: Some("worn".to_owned()) })
        .await;

    let (entries, _) = timeline(&shop, &customer, order, ALL).await;
    let seen = activities(&entries);
    let told: Vec<_> = seen
        .iter()
        .map(|stored| (stored.activity.kind, stored.activity.actor.kind, stored.activity.notes.as_deref()))
        .collect();
    use ActorKind::{Supplier, Support};
    assert_eq!(
        told,
        [
            (ItemsCancelled, Support, Some("sold out")),
            (ShipmentCreated, Supplier, None),
            (ScanRecorded, Supplier, Some("seen by supplier")),
            (ShipmentCreated, Supplier, None),
            (ScanRecorded, Supplier, Some("seen by supplier")),
            (ShipmentCreated, Support, None),
            (ScanRecorded, Support, Some("seen by support")),
            (ReturnRequested, ActorKind::Customer, Some("too small")),
            (ReturnReceived, Support, None),
        ]
    );
    for stored in &seen {
        let own = stored.activity.actor.kind == ActorKind::Customer;
        assert_eq!(stored.activity.actor.id.is_some(), own, "{:?}", stored.activity.kind);
    }
    let walked = walk(&shop, &customer, order, 2, false).await;
    assert_eq!(walked, keys(&entries), "what is hidden makes no page shorter");
    let hidden = timeline(&shop, &support(), order, ALL).await.0;
    for stored in activities(&hidden) {
        let is_seen = seen.iter().any(|one| one.id == stored.id);
        let found = shop.app.reads().activity(&customer, stored.id).await.unwrap();
        assert_eq!(found.is_some(), is_seen, "{:?}", stored.activity.kind);
    }
    let stranger = Caller { actor: Actor::new(ActorKind::Customer, Uuid::nil().to_string()), ..support() };
    assert_eq!(shop.app.reads().activity(&stranger, seen[0].id).await.unwrap(), None);
}

async fn a_supplier_sees_its_own_items_and_shipments(database: Database) {
    use ActivityKind::*;
    let shop = Shop::new(database.store);
    let (order, items) = shared(&shop).await;
    let own = ship(&shop, supplier("acme"), order, "555551", items[0]).await;
    let others = ship(&shop, support(), order, "555552", items[2]).await;
    record(&shop, supplier("acme"), own, ShipmentStatus::PickedUp).await;
    record(&shop, support(), own, ShipmentStatus::InTransit).await;
    record(&shop, support(), others, ShipmentStatus::InTransit).await;
    // Bolt declines, and Acme gets the item.
    let reason = "sold out".to_owned();
    ask(&shop, supplier("bolt"), order, Request::DeclineItems { items: vec![items[1]], reason }).await;
    let origin = Origin { kind: OriginKind::Supplier, code: "acme".to_owned() };
    let deadlines = Deadlines { accept_by: Some(shop.now() + TimeDelta::days(1)), ship_by: None };
    ask(&shop, support(), order, Request::ReassignItems { items: vec![items[1]], origin, deadlines }).await;
    shop.drain().await;

    let acme = supplier("acme");
    let (entries, _) = timeline(&shop, &acme, order, ALL).await;
    let seen = activities(&entries);
    let told: Vec<_> =
        seen.iter().map(|stored| (stored.activity.kind, stored.activity.notes.as_deref())).collect();
    assert_eq!(
        told,
        [
            (ItemsAccepted, None),
            (ItemsCancelled, None),
            (ShipmentCreated, None),
            (ScanRecorded, Some("seen by supplier")),
            (ScanRecorded, None),
            (ItemsReassigned, None),
        ]
    );
    for stored in &seen {
        let facts = stored.activity.facts.to_string();
        for hidden in ["bolt", "sam", &items[2].to_string(), "former_origin"] {
            assert!(!facts.contains(hidden), "{hidden} in {facts}");
        }
        let by_itself = stored.activity.actor.kind == ActorKind::Supplier;
        assert_eq!(stored.activity.actor.id.is_some(), by_itself);
        assert_eq!(stored.activity.request_id, None);
    }
    let cancelled = &seen[1].activity.facts["items"];
    assert_eq!(cancelled.as_array().map(Vec::len), Some(1), "of three items one is its own: {cancelled}");
    assert!(seen[5].activity.facts["accept_by"].is_string());
    let scans = entries.iter().filter_map(|entry| match entry {
        TimelineEntry::Scan(scan) => Some(scan.shipment_id),
        TimelineEntry::Activity(_) | TimelineEntry::Event(_) | TimelineEntry::Notification(_) => None,
    });
    assert_eq!(scans.collect::<Vec<_>>(), [own; 2]);
    assert!(!entries.iter().any(|entry| matches!(entry, TimelineEntry::Notification(_))));
    let events = entries.iter().filter(|entry| matches!(entry, TimelineEntry::Event(_))).count();
    assert_eq!(events, shop.events(order).await.len());
    for limit in [1, 3] {
        assert_eq!(walk(&shop, &acme, order, limit, false).await, keys(&entries));
        assert_eq!(walk(&shop, &acme, order, limit, true).await, keys(&entries));
    }
    let all = timeline(&shop, &support(), order, ALL).await.0;
    for stored in activities(&all) {
        let found = shop.app.reads().activity(&acme, stored.id).await.unwrap();
        let is_seen = seen.iter().any(|one| one.id == stored.id);
        assert_eq!(found.is_some(), is_seen, "{:?}", stored.activity.kind);
    }
    // Bolt has no item of the order any more.
    assert_eq!(shop.app.reads().activity(&supplier("bolt"), seen[0].id).await.unwrap(), None);
}

async fn timelines_are_found_by_indexes(database: Database) {
    let mut store = Store::connect(&database.url, 2).await.unwrap();
    let statements: Arc<Mutex<Vec<String>>> = Arc::default();
    let heard = statements.clone();
    store.on_statement(move |sql| heard.lock().unwrap().push(sql.to_owned()));
    let shop = Shop::new(store);
    let order = OrderId(Uuid::now_v7());
    let place = Some(Key { at: shop.now(), id: EntryId::Event(3) });
    for page in
        [ALL, PageRequest { after: place, ..ALL }, PageRequest { before: place, from_end: true, ..ALL }]
    {
        statements.lock().unwrap().clear();
        timeline(&shop, &support(), order, page).await;
        let statements = statements.lock().unwrap().clone();
        let [events, activities, scans, notifications] = &statements[..] else { panic!("{statements:#?}") };
        for (sql, indexes) in [
            (
                events,
                &["order_events_order_id_version_key|sqlite_autoindex_order_events_1|idx_order_event"][..],
            ),
            (activities, &["idx_activity_order"]),
            (
                scans,
                &[
                    "idx_shipment_order",
                    "idx_scan_shipment|scans_shipment_id_identity_key|sqlite_autoindex_scans_2",
                ],
            ),
            (notifications, &["idx_notification_order"]),
        ] {
            let plan = explain(&database, sql).await;
            for index in indexes {
                let is_used = index.split('|').any(|index| plan.contains(index));
                assert!(is_used, "{index} of {sql}:\n{plan}");
            }
        }
        let plan = explain(&database, activities).await;
        let sorts = plan.contains("Sort Key") || plan.contains("TEMP B-TREE");
        assert!(!sorts, "activities are read in the sequence of their index:\n{plan}");
    }
}

async fn lists_of_scans_are_found_by_an_index(database: Database) {
    let mut store = Store::connect(&database.url, 2).await.unwrap();
    let statements: Arc<Mutex<Vec<String>>> = Arc::default();
    let heard = statements.clone();
    store.on_statement(move |sql| heard.lock().unwrap().push(sql.to_owned()));
    read::scans_of(&store, &[ShipmentId(Uuid::now_v7())]).await.unwrap();
    let statements = statements.lock().unwrap().clone();
    let [sql] = &statements[..] else { panic!("{statements:#?}") };
    assert!(sql.contains("clock"), "{sql}");
    let plan = explain(&database, sql).await;
    let indexes = ["idx_scan_shipment", "scans_shipment_id_identity_key", "sqlite_autoindex_scans_2"];
    assert!(indexes.iter().any(|index| plan.contains(index)), "{plan}");
}

/// The plan of a statement. The values of its parameters do not matter.
pub(crate) async fn explain(database: &Database, sql: &str) -> String {
    let connection = database.connection().await;
    if !database.store.is_postgres() {
        let explain = Statement::from_string(DbBackend::Sqlite, format!("EXPLAIN QUERY PLAN {sql}"));
        let plan = connection.query_all_raw(explain).await.unwrap();
        let steps = plan.iter().map(|row| row.try_get::<String>("", "detail").unwrap());
        return steps.collect::<Vec<_>>().join("\n");
    }
    // With a few rows PostgreSQL would read the tables instead of the indexes, so forbid that.
    for set in [
        "SET enable_seqscan = off",
        "SET enable_bitmapscan = off",
        "SET plan_cache_mode = force_generic_plan",
    ] {
        connection.execute_unprepared(set).await.unwrap();
    }
    connection.execute_unprepared(&format!("PREPARE timeline AS {sql}")).await.unwrap();
    let most = (1..).take_while(|number| sql.contains(&format!("${number}"))).count();
    let explain = format!("EXPLAIN EXECUTE timeline({})", vec!["NULL"; most].join(", "));
    let plan = connection.query_all_raw(Statement::from_string(DbBackend::Postgres, explain)).await.unwrap();
    plan.iter().map(|row| row.try_get_by_index::<String>(0).unwrap()).collect::<Vec<_>>().join("\n")
}
