//! Tests of what a supplier may read, rule by rule.

use std::collections::BTreeSet;

use app::Caller;
use domain::{OrderId, ShipmentStatus};
use futures::{Stream, StreamExt};
use serde_json::{Value, json};

use super::{
    super::world::{World, supplier, support, user},
    Scene, by_other, order, supplier_called,
};
use crate::graphql::cursor::Kind;

#[tokio::test]
async fn an_order_is_seen_as_far_as_it_is_the_suppliers() {
    let scene = Scene::new().await;
    let data = scene
        .ask(
            "query($id: ID!) { order(id: $id) { reference customerEmail status version estimatedDelivery
            items { sku quantity cancelled cancelReason allocated shipped origin { code } }
            shipments { trackingNumber cancelReason items { quantity item { sku } }
                scans { totalCount nodes { location description recordedBy { kind id } } } }
            progress { itemsTotal itemsShipped shipmentsTotal shipmentsShipped summary }
            notifications { id } allowedTransitions { to allowed blockedBy { code shipments { id } } } } }",
        )
        .await;
    let order = &data["order"];
    assert_eq!((&order["reference"], &order["customerEmail"]), (&json!("A-SHARED"), &Value::Null));
    assert_eq!(
        order["items"],
        json!([{"sku": "ACME-SKU", "quantity": 9, "cancelled": 1, "cancelReason": null, "allocated": 4,
                "shipped": 4, "origin": {"code": "acme"}}])
    );
    let item = json!([{"quantity": 2, "item": {"sku": "ACME-SKU"}}]);
    assert_eq!(
        order["shipments"],
        json!([
            {"trackingNumber": "ACME1001", "cancelReason": null, "items": item,
             "scans": {"totalCount": 2, "nodes": [
                {"location": null, "description": null, "recordedBy": {"kind": "SUPPORT", "id": null}},
                {"location": "Berlin, DE", "description": "In transit", "recordedBy": null},
             ]}},
            {"trackingNumber": "ACME1002", "cancelReason": null,
             "items": [{"quantity": 1, "item": {"sku": "ACME-SKU"}}], "scans": {"totalCount": 0, "nodes": []}},
        ])
    );
    assert_eq!(
        order["progress"],
        json!({"itemsTotal": 8, "itemsShipped": 4, "shipmentsTotal": 1, "shipmentsShipped": 1,
               "summary": "partial shipment: 4 of 9 items shipped; 1 called off"})
    );
    assert_eq!(order["estimatedDelivery"], "2026-03-05T00:00:00+00:00");
    assert_eq!(order["notifications"], json!([]));
    for transition in order["allowedTransitions"].as_array().unwrap() {
        assert_eq!(transition["allowed"], transition["to"] == order["status"], "{transition}");
        if transition["allowed"] == true {
            continue;
        }
        let blocker = &transition["blockedBy"];
        assert!(["NOT_IN_TABLE", "ROLE"].contains(&blocker["code"].as_str().unwrap()), "{transition}");
        assert_eq!(blocker["shipments"], json!([]));
    }
}

#[tokio::test]
async fn how_far_its_units_are_is_the_same_for_the_supplier_and_for_staff_whatever_shipment_they_are_in() {
    let world = World::new().await;
    let deadline = json!({"sku": "ACME-SKU", "name": "One", "quantity": 1, "acceptBy": "2026-03-01T13:00:00Z",
                          "origin": {"kind": "SUPPLIER", "code": "acme"}});
    let id = world.place(order("A-1", &[deadline, by_other()])).await;
    world.move_order(&id, &["PAYMENT_CONFIRMED", "PROCESSING"]).await;
    let query = "query($id: ID!) { order(id: $id) {
        items { sku allocated shipped delivered overdue } shipments { id } progress { itemsDelivered shipmentsTotal } } }";
    let counts = async |caller: &Caller| {
        let mut data = world.data(caller, query, json!({ "id": id })).await;
        let order = data["order"].take();
        let item = order["items"].as_array().unwrap().iter().find(|item| item["sku"] == "ACME-SKU").unwrap();
        (item.clone(), order["shipments"].as_array().unwrap().len(), order["progress"].clone())
    };
    // The order has only a shipment with the other supplier's item. Acme's unit must not be counted by the order's
    // status, as in an order without shipments.
    let items = world
        .data(&support(), "query($id: ID!) { order(id: $id) { items { id } } }", json!({ "id": id }))
        .await;
    let item = |at: usize| items["order"]["items"][at]["id"].clone();
    let shipment = |number: &str, lines: Value| {
        json!({"orderId": id, "carrier": "FEDEX", "trackingNumber": number, "items": lines,
               "origin": {"kind": "WAREHOUSE", "code": "main"}})
    };
    let lines = json!([{"itemId": item(1), "quantity": 1}]);
    world.mutate(&support(), "createShipment", shipment("7001", lines)).await;
    world.advance(90);
    assert_eq!(counts(&supplier()).await.0, counts(&support()).await.0);
    assert_eq!(counts(&supplier()).await.0["overdue"], true);
    let lines = json!([{"itemId": item(0), "quantity": 1}, {"itemId": item(1), "quantity": 1}]);
    world.mutate(&support(), "createShipment", shipment("7002", lines)).await;
    world.scan("7002", ShipmentStatus::Delivered).await;
    let (seen, shipments, progress) = counts(&supplier()).await;
    assert_eq!(
        seen,
        json!({"sku": "ACME-SKU", "allocated": 1, "shipped": 1, "delivered": 1, "overdue": false})
    );
    assert_eq!(seen, counts(&support()).await.0);
    assert_eq!(
        (shipments, progress),
        (0, json!({"itemsDelivered": 1, "shipmentsTotal": 0})),
        "the parcels stay hidden"
    );
}

#[tokio::test]
async fn what_tells_of_the_customer_is_refused_by_name() {
    let scene = Scene::new().await;
    for (field, selection) in [("userId", ""), ("total", " { cents }"), ("trackingUrl", "")] {
        let query = format!("query($id: ID!) {{ order(id: $id) {{ id {field}{selection} }} }}");
        let expected = format!("{field}: the role supplier may not see this");
        assert_eq!(scene.refused(&query).await, ("FORBIDDEN".to_owned(), expected));
        let response = scene.world.run(&supplier(), &query, json!({ "id": scene.shared })).await;
        assert_eq!(response["data"], json!({"order": null}));
        assert_eq!(response["errors"][0]["extensions"]["field"], field);
    }
}

#[tokio::test]
async fn filters_by_what_is_hidden_are_refused() {
    let scene = Scene::new().await;
    for (list, filter, field) in [
        ("orders", format!("userId: \"{}\"", user(7_777_777_777_777)), "userId"),
        ("orders", "carrier: FEDEX".to_owned(), "carrier"),
        ("orderEvents", "carrier: FEDEX".to_owned(), "carrier"),
        ("orderEvents", "actor: CUSTOMER".to_owned(), "actor"),
    ] {
        for part in ["totalCount", "nodes { id }"] {
            let query = format!("{{ {list}(filter: {{{filter}}}) {{ {part} }} }}");
            let expected = format!("filter.{field}: the role supplier may not ask for this");
            assert_eq!(scene.refused(&query).await, ("FORBIDDEN".to_owned(), expected), "{query}");
        }
    }
    let query = "query($id: ID!) {
        orders(filter: {statuses: [PROCESSING], fulfillmentPath: DROPSHIP}) { totalCount }
        orderEvents(filter: {orderId: $id, toStatus: PROCESSING}) { totalCount }
    }";
    let data = scene.ask(query).await;
    assert_eq!((&data["orders"]["totalCount"], &data["orderEvents"]["totalCount"]), (&json!(1), &json!(1)));
    assert_eq!(scene.refused("{ webhooks { totalCount } }").await.0, "FORBIDDEN");
}

#[tokio::test]
async fn lists_hold_the_orders_with_an_item_of_the_supplier() {
    let scene = Scene::new().await;
    let query = "{ orders { totalCount nodes { reference } } orderEvents { totalCount nodes { orderId } } }";
    let lists = async |caller: &Caller| {
        let data = scene.world.data(caller, query, json!({})).await;
        let orders = data["orders"]["nodes"].as_array().unwrap();
        let mut orders: Vec<_> =
            orders.iter().map(|one| one["reference"].as_str().unwrap().to_owned()).collect();
        orders.sort();
        let events = data["orderEvents"]["nodes"].as_array().unwrap();
        let events = events.iter().map(|one| one["orderId"].as_str().unwrap().to_owned());
        assert_eq!(data["orders"]["totalCount"], orders.len());
        let events: BTreeSet<_> = events.collect();
        (orders, events.len())
    };
    assert_eq!(lists(&supplier()).await, (vec!["A-OWN".to_owned(), "A-SHARED".to_owned()], 2));
    let other = supplier_called("tell-tale-supplier");
    assert_eq!(lists(&other).await, (vec!["A-SHARED".to_owned(), "TELL-TALE-REFERENCE".to_owned()], 2));
    for nobody in ["ACME", "acm", "acme%", "tell-tale-warehouse", ""] {
        assert_eq!(lists(&supplier_called(nobody)).await, (vec![], 0), "{nobody}");
    }
}

#[tokio::test]
async fn events_say_what_happened_and_not_who_said_what() {
    let scene = Scene::new().await;
    let shipped = json!({"orderId": scene.acmes, "carrier": "UPS", "trackingNumber": "1Z9"});
    assert_eq!(scene.mutate("createShipment", shipped).await["code"], "NOTHING_TO_SHIP");
    let fields = "version fromStatus toStatus inferred occurredAt actor { kind id } notes metadata requestId webhookId";
    let query = format!(
        "query($id: ID!, $event: ID!) {{
            order(id: $id) {{ events {{ totalCount nodes {{ {fields} }} }} }}
            orderEvents(filter: {{orderId: $id}}) {{ nodes {{ {fields} }} }}
            node(id: $event) {{ ... on OrderEvent {{ {fields} }} }}
        }}"
    );
    let variables = json!({"id": scene.acmes, "event": format!("{}:5", scene.acmes)});
    let data = scene.world.data(&supplier(), &query, variables).await;
    let events = data["order"]["events"]["nodes"].as_array().unwrap();
    let steps: Vec<_> = events.iter().map(|one| (&one["toStatus"], &one["actor"]["kind"])).collect();
    let (support, carrier) = (&json!("SUPPORT"), &json!("CARRIER"));
    assert_eq!(
        steps,
        [
            (&json!("PLACED"), support),
            (&json!("PAYMENT_CONFIRMED"), support),
            (&json!("PROCESSING"), support),
            (&json!("AWAITING_PICKUP"), support),
            (&json!("SHIPPED"), carrier),
        ]
    );
    let mut logged = data["orderEvents"]["nodes"].as_array().unwrap().clone();
    logged.reverse();
    assert_eq!(&logged, events);
    assert_eq!(data["node"], events[4]);
    for event in events {
        assert_eq!(event["actor"]["id"], Value::Null);
        for hidden in ["notes", "metadata", "requestId", "webhookId"] {
            assert_eq!(event[hidden], Value::Null, "{hidden}");
        }
    }
}

#[tokio::test]
async fn shipments_that_are_not_the_suppliers_do_not_exist() {
    let scene = Scene::new().await;
    let query = "query($id: ID!) { node(id: $id) { id } }";
    for (id, there) in [(&scene.own, true), (&scene.shared, true), (&scene.others, false)]
        .into_iter()
        .chain(scene.hidden.iter().map(|id| (id, false)))
    {
        let data = scene.world.data(&supplier(), query, json!({ "id": id })).await;
        assert_eq!(data["node"].is_object(), there, "{id}");
    }
    let event = json!({"id": format!("{}:1", scene.others)});
    assert_eq!(scene.world.data(&supplier(), query, event).await["node"], Value::Null);
    let query = "query($number: String!) { shipment(carrier: FEDEX, trackingNumber: $number) {
        trackingNumber origin { code } order { items { sku } shipments { trackingNumber } } } }";
    for number in ["TELLTALE2001", "TELLTALE3001", "TELLTALE4001", "TELLTALE5001", "TELLTALE6001"] {
        let data = scene.world.data(&supplier(), query, json!({ "number": number })).await;
        assert_eq!(data["shipment"], Value::Null, "{number}");
    }
    let data = scene.world.data(&supplier(), query, json!({"number": "ACME1001"})).await;
    let shipments = json!([{"trackingNumber": "ACME1001"}, {"trackingNumber": "ACME1002"}]);
    assert_eq!(
        data["shipment"],
        json!({"trackingNumber": "ACME1001", "origin": {"code": "acme"},
               "order": {"items": [{"sku": "ACME-SKU"}], "shipments": shipments}})
    );
}

const UPDATES: &str = "subscription($id: ID!, $after: String) { orderUpdated(orderId: $id, after: $after) {
    event { version notes metadata requestId webhookId actor { kind id } }
    order { version customerEmail items { sku } shipments { trackingNumber status } progress { shipmentsTotal } } } }";

async fn next(updates: &mut (impl Stream<Item = Value> + Unpin)) -> Value {
    let mut response = updates.next().await.expect("an update");
    assert_eq!(response.get("errors"), None);
    response["data"]["orderUpdated"].take()
}

#[tokio::test]
async fn an_order_is_followed_as_it_is_seen() {
    let scene = Scene::new().await;
    let mut elsewhere = scene.world.subscribe(&supplier(), UPDATES, json!({ "id": scene.others }));
    assert_eq!(elsewhere.next().await.unwrap()["errors"][0]["extensions"]["code"], "NOT_FOUND");

    let order: OrderId = scene.shared.parse().unwrap();
    let after = Kind::Updates.encode(&(order.0, 2));
    let since = json!({"id": scene.shared, "after": after});
    let mut updates = scene.world.subscribe(&supplier(), UPDATES, since);
    let event = json!({"version": 3, "notes": null, "metadata": null, "requestId": null, "webhookId": null,
                       "actor": {"kind": "SUPPORT", "id": null}});
    let shipments = |own: &str| json!([{"trackingNumber": "ACME1001", "status": own}, {"trackingNumber": "ACME1002", "status": "CANCELLED"}]);
    let seen = |own: &str| {
        json!({"version": 3, "customerEmail": null, "items": [{"sku": "ACME-SKU"}], "shipments": shipments(own),
               "progress": {"shipmentsTotal": 1}})
    };
    assert_eq!(next(&mut updates).await, json!({"event": event, "order": seen("IN_TRANSIT")}));
    assert_eq!(next(&mut updates).await, json!({"event": null, "order": seen("IN_TRANSIT")}));
    scene.world.advance(1);
    scene.world.scan("ACME1001", ShipmentStatus::Delivered).await;
    scene.world.app.relay().publish().await.unwrap();
    assert_eq!(next(&mut updates).await, json!({"event": null, "order": seen("DELIVERED")}));
}

#[tokio::test]
async fn a_supplier_costs_at_most_one_statement_more() {
    let scene = Scene::new().await;
    for query in [
        "query($id: ID!) { order(id: $id) { id status } }",
        "query($id: ID!) { order(id: $id) { items { sku } } }",
        "query($id: ID!) { order(id: $id) { items { sku } shipments { id scans { nodes { id } } } } }",
        "{ orderByReference(reference: \"A-SHARED\") { shipments { id } } }",
        "{ orders { totalCount nodes { items { sku } shipments { id } progress { summary } events { nodes { notes } } } } }",
        "{ orderEvents { totalCount nodes { id } } }",
        "{ shipment(carrier: FEDEX, trackingNumber: \"ACME1001\") { id items { quantity } } }",
    ] {
        let variables = json!({ "id": scene.shared });
        let staff = scene.world.cost(&support(), query, variables.clone()).await;
        let supplier = scene.world.cost(&supplier(), query, variables).await;
        assert!(supplier <= staff + 1, "{query}: {supplier} after {staff}");
    }
}
