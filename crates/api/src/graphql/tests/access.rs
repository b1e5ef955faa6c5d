//! Tests of access: for a caller, records that they may not see do not exist.

use async_graphql::Request;
use domain::{Actor, ActorKind, ShipmentStatus};
use serde_json::{Value, json};

use super::world::{World, customer, supplier, support, tea, user};
use crate::{
    graphql::request_data,
    transport::{RequestContext, RequestId},
};

/// Reaches one order in every way that the schema has.
const WAYS: &str = "query($id: ID!, $event: ID!, $shipment: ID!) {
    order(id: $id) { id }
    byReference: orderByReference(reference: \"A-1\") { id }
    shipment(carrier: FEDEX, trackingNumber: \"1001\") { id }
    orders { nodes { id } totalCount }
    orderEvents { nodes { orderId } totalCount }
    ofOrder: orderEvents(filter: {orderId: $id}) { totalCount }
    asNode: node(id: $id) { id __typename }
    eventNode: node(id: $event) { id }
    shipmentNode: node(id: $shipment) { id }
}";

#[tokio::test]
async fn an_order_is_seen_by_its_customer_and_by_staff_alone() {
    let world = World::new().await;
    let mut input = tea();
    input["reference"] = json!("A-1");
    let id = world.place(input).await;
    let shipment = world.ship(&id, "1001", None).await;
    let variables = json!({"id": id, "event": format!("{id}:1"), "shipment": shipment});
    for caller in [customer(1), support()] {
        let data = world.data(&caller, WAYS, variables.clone()).await;
        for field in ["order", "byReference", "asNode"] {
            assert_eq!(data[field]["id"], id, "{field}");
        }
        assert_eq!(data["asNode"]["__typename"], "Order");
        assert_eq!(data["shipment"]["id"], shipment);
        assert_eq!(data["shipmentNode"]["id"], shipment);
        assert_eq!(data["eventNode"]["id"], format!("{id}:1"));
        for field in ["orders", "orderEvents", "ofOrder"] {
            assert_eq!(data[field]["totalCount"], 1, "{field}");
        }
    }
    // Another customer, and a supplier that ships no item of the order.
    for caller in [customer(2), supplier()] {
        let data = world.data(&caller, WAYS, variables.clone()).await;
        for field in ["order", "byReference", "shipment", "asNode", "eventNode", "shipmentNode"] {
            assert_eq!(data[field], Value::Null, "{field}");
        }
        for field in ["orders", "orderEvents", "ofOrder"] {
            assert_eq!(data[field]["totalCount"], 0, "{field}");
        }
        assert_eq!(data["orders"]["nodes"], json!([]));
    }
}

#[tokio::test]
async fn a_shipment_is_found_by_its_number_whoever_has_the_number_since() {
    let world = World::new().await;
    let mut shipments = Vec::new();
    for number in [1, 2] {
        let mut input = tea();
        input["userId"] = json!(user(number));
        let id = world.place(input).await;
        world.move_order(&id, &["PAYMENT_CONFIRMED", "PROCESSING"]).await;
        shipments.push(world.ship(&id, "1001", None).await);
        world.advance(60);
        world.scan("1001", ShipmentStatus::Delivered).await;
        world.advance(3 * 24 * 60 * 60);
    }
    let query = "{ shipment(carrier: FEDEX, trackingNumber: \"1001\") { id } }";
    for (caller, expected) in [
        (customer(1), json!({"id": shipments[0]})),
        (customer(2), json!({"id": shipments[1]})),
        (support(), json!({"id": shipments[1]})),
        (customer(3), Value::Null),
    ] {
        assert_eq!(world.data(&caller, query, json!({})).await["shipment"], expected, "{:?}", caller.actor);
    }
}

#[tokio::test]
async fn a_customer_asks_in_vain_for_the_orders_of_another() {
    let world = World::new().await;
    world.place(tea()).await;
    let query = "query($user: ID) { orders(filter: {userId: $user}) { totalCount } }";
    for (caller, expected) in [(support(), 1), (customer(1), 1), (customer(2), 0)] {
        let data = world.data(&caller, query, json!({"user": user(1)})).await;
        assert_eq!(data["orders"]["totalCount"], expected, "{:?}", caller.actor);
    }
}

#[tokio::test]
async fn the_inbox_is_for_staff() {
    let world = World::new().await;
    let query = "{ webhooks { totalCount } }";
    for caller in [customer(1), supplier()] {
        assert_eq!(world.code(&caller, query, json!({})).await, "FORBIDDEN");
    }
    assert_eq!(world.data(&support(), query, json!({})).await["webhooks"]["totalCount"], 0);
}

#[tokio::test]
async fn a_supplier_may_look_at_the_table() {
    let world = World::new().await;
    let data = world.data(&supplier(), "{ stateMachine { from to } }", json!({})).await;
    assert_eq!(data["stateMachine"][0], json!({"from": "PLACED", "to": "PAYMENT_CONFIRMED"}));
}

#[tokio::test]
async fn an_id_that_is_none_is_an_error_of_the_request() {
    let world = World::new().await;
    for query in [
        "{ order(id: \"7\") { id } }",
        "{ node(id: \"7\") { id } }",
        "{ node(id: \"7:1\") { id } }",
        "{ orders(filter: {userId: \"kim\"}) { totalCount } }",
        "{ orderEvents(filter: {orderId: \"kim\"}) { totalCount } }",
        "{ orders(filter: {placedSince: \"-0044-03-15T12:00:00Z\"}) { totalCount } }",
    ] {
        assert_eq!(world.code(&support(), query, json!({})).await, "BAD_INPUT", "{query}");
    }
    let nobody = json!({ "id": user(77) });
    let data = world.data(&support(), "query($id: ID!) { node(id: $id) { id } }", nobody).await;
    assert_eq!(data["node"], Value::Null);
}

#[tokio::test]
async fn a_failure_is_told_by_its_code_alone() {
    let world = World::new().await;
    world.store.clone().close().await.unwrap();
    let response = world.run(&support(), "{ orders { nodes { id } } }", json!({})).await;
    assert_eq!(response["data"], Value::Null);
    let error = &response["errors"][0];
    assert_eq!(error["extensions"], json!({"code": "UNAVAILABLE", "requestId": "request-7"}));
    assert_eq!(error["message"], "this cannot be done at the moment: try again");
}

#[tokio::test]
async fn the_transports_say_who_is_calling() {
    let world = World::new().await;
    let id = world.place(tea()).await;
    let query = format!("{{ order(id: \"{id}\") {{ id }} }}");
    for (number, seen) in [(1, true), (2, false)] {
        let context = RequestContext {
            actor: Actor::new(ActorKind::Customer, user(number)),
            email: None,
            request_id: RequestId("request-8".to_owned()),
        };
        let request = request_data()(Request::new(&query), &context);
        let data = world.schema.execute(request).await.data.into_json().unwrap();
        assert_eq!(data["order"].is_object(), seen, "customer {number}");
    }
}
