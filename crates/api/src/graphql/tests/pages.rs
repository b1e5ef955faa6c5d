//! Tests of pages: forwards, backwards, up to the end, and with arguments that are not valid.

use chrono::{DateTime, Utc};
use domain::ShipmentStatus;
use serde_json::{Value, json};
use uuid::Uuid;

use super::world::{World, support, tea};
use crate::graphql::cursor::Kind;

const ORDERS: &str = "query($first: Int, $after: String, $last: Int, $before: String) {
    page: orders(first: $first, after: $after, last: $last, before: $before) {
        totalCount nodes { id } edges { cursor node { id } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";

fn ids(page: &Value) -> Vec<String> {
    let nodes = page["nodes"].as_array().unwrap();
    nodes.iter().map(|node| node["id"].as_str().unwrap().to_owned()).collect()
}

/// Reads a list page by page. Returns the ids of all records, in the sequence of the list.
async fn walk(world: &World, query: &str, page_size: i32, backwards: bool) -> Vec<String> {
    let mut found = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let variables = match backwards {
            false => json!({"first": page_size, "after": cursor}),
            true => json!({"last": page_size, "before": cursor}),
        };
        let page = world.data(&support(), query, variables).await["page"].take();
        let info = &page["pageInfo"];
        let mut ids = ids(&page);
        let came_from = if backwards { &info["hasNextPage"] } else { &info["hasPreviousPage"] };
        assert_eq!(came_from, &json!(!found.is_empty()));
        let more = if backwards { &info["hasPreviousPage"] } else { &info["hasNextPage"] };
        cursor = if backwards { info["startCursor"].clone() } else { info["endCursor"].clone() };
        if backwards {
            ids.append(&mut found);
            found = ids;
        } else {
            found.append(&mut ids);
        }
        if more == false {
            return found;
        }
    }
}

#[tokio::test]
async fn orders_are_paged_both_ways_newest_first() {
    let world = World::new().await;
    let mut placed = Vec::new();
    for at in 0..7 {
        // Some orders are placed at the same time, so that only their ids sort them.
        world.advance(at % 2);
        placed.insert(0, world.place(tea()).await);
    }
    for page_size in [1, 2, 3, 7, 100] {
        assert_eq!(walk(&world, ORDERS, page_size, false).await, placed, "forwards by {page_size}");
        assert_eq!(walk(&world, ORDERS, page_size, true).await, placed, "backwards by {page_size}");
    }
    let page = world.data(&support(), ORDERS, json!({"first": 3})).await["page"].take();
    assert_eq!(page["totalCount"], 7);
    assert_eq!(page["edges"][2]["cursor"], page["pageInfo"]["endCursor"]);
    assert_eq!(page["edges"][2]["node"]["id"], placed[2]);

    let none = world.data(&support(), ORDERS, json!({"first": 0})).await["page"].take();
    assert_eq!((ids(&none).len(), &none["pageInfo"]["hasNextPage"]), (0, &json!(true)));
    // An order that is placed between two pages does not shift the next page.
    world.advance(1);
    let newest = world.place(tea()).await;
    let after = json!({"first": 3, "after": page["pageInfo"]["endCursor"]});
    assert_eq!(ids(&world.data(&support(), ORDERS, after).await["page"]), placed[3..6]);
    let before = json!({"before": page["pageInfo"]["startCursor"]});
    assert_eq!(ids(&world.data(&support(), ORDERS, before).await["page"]), [newest]);
}

#[tokio::test]
async fn without_arguments_a_page_has_twenty() {
    let world = World::new().await;
    for _ in 0..21 {
        world.place(tea()).await;
    }
    let page = world.data(&support(), ORDERS, json!({})).await["page"].take();
    assert_eq!(ids(&page).len(), 20);
    assert_eq!(page["pageInfo"]["hasNextPage"], true);
}

#[tokio::test]
async fn histories_logs_and_scans_are_paged_alike() {
    let world = World::new().await;
    let id = world.place(tea()).await;
    world.move_order(&id, &["PAYMENT_CONFIRMED", "PROCESSING"]).await;
    world.ship(&id, "1001", None).await;
    for status in [ShipmentStatus::PickedUp, ShipmentStatus::InTransit, ShipmentStatus::OutForDelivery] {
        world.advance(60);
        world.scan("1001", status).await;
    }
    let lists = [
        (format!("order(id: \"{id}\") {{ page: events"), "}"),
        ("page: orderEvents".to_owned(), ""),
        ("shipment(carrier: FEDEX, trackingNumber: \"1001\") { page: scans".to_owned(), "}"),
        ("page: webhooks".to_owned(), ""),
    ];
    for (list, end) in lists {
        let query = format!(
            "query($first: Int, $after: String, $last: Int, $before: String) {{ \
             {list}(first: $first, after: $after, last: $last, before: $before) {{ totalCount nodes {{ id }} \
             pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} {end} }}"
        );
        let unwrapped = |data: Value| match &data["page"] {
            Value::Null => data.as_object().unwrap().values().next().unwrap().clone(),
            _ => data,
        };
        let page = async |variables: Value| unwrapped(world.data(&support(), &query, variables).await);
        let all = ids(&page(json!({})).await["page"]);
        assert!(all.len() >= 3, "{list}");
        let first = page(json!({"first": 2})).await["page"].take();
        assert_eq!(ids(&first), all[..2], "{list}");
        let next = page(json!({"first": 100, "after": first["pageInfo"]["endCursor"]})).await["page"].take();
        assert_eq!(ids(&next), all[2..], "{list}");
        assert_eq!(next["pageInfo"]["hasNextPage"], false);
        let last = page(json!({"last": 1})).await["page"].take();
        assert_eq!(ids(&last), all[all.len() - 1..], "{list}");
        assert_eq!(last["pageInfo"]["hasPreviousPage"], true);
        let previous = json!({"last": 2, "before": last["pageInfo"]["startCursor"]});
        assert_eq!(ids(&page(previous).await["page"]), all[all.len() - 3..all.len() - 1], "{list}");
        assert_eq!(first["totalCount"], all.len());
    }
}

#[tokio::test]
async fn a_place_in_the_log_tells_nothing_of_the_events_of_others() {
    let world = World::new().await;
    // All are placed at one time, so that only the sequence in which they were stored sorts them.
    let mut placed = Vec::new();
    for _ in 0..5 {
        placed.insert(0, format!("{}:1", world.place(tea()).await));
    }
    let log = ORDERS.replace("orders(", "orderEvents(");
    for page_size in [1, 2, 5] {
        assert_eq!(walk(&world, &log, page_size, false).await, placed, "forwards by {page_size}");
        assert_eq!(walk(&world, &log, page_size, true).await, placed, "backwards by {page_size}");
    }
    let page = world.data(&support(), &log, json!({})).await["page"].take();
    for (edge, event) in page["edges"].as_array().unwrap().iter().zip(&placed) {
        type Place = (DateTime<Utc>, Uuid, i32);
        let (at, order, version): Place = Kind::Events.decode(edge["cursor"].as_str().unwrap()).unwrap();
        assert_eq!((at, &format!("{order}:{version}")), (world.clock.now(), event), "its own, and no more");
    }
}

#[tokio::test]
async fn events_and_orders_are_filtered() {
    let world = World::new().await;
    let (one, two) = (world.place(tea()).await, world.place(tea()).await);
    world.advance(60);
    world.move_order(&one, &["PAYMENT_CONFIRMED", "PROCESSING"]).await;
    world.ship(&one, "1001", None).await;
    world.scan("1001", ShipmentStatus::InTransit).await;
    let query = "query($orders: OrderFilter, $events: OrderEventFilter, $webhooks: WebhookFilter) {
        orders(filter: $orders) { nodes { id } } orderEvents(filter: $events) { totalCount }
        webhooks(filter: $webhooks) { totalCount nodes { carrier state reason duplicates scans { carrierCode } } } }";
    let count = async |filters: Value| world.data(&support(), query, filters).await;
    for (filter, expected) in [
        (json!({"statuses": ["PLACED"]}), vec![&two]),
        (json!({"statuses": ["SHIPPED", "DELIVERED"]}), vec![&one]),
        (json!({"carrier": "FEDEX"}), vec![&one]),
        (json!({"carrier": "UPS"}), vec![]),
        (json!({"fulfillmentPath": "DROPSHIP"}), vec![]),
        (json!({"placedSince": "2026-03-01T12:30:00Z"}), vec![]),
        (json!({"placedUntil": "2026-03-01T12:30:00Z", "statuses": ["SHIPPED"]}), vec![&one]),
    ] {
        let data = count(json!({ "orders": filter })).await;
        assert_eq!(ids(&data["orders"]).iter().collect::<Vec<_>>(), expected, "{filter}");
    }
    // More values than a statement can have parameters, but all are equal.
    let often = json!({"orders": {"statuses": vec!["PLACED"; 40_000]}, "webhooks": {"states": vec!["PROCESSED"; 40_000]}});
    let data = count(often).await;
    assert_eq!((ids(&data["orders"]), &data["webhooks"]["totalCount"]), (vec![two.clone()], &json!(1)));
    for (filter, expected) in [
        (json!({"toStatus": "PLACED"}), 2),
        (json!({"fromStatus": "PROCESSING"}), 1),
        (json!({"orderId": two}), 1),
        (json!({"actor": "SUPPORT", "since": "2026-03-01T12:30:00Z"}), 3),
        (json!({"actor": "CARRIER"}), 1),
        (json!({"carrier": "FEDEX"}), 1),
        (json!({"until": "2026-03-01T12:30:00Z"}), 2),
    ] {
        let data = count(json!({ "events": filter })).await;
        assert_eq!(data["orderEvents"]["totalCount"], expected, "{filter}");
    }
    for (filter, expected) in [
        (json!({"carrier": "FX", "states": ["PROCESSED"]}), 1),
        (json!({"states": ["FAILED", "PENDING"]}), 0),
        (json!({"carrier": "easypost"}), 0),
        (json!({"since": "2026-03-01T12:30:00Z", "until": "2026-03-01T13:30:00Z"}), 1),
    ] {
        let data = count(json!({ "webhooks": filter })).await;
        assert_eq!(data["webhooks"]["totalCount"], expected, "{filter}");
    }
    let inbox = count(json!({})).await["webhooks"]["nodes"][0].take();
    assert_eq!((&inbox["carrier"], &inbox["duplicates"]), (&json!("fedex"), &json!(0)));
    assert_eq!(inbox["scans"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn arguments_that_cannot_be_are_refused() {
    let world = World::new().await;
    let id = world.place(tea()).await;
    for (variables, code) in [
        (json!({"first": -1}), "BAD_INPUT"),
        (json!({"last": -1}), "BAD_INPUT"),
        (json!({"first": 101}), "BAD_INPUT"),
        (json!({"first": 1, "last": 1}), "BAD_INPUT"),
        (json!({"after": "forged"}), "BAD_CURSOR"),
        (json!({"before": ""}), "BAD_CURSOR"),
    ] {
        assert_eq!(world.code(&support(), ORDERS, variables.clone()).await, code, "{variables}");
    }
    let other = world.place(tea()).await;
    let query = "query($id: ID!) { order(id: $id) { events { pageInfo { endCursor } } } }";
    let data = world.data(&support(), query, json!({ "id": other })).await;
    let foreign = &data["order"]["events"]["pageInfo"]["endCursor"];
    assert_eq!(world.code(&support(), ORDERS, json!({ "after": foreign })).await, "BAD_CURSOR");
    let query = "query($id: ID!, $after: String) { order(id: $id) { events(after: $after) { totalCount } } }";
    let variables = json!({"id": id, "after": foreign});
    assert_eq!(world.code(&support(), query, variables).await, "BAD_CURSOR", "of another order");
}
