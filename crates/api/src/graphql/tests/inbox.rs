//! The inbox and what support does with it; scans by hand.

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

/// An order in processing with parcel 1001.
async fn shipped() -> (World, String, String) {
    let world = World::new().await;
    let order = world.place(tea()).await;
    world.bring(&order, &["PAYMENT_CONFIRMED", "PROCESSING"]).await;
    let parcel = world.ship(&order, "1001", None).await;
    (world, order, parcel)
}

#[tokio::test]
async fn a_scan_by_hand_counts_and_names_who_saw_it() {
    let (world, order, parcel) = shipped().await;
    let input = json!({
        "shipmentId": parcel, "status": "DELIVERED", "occurredAt": "2026-03-01T11:30:00Z",
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
    let (world, _, parcel) = shipped().await;
    let ask = async |caller, changes: Value| {
        let mut input =
            json!({"shipmentId": parcel, "status": "DELIVERED", "occurredAt": "2026-03-01T11:30:00Z"});
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
    let world = world.remapped("fedex.IT=delivered");
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
