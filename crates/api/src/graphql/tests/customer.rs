//! Tests that a customer sees its own orders, but neither the agreements between the merchant and suppliers nor the
//! internal notes of the merchant. Every field is tested, in every way to reach it.

use std::collections::BTreeSet;

use app::Caller;
use domain::{Actor, ActorKind};
use futures::StreamExt;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    crawler::{AnsweredOperation, Crawler, Pool, filled, find_leaks},
    world::{World, customer, supplier, user},
};
use crate::graphql::cursor::Kind;

/// A caller of the role support, with an id that only staff may read.
fn staff() -> Caller {
    Caller {
        actor: Actor::new(ActorKind::Support, "tell-tale-sam"),
        request_id: Some("request-7".to_owned()),
        email: None,
    }
}

/// Orders of a customer, with all values that the merchant and a supplier exchange about them.
struct Scene {
    world: World,
    /// The first order has an item that was declined and is late, the second is cancelled, the third was returned.
    orders: [String; 3],
    items: [String; 3],
    shipments: Vec<String>,
}

impl Scene {
    async fn new() -> Self {
        let world = World::new().await;
        let ask = async |caller: &Caller, name: &str, input: Value| {
            let done = world.mutate(caller, name, input).await;
            assert!(done["message"].is_null(), "{name}: {done}");
            done
        };
        let mut orders = Vec::new();
        let mut items = Vec::new();
        for reference in ["A-LATE", "A-CANCELLED", "A-BACK"] {
            let placed = ask(&staff(), "placeOrder", json!({
                "userId": user(1), "customerEmail": "kim@example.com", "totalCents": 4205, "reference": reference,
                "notes": "tell-tale at the placement",
                "items": [{"sku": "TEA", "name": "Tea", "quantity": 2, "origin": {"kind": "SUPPLIER", "code": "acme"},
                           "acceptBy": "2027-07-07T13:00:00Z", "shipBy": "2028-08-08T13:00:00Z"}],
            }))
            .await;
            orders.push(placed["order"]["id"].as_str().unwrap().to_owned());
            items.push(placed["order"]["items"][0]["id"].as_str().unwrap().to_owned());
        }
        let orders: [String; 3] = orders.try_into().unwrap();
        let items: [String; 3] = items.try_into().unwrap();
        let bring = async |order: &String, statuses: &[&str]| {
            for to in statuses {
                let input = json!({"orderId": order, "to": to, "notes": format!("tell-tale at {to}")});
                ask(&staff(), "transitionOrder", input).await;
            }
        };
        let ship = async |order: &String, number: &str| {
            let input = json!({"orderId": order, "carrier": "FEDEX", "trackingNumber": number});
            let shipped = ask(&supplier(), "createShipment", input).await;
            shipped["shipment"]["id"].as_str().unwrap().to_owned()
        };
        world.advance(7);
        let named = |at: usize| json!({"orderId": orders[at], "itemIds": [items[at]]});
        ask(&supplier(), "acceptItems", named(1)).await;
        let mut declined = named(0);
        declined["reason"] = json!("tell-tale why declined");
        ask(&supplier(), "declineItems", declined).await;
        ask(&customer(1), "cancelOrder", json!({"orderId": orders[1], "reason": "too dear"})).await;

        bring(&orders[2], &["PAYMENT_CONFIRMED", "PROCESSING"]).await;
        let shipment = ship(&orders[2], "1001").await;
        for (caller, status) in [(supplier(), "OUT_FOR_DELIVERY"), (staff(), "DELIVERED")] {
            world.advance(60);
            let input = json!({"shipmentId": shipment, "status": status, "occurredAt": world.clock.now()});
            ask(&caller, "recordScan", input).await;
        }
        ask(&customer(1), "initiateReturn", json!({"orderId": orders[2], "reason": "too small"})).await;
        ask(&staff(), "receiveReturn", json!({"orderId": orders[2], "notes": "tell-tale as it came back"}))
            .await;
        // Now every deadline has passed.
        world.advance(3 * 365 * 24 * 60);
        Self { world, orders, items, shipments: vec![shipment] }
    }

    fn pool(&self) -> Pool {
        let orders = self.orders.to_vec();
        let events = orders.iter().flat_map(|order| (1..=7).map(move |version| format!("{order}:{version}")));
        let ids = [&orders[..], &self.shipments, &self.items, &events.collect::<Vec<_>>()].concat();
        let texts = ["A-LATE", "A-CANCELLED", "A-BACK", "1001"].map(str::to_owned).to_vec();
        let cursor = |order: &String| Kind::Updates.encode(&(order.parse::<Uuid>().unwrap(), 1));
        let cursors = orders.iter().map(cursor).collect();
        Pool { orders, shipments: self.shipments.clone(), items: self.items.to_vec(), ids, texts, cursors }
    }
}

/// Texts that only staff may read.
fn list_secrets() -> Vec<String> {
    ["tell-tale", "2027-07-07", "2028-08-08"].map(str::to_owned).to_vec()
}

/// Checks that the answers contain none of these texts, and that each field in `seen` had a value somewhere.
fn assert_discreet(answers: &[AnsweredOperation], seen: &[&str]) {
    let tales = list_secrets();
    for answer in answers {
        let told = find_leaks(answer, &tales);
        assert!(told.is_empty(), "{told:?} told by {}: {}", answer.query, answer.response);
    }
    let filled: BTreeSet<_> = answers.iter().flat_map(|one| filled(&one.response["data"])).collect();
    for field in seen {
        assert!(filled.contains(*field), "{field} was never seen: {filled:?}");
    }
    for field in ["acceptBy", "acceptedAt", "declinedAt", "declineReason", "shipBy"] {
        assert!(!filled.contains(&format!("OrderItem.{field}")), "{field}");
    }
}

#[tokio::test]
async fn staff_read_all_that_a_customer_may_not() {
    let scene = Scene::new().await;
    let tales = list_secrets();
    let answers =
        Crawler::new(&scene.world, staff(), scene.pool()).await.queries(|name| name == "order").await;
    let found: BTreeSet<&String> = answers.iter().flat_map(|answer| find_leaks(answer, &tales)).collect();
    assert_eq!(found.len(), tales.len(), "the crawler does not find more than {found:?}");
    let filled: BTreeSet<_> = answers.iter().flat_map(|one| filled(&one.response["data"])).collect();
    for field in ["acceptBy", "acceptedAt", "declinedAt", "declineReason", "shipBy"] {
        assert!(filled.contains(&format!("OrderItem.{field}")), "{field}");
    }
    let late = "query($id: ID!) { order(id: $id) { items { overdue } } }";
    let variables = json!({"id": scene.orders[0]});
    for (caller, overdue) in [(staff(), true), (customer(1), false)] {
        let order = scene.world.data(&caller, late, variables.clone()).await["order"].take();
        assert_eq!(order["items"][0]["overdue"], overdue);
    }
}

#[tokio::test]
async fn no_operation_tells_a_customer_what_is_between_merchant_and_supplier() {
    let scene = Scene::new().await;
    let mut crawler = Crawler::new(&scene.world, customer(1), scene.pool()).await;
    let queries = crawler.queries(|_| true).await;
    assert_discreet(
        &queries,
        &[
            "OrderEvent.notes",
            "OrderEvent.actor",
            "Activity.notes",
            "OrderItem.origin",
            "Scan.recordedBy",
            "Query.node",
        ],
    );
    assert_discreet(&crawler.subscriptions().await, &["OrderUpdate.event", "OrderEvent.toStatus"]);
    assert_discreet(
        &crawler.mutations().await,
        &["TransitionOrderSuccess.order", "CancelOrderSuccess.order", "Forbidden.message"],
    );
}

#[tokio::test]
async fn a_customer_reads_its_own_words_and_why_an_order_was_cancelled() {
    let scene = Scene::new().await;
    let fields = "toStatus notes actor { kind id }";
    let query = format!(
        "query($id: ID!) {{ order(id: $id) {{ events {{ nodes {{ {fields} }} }} shipments {{ scans {{ nodes {{
            recordedBy {{ kind id }} }} }} }} }} }}"
    );
    let data = scene.world.data(&customer(1), &query, json!({"id": scene.orders[2]})).await;
    let event = |to: &str, notes: Option<&str>, kind: &str| {
        let id = (kind == "CUSTOMER").then(|| user(1));
        json!({"toStatus": to, "notes": notes, "actor": {"kind": kind, "id": id}})
    };
    assert_eq!(
        data["order"]["events"]["nodes"],
        json!([
            event("PLACED", None, "SUPPORT"),
            event("PAYMENT_CONFIRMED", None, "SUPPORT"),
            event("PROCESSING", None, "SUPPORT"),
            event("AWAITING_PICKUP", None, "SUPPLIER"),
            event("SHIPPED", None, "SUPPLIER"),
            event("OUT_FOR_DELIVERY", None, "SUPPLIER"),
            event("DELIVERED", None, "SUPPORT"),
            event("RETURN_INITIATED", Some("too small"), "CUSTOMER"),
            event("RETURNED", None, "SUPPORT"),
        ])
    );
    let scans = &data["order"]["shipments"][0]["scans"]["nodes"];
    let by = |kind: &str| json!({"recordedBy": {"kind": kind, "id": null}});
    assert_eq!(scans, &json!([by("SUPPORT"), by("SUPPLIER")]));

    let reason = json!({"orderId": scene.orders[0], "reason": "nobody can send it"});
    scene.world.mutate(&staff(), "cancelOrder", reason).await;
    let after = Kind::Updates.encode(&(scene.orders[0].parse::<Uuid>().unwrap(), 1));
    let follow = format!(
        "subscription($id: ID!, $after: String) {{ orderUpdated(orderId: $id, after: $after) {{ event {{ {fields} }}
            order {{ items {{ acceptBy declineReason }} }} }} }}"
    );
    let variables = json!({"id": scene.orders[0], "after": after});
    let update = scene.world.subscribe(&customer(1), &follow, variables).next().await.unwrap();
    let update = &update["data"]["orderUpdated"];
    assert_eq!(update["event"], event("CANCELLED", Some("nobody can send it"), "SUPPORT"));
    assert_eq!(update["order"]["items"], json!([{"acceptBy": null, "declineReason": null}]));
}

#[tokio::test]
async fn an_answer_that_is_repeated_tells_no_more_than_the_first() {
    let scene = Scene::new().await;
    let query =
        "mutation($input: CancelOrderInput!) { cancelOrder(input: $input) { ... on CancelOrderSuccess {
        event { notes actor { id } }
        order { items { acceptBy declinedAt declineReason } events { nodes { notes actor { id } } } } } } }";
    let input = json!({"orderId": scene.orders[0], "reason": "too late", "idempotencyKey": "cancel-1"});
    let own = json!({"notes": "too late", "actor": {"id": user(1)}});
    for _ in 0..2 {
        let data = scene.world.data(&customer(1), query, json!({ "input": input })).await;
        assert_eq!(
            data["cancelOrder"],
            json!({"event": own, "order": {
                "items": [{"acceptBy": null, "declinedAt": null, "declineReason": null}],
                "events": {"nodes": [{"notes": null, "actor": {"id": null}}, own]},
            }})
        );
    }
}
