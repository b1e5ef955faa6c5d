//! Tests of the inbox, of the mutations that process webhooks again, and of manual scans.

use domain::ShipmentStatus;
use serde_json::{Value, json};
use uuid::Uuid;

use super::world::{World, customer, supplier, support, tea};

const REPLAY: &str = "mutation($input: ReplayInput!) { replayWebhooks(input: $input) {
    examined scans applied failed { orderId message }
    changes { order { id status } shipment { trackingNumber status } from to orderTo notices }
} }";

const RETRY: &str = "mutation($id: ID!) { retryWebhook(id: $id) {
    __typename ... on Problem { message } ... on WebhookSuccess { webhook { id state attempts } }
} }";

/// An order in processing with the shipment 1001.
async fn shipped() -> (World, String, String) {
    let world = World::new().await;
    let order = world.place(tea()).await;
    world.move_order(&order, &["PAYMENT_CONFIRMED", "PROCESSING"]).await;
    let shipment = world.ship(&order, "1001", None).await;
    (world, order, shipment)
}

#[tokio::test]
async fn a_scan_by_hand_counts_and_names_who_saw_it() {
    let (world, order, shipment) = shipped().await;
    let input = json!({
        "shipmentId": shipment, "status": "DELIVERED", "occurredAt": "2026-03-01T11:30:00Z",
        "location": "Front desk", "notes": "signed by Kim", "idempotencyKey": "k1",
    });
    for _ in 0..2 {
        let done = world.mutate(&support(), "recordScan", input.clone()).await;
        assert_eq!(
            (&done["shipment"]["status"], &done["order"]["status"]),
            (&json!("DELIVERED"), &json!("DELIVERED"))
        );
    }
    let query = "query($id: ID!) { order(id: $id) { shipments { deliveredAt scans { totalCount nodes {
        carrierCode status description location effect seen recordedBy { kind id } } } } } }";
    let data = world.data(&support(), query, json!({ "id": order })).await;
    let shipment = &data["order"]["shipments"][0];
    assert_eq!(shipment["deliveredAt"], "2026-03-01T11:30:00+00:00");
    assert_eq!(
        shipment["scans"]["nodes"],
        json!([{
            "carrierCode": "BY_HAND", "status": "DELIVERED", "description": "signed by Kim", "location": "Front desk",
            "effect": "APPLIED", "seen": 1, "recordedBy": {"kind": "SUPPORT", "id": "sam"},
        }])
    );
}

#[tokio::test]
async fn a_scan_by_hand_is_refused_with_the_field_that_is_wrong() {
    let (world, _, shipment) = shipped().await;
    let ask = async |caller, changes: Value| {
        let mut input =
            json!({"shipmentId": shipment, "status": "DELIVERED", "occurredAt": "2026-03-01T11:30:00Z"});
        input.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        world.mutate(&caller, "recordScan", input).await
    };
    for (changes, field) in [
        (json!({"occurredAt": "2026-03-01T14:00:00Z"}), "occurredAt"),
        (json!({"occurredAt": "2026-01-01T12:30:00Z"}), "occurredAt"),
        (json!({"occurredAt": "+12026-01-01T12:30:00Z"}), "occurredAt"),
        (json!({"status": "CANCELLED"}), "status"),
        (json!({"location": " "}), "location"),
        (json!({"shipmentId": "7"}), "shipmentId"),
    ] {
        let refused = ask(support(), changes).await;
        assert_eq!((&refused["__typename"], &refused["field"]), (&json!("InvalidInput"), &json!(field)));
    }
    assert_eq!(ask(customer(1), json!({})).await["__typename"], "Forbidden");
    assert_eq!(ask(customer(2), json!({})).await["__typename"], "NotFound");
    let nobody = ask(support(), json!({"shipmentId": Uuid::nil()})).await;
    assert_eq!(nobody["__typename"], "NotFound");
}

#[tokio::test]
async fn a_webhook_is_retried_by_staff() {
    let (world, ..) = shipped().await;
    world.scan("1001", ShipmentStatus::InTransit).await;
    let inbox = world.data(&support(), "{ webhooks { nodes { id state } } }", json!({})).await;
    let webhook = &inbox["webhooks"]["nodes"][0];
    assert_eq!(webhook["state"], "PROCESSED");
    let id = json!({ "id": webhook["id"] });
    let retried = &world.data(&support(), RETRY, id.clone()).await["retryWebhook"];
    assert_eq!(retried["webhook"]["state"], "PENDING");
    for caller in [customer(1), supplier()] {
        assert_eq!(world.data(&caller, RETRY, id.clone()).await["retryWebhook"]["__typename"], "Forbidden");
    }
    let nobody = world.data(&support(), RETRY, json!({ "id": Uuid::nil() })).await;
    assert_eq!(
        nobody["retryWebhook"],
        json!({"__typename": "NotFound", "message": "no webhook with that id"})
    );
    assert_eq!(world.code(&support(), RETRY, json!({ "id": "7" })).await, "BAD_INPUT");
}

#[tokio::test]
async fn a_replay_tells_and_then_does() {
    let (world, order, _) = shipped().await;
    world.scan("1001", ShipmentStatus::InTransit).await;
    let world = world.with_code_map("fedex.IT=delivered");
    let mut input = json!({"since": "2026-03-01T00:00:00Z", "carrier": "fedex"});
    let told = world.data(&support(), REPLAY, json!({ "input": input })).await["replayWebhooks"].take();
    assert_eq!(
        told,
        json!({
            "examined": 1, "scans": 1, "applied": false, "failed": [],
            "changes": [{
                "order": {"id": order, "status": "SHIPPED"},
                "shipment": {"trackingNumber": "1001", "status": "IN_TRANSIT"},
                "from": "IN_TRANSIT", "to": "DELIVERED", "orderTo": "DELIVERED", "notices": ["DELIVERED"],
            }],
        })
    );
    input["apply"] = json!(true);
    let done = world.data(&support(), REPLAY, json!({ "input": input })).await["replayWebhooks"].take();
    assert_eq!(
        (&done["applied"], &done["changes"][0]["order"]["status"]),
        (&json!(true), &json!("DELIVERED"))
    );

    assert_eq!(world.code(&customer(1), REPLAY, json!({ "input": input })).await, "FORBIDDEN");
    for wrong in [
        json!({"carrier": "pigeon"}),
        json!({"since": "-0044-03-15T12:00:00Z"}),
        json!({"until": "2026-02-28T00:00:00Z"}),
    ] {
        let mut input = input.clone();
        input.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
        assert_eq!(world.code(&support(), REPLAY, json!({ "input": input })).await, "BAD_INPUT", "{wrong}");
    }
}

#[tokio::test]
async fn the_inbox_is_asked_for_by_sender() {
    let (world, ..) = shipped().await;
    world.scan("1001", ShipmentStatus::InTransit).await;
    let count = "query($of: String) { webhooks(filter: {carrier: $of}) { totalCount } }";
    for (sender, found) in [("FedEx", 1), ("fx", 1), ("fedex", 1), ("EasyPost", 0)] {
        let data = world.data(&support(), count, json!({ "of": sender })).await;
        assert_eq!(data["webhooks"]["totalCount"], found, "{sender}");
    }
    assert_eq!(world.code(&support(), count, json!({"of": "pigeon"})).await, "BAD_INPUT");
}

#[tokio::test]
async fn unknown_codes_are_listed_for_staff() {
    let world = World::new().await;
    let query = "{ unknownCodes { carrier carrierCode description scans setting firstAt latestAt } }";
    assert_eq!(world.data(&support(), query, json!({})).await["unknownCodes"], json!([]));
    for caller in [customer(1), supplier()] {
        assert_eq!(world.code(&caller, query, json!({})).await, "FORBIDDEN");
    }
    let order = world.place(tea()).await;
    world.ship(&order, "1001", None).await;
    world.unknown("1001", "Q9").await;
    let listed = world.data(&support(), query, json!({})).await["unknownCodes"].take();
    assert_eq!(
        listed,
        json!([{
            "carrier": "fedex", "carrierCode": "Q9", "description": "In transit", "scans": 1, "setting": "fedex.Q9=",
            "firstAt": "2026-03-01T12:00:00+00:00", "latestAt": "2026-03-01T12:00:00+00:00",
        }])
    );
}

#[tokio::test]
async fn a_body_is_read_only_where_it_is_selected_and_all_of_a_page_at_once() {
    let world = World::new().await;
    for number in 0..5 {
        world.scan(&number.to_string(), ShipmentStatus::InTransit).await;
    }
    let list =
        "{ webhooks(first: 40) { nodes { id carrier state reason attempts error duplicates requestId } } }";
    let statements = world.statements(&support(), list, json!({})).await;
    assert!(statements.len() == 1 && !statements[0].contains("body"), "{statements:?}");

    let bodies = "{ webhooks(first: 40) { nodes { id body } edges { node { body } } } }";
    let statements = world.statements(&support(), bodies, json!({})).await;
    assert_eq!(statements.len(), 3, "the page, the sizes, the bodies: {statements:?}");
    let nodes = world.data(&support(), bodies, json!({})).await["webhooks"]["nodes"].take();
    for (node, number) in nodes.as_array().unwrap().iter().zip([4, 3, 2, 1, 0]) {
        let body = node["body"].as_str().unwrap();
        assert!(body.contains(&format!("\"{number}\"")), "{number}: {body}");
    }
    let retried =
        "mutation($id: ID!) { retryWebhook(id: $id) { ... on WebhookSuccess { webhook { state } } } }";
    let statements = world.statements(&support(), retried, json!({ "id": nodes[0]["id"] })).await;
    assert!(statements.iter().all(|sql| !sql.contains("body")), "{statements:?}");
}

#[tokio::test]
async fn more_bodies_than_an_answer_holds_are_refused_before_they_are_read() {
    let world = World::new().await;
    for filler in ["a", "b", "c"] {
        world.push(filler.repeat(3 * 1024 * 1024).into_bytes()).await;
    }
    let lengths = async |query: &str| {
        let data = world.data(&support(), query, json!({})).await;
        let pages = data.as_object().unwrap().values();
        let nodes = pages.flat_map(|page| page["nodes"].as_array().unwrap());
        nodes.map(|node| node["body"].as_str().unwrap().len()).sum::<usize>()
    };
    assert_eq!(lengths("{ webhooks(first: 2) { nodes { body } } }").await, 6 * 1024 * 1024);
    let page = "webhooks(first: 3) { nodes { id body } }";
    assert_eq!(world.code(&support(), &format!("{{ {page} }}"), json!({})).await, "QUERY_TOO_LARGE");
    // The limit is for all bodies of an answer, not for each list.
    let aliases = "{ a: webhooks(first: 2) { nodes { body } } b: webhooks(last: 2) { nodes { body } } }";
    assert_eq!(world.code(&support(), aliases, json!({})).await, "QUERY_TOO_LARGE");
    let list = "{ webhooks(first: 3) { nodes { id state } } }";
    assert_eq!(world.cost(&support(), list, json!({})).await, 1);
}
