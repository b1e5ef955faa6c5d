//! Tests that invalid requests of callers and carriers are answered over HTTP as documented.

use domain::ShipmentStatus::{InTransit, PickedUp};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{
    http::{self, fedex_signature, mutation, push, push_signed, tea},
    process::Server,
    wait::until,
};

use crate::installation::{CUSTOMER, customer, fedex, program, support};

const SOMEBODY_ELSE: &str = "018f4e9e-5d5c-7b6e-9a51-0d6f1f2c3b4b";
/// The maximum size of a webhook's body, in bytes.
const MAX_BODY: usize = 8 * 1024 * 1024;

/// Starts a server with all roles on SQLite.
async fn alone(folder: &TempDir) -> Server {
    program(folder.path()).serve(&[]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhooks_are_refused_for_their_signature_sender_and_size_alone() {
    let folder = TempDir::new().unwrap();
    let server = alone(&folder).await;
    let support = support(&program(folder.path()), &server).await;
    let url = server.url();
    let body = fedex("794600000001", InTransit, 5);

    for forged in ["", "bm90IHRoZSBzaWduYXR1cmU=", "not base64", &fedex_signature(b"another body")] {
        assert_eq!(push_signed(url, &body, forged, None).await, 401, "{forged:?}");
    }
    let unsigned = http::client().post(format!("{url}/webhooks/fedex")).body(body.clone()).send().await;
    assert_eq!(unsigned.unwrap().status(), 401);
    for unknown in ["pigeon", "ups", "fedex/x"] {
        let path = format!("{url}/webhooks/{unknown}");
        let answer =
            http::client().post(path).header("fdx-signature", fedex_signature(&body)).body(body.clone());
        assert_eq!(answer.send().await.unwrap().status(), 404, "{unknown}");
    }
    assert_eq!(push(url, &vec![b' '; MAX_BODY + 1], None).await, 413);
    let inbox = "{ webhooks { totalCount nodes { state } } }";
    let kept = support.data(inbox, json!({})).await;
    assert_eq!(kept["webhooks"]["totalCount"], 0, "what was refused is not kept: {kept}");

    let garbage: [&[u8]; 4] = [b"", b"not JSON", b"{\"output\": 7}", b"\xff\xfe"];
    for body in garbage {
        assert_eq!(push(url, body, None).await, 200, "{body:?}");
    }
    assert_eq!(push(url, &vec![b' '; MAX_BODY], None).await, 200);
    until("five unreadable webhooks", async || {
        let kept = support.data(inbox, json!({})).await["webhooks"].take();
        let ignored =
            kept["nodes"].as_array().unwrap().iter().filter(|one| one["state"] == "IGNORED").count();
        (ignored == 5).then_some(())
    })
    .await;
    // All but the newest: its body alone fills an answer.
    let bodies = "{ webhooks(last: 4) { nodes { carrier reason body } } }";
    let kept = support.data(bodies, json!({})).await["webhooks"].take();
    let shown = |body: &str| {
        let mut nodes = kept["nodes"].as_array().unwrap().iter();
        nodes.any(|one| one["body"] == body && one["reason"].is_string() && one["carrier"] == "fedex")
    };
    assert!(shown("not JSON") && shown("{\"output\": 7}"), "{kept}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_done_is_said_with_the_facts() {
    let folder = TempDir::new().unwrap();
    let server = alone(&folder).await;
    let support = support(&program(folder.path()), &server).await;
    let order = support.place(CUSTOMER, 2).await;

    let refused = support.mutate("transitionOrder", json!({"orderId": order, "to": "DELIVERED"})).await;
    assert_eq!(refused["__typename"], "InvalidTransition");
    assert_eq!((&refused["from"], &refused["to"]), (&json!("PLACED"), &json!("DELIVERED")));
    assert_eq!(refused["allowed"], json!(["PAYMENT_CONFIRMED", "CANCELLED"]));
    assert_eq!(refused["blockedBy"]["code"], "NOT_IN_TABLE");

    let mut nothing = tea(CUSTOMER, 1);
    nothing["items"] = json!([]);
    let refused = support.mutate("placeOrder", nothing).await;
    assert_eq!((&refused["__typename"], &refused["field"]), (&json!("InvalidInput"), &json!("items")));

    assert_eq!(support.ship(&order, "794600000001", 2).await["__typename"], "ShipmentSuccess");
    let refused = support.ship(&order, "794600000002", 1).await;
    assert_eq!(refused["__typename"], "OverAllocated");
    assert_eq!(
        (&refused["ordered"], &refused["allocated"], &refused["asked"]),
        (&json!(2), &json!(2), &json!(1))
    );

    assert_eq!(push(server.url(), &fedex("794600000001", PickedUp, 1), None).await, 200);
    until("the pick-up", async || {
        let shipments = support.order(&order, "shipments { status }").await["shipments"].take();
        (shipments == json!([{"status": "PICKED_UP"}])).then_some(())
    })
    .await;
    let refused = support.mutate("cancelOrder", json!({"orderId": order, "reason": "changed my mind"})).await;
    assert_eq!(refused["__typename"], "InvalidTransition");
    assert_eq!(refused["blockedBy"]["code"], "PARCELS_MOVING");
    assert_eq!(refused["blockedBy"]["shipments"].as_array().map(Vec::len), Some(1));
    assert_eq!(support.order(&order, "version").await["version"], 1, "none of these was written down");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn customers_see_only_what_is_theirs() {
    let folder = TempDir::new().unwrap();
    let server = alone(&folder).await;
    let program = program(folder.path());
    let support = support(&program, &server).await;
    let owner = customer(&program, &server, CUSTOMER).await;
    let stranger = customer(&program, &server, SOMEBODY_ELSE).await;
    let order = support.place(CUSTOMER, 1).await;
    support.ship(&order, "794600000001", 1).await;

    let query = "query($id: ID!) { order(id: $id) { status } node(id: $id) { id } orders { totalCount }
        orderEvents { totalCount } shipment(carrier: FEDEX, trackingNumber: \"794600000001\") { status } }";
    let theirs = owner.data(query, json!({ "id": order })).await;
    assert_eq!((&theirs["order"]["status"], &theirs["orders"]["totalCount"]), (&json!("PLACED"), &json!(1)));
    let nothing = json!({"order": null, "node": null, "orders": {"totalCount": 0},
        "orderEvents": {"totalCount": 0}, "shipment": null});
    assert_eq!(stranger.data(query, json!({ "id": order })).await, nothing);
    let refused = stranger.mutate("cancelOrder", json!({"orderId": order, "reason": "mine now"})).await;
    assert_eq!(refused["__typename"], "NotFound");
    let (_, inbox) = owner.send("{ webhooks { totalCount } }", json!({})).await.unwrap();
    assert_eq!(inbox["errors"][0]["extensions"]["code"], "FORBIDDEN");

    let place = json!({"input": tea(CUSTOMER, 1)});
    let (_, refused) = stranger.send(&mutation("placeOrder"), place).await.unwrap();
    assert_eq!(refused["data"]["placeOrder"]["__typename"], "Forbidden", "{refused}");
    let request = http::client().post(format!("{}/graphql", server.url())).json(&json!({"query": query}));
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 401);
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
}
