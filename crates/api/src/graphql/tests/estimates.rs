//! Tests delivery estimates in inputs and answers.

use app::Caller;
use serde_json::{Value, json};

use super::world::{World, customer, supplier, support, tea};

const FIELDS: &str = "estimatedDelivery deliveryEstimate { date earliest latest saidAt source }
    deliveryEstimates { date earliest source }";

async fn set(world: &World, caller: &Caller, shipment: &str, estimate: Value) -> Value {
    let query = "mutation($input: SetDeliveryEstimateInput!) { setDeliveryEstimate(input: $input) { __typename
        ... on Problem { message } ... on InvalidInput { field } ... on ShipmentSuccess { shipment { id } } } }";
    let input = json!({"shipmentId": shipment, "deliveryEstimate": estimate});
    world.data(caller, query, json!({ "input": input })).await["setDeliveryEstimate"].take()
}

async fn read(world: &World, shipment: &str) -> Value {
    let query = format!("query($id: ID!) {{ node(id: $id) {{ ... on Shipment {{ {FIELDS} }} }} }}");
    world.data(&support(), &query, json!({ "id": shipment })).await["node"].take()
}

#[tokio::test]
async fn an_estimate_is_a_day_or_a_window_and_its_revisions_are_listed() {
    let world = World::new().await;
    let order = world.place(tea()).await;
    let create = format!(
        "mutation($input: CreateShipmentInput!) {{ createShipment(input: $input) {{ ... on ShipmentSuccess {{
            shipment {{ id {FIELDS} }} }} }} }}"
    );
    let input = json!({"orderId": order, "carrier": "FEDEX", "trackingNumber": "161616",
        "deliveryEstimate": {"date": "2026-12-05"}});
    let created = world.data(&support(), &create, json!({ "input": input })).await;
    let shipment = &created["createShipment"]["shipment"];
    let id = shipment["id"].as_str().unwrap();
    assert_eq!(shipment["estimatedDelivery"], "2026-12-05T12:00:00+00:00");
    let estimate = &shipment["deliveryEstimate"];
    assert_eq!(
        (&estimate["date"], &estimate["latest"], &estimate["source"]),
        (&json!("2026-12-05"), &Value::Null, &json!("MERCHANT"))
    );
    world.advance(60);
    let window = json!({"earliest": "2026-12-04T14:15:00-06:00", "latest": "2026-12-04T18:15:00-06:00"});
    assert_eq!(set(&world, &support(), id, window).await["__typename"], "ShipmentSuccess");
    let now = read(&world, id).await;
    assert_eq!(now["estimatedDelivery"], "2026-12-05T00:15:00+00:00");
    assert_eq!(now["deliveryEstimate"]["date"], "2026-12-04", "the day at the place");
    assert_eq!(now["deliveryEstimate"]["latest"], "2026-12-04T18:15:00-06:00");
    assert_eq!(
        now["deliveryEstimates"],
        json!([
            {"date": "2026-12-04", "earliest": "2026-12-04T14:15:00-06:00", "source": "MERCHANT"},
            {"date": "2026-12-05", "earliest": null, "source": "MERCHANT"},
        ])
    );
}

#[tokio::test]
async fn what_is_no_estimate_is_refused_with_its_field() {
    let world = World::new().await;
    let order = world.place(tea()).await;
    let id = world.ship(&order, "161616", None).await;
    for wrong in [
        json!({}),
        json!({"date": "tomorrow"}),
        json!({"date": "2026-12-05", "latest": "2026-12-04T18:15:00-06:00"}),
        json!({"latest": "2026-12-04T18:15:00-06:00"}),
        json!({"earliest": "2026-12-04T14:15:00", "latest": "2026-12-04T18:15:00"}),
        json!({"earliest": "2026-12-04T19:15:00-06:00", "latest": "2026-12-04T18:15:00-06:00"}),
    ] {
        let refused = set(&world, &support(), &id, wrong.clone()).await;
        assert_eq!(
            (&refused["__typename"], &refused["field"]),
            (&json!("InvalidInput"), &json!("deliveryEstimate")),
            "{wrong}"
        );
    }
    let day = || json!({"date": "2026-12-05"});
    assert_eq!(set(&world, &supplier(), &id, day()).await["__typename"], "NotFound", "another's shipment");
    assert_eq!(set(&world, &customer(1), &id, day()).await["__typename"], "Forbidden");
    assert_eq!(read(&world, &id).await["deliveryEstimates"], json!([]), "nothing is written");
}
