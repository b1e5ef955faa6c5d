//! Tests carriers in inputs and answers: every spelling is read, and answers have the code.

use serde_json::{Value, json};

use super::world::{World, support, tea};

const CREATE: &str = "mutation($input: CreateShipmentInput!) { createShipment(input: $input) { __typename
    ... on Problem { message } ... on InvalidInput { field }
    ... on ShipmentSuccess { warnings { code message carriers }
        shipment { carrier carrierName trackingUrl carrierUrl trackingNumber } } } }";

async fn create(world: &World, carrier: impl Into<Value>, number: &str) -> Value {
    let order = world.place(tea()).await;
    let input = json!({"orderId": order, "carrier": carrier.into(), "trackingNumber": number});
    world.data(&support(), CREATE, json!({ "input": input })).await["createShipment"].take()
}

#[tokio::test]
async fn each_spelling_of_a_carrier_is_read_and_the_code_is_answered() {
    let world = World::new().await;
    for (number, (spelling, code, name, url)) in [
        ("FX", "fedex", "FedEx", json!("https://www.fedex.com/fedextrack/?trknbr=N0")),
        ("FEDEX", "fedex", "FedEx", json!("https://www.fedex.com/fedextrack/?trknbr=N1")),
        ("dpd-uk", "dpd_uk", "DPD UK", json!("https://track.dpd.co.uk/parcels/N2")),
        ("Yodel", "yodel", "Yodel", json!("https://www.yodel.co.uk/tracking/N3")),
        ("Acme Bikes", "acme_bikes", "Acme Bikes", Value::Null),
    ]
    .into_iter()
    .enumerate()
    {
        let created = create(&world, spelling, &format!(" n{number} ")).await;
        let expected = json!({"carrier": code, "carrierName": name, "trackingUrl": url, "carrierUrl": url,
            "trackingNumber": format!("N{number}")});
        assert_eq!(created["shipment"], expected, "{created}");
        assert_eq!(created["warnings"], json!([]));
    }
    // As a string, without quotes, and as a variable, in each argument that has the type.
    for carrier in ["\"fedex\"", "FEDEX", "fedex", "FX", "\"FedEx\""] {
        let query = format!(
            "{{ shipment(carrier: {carrier}, trackingNumber: \"n1\") {{ carrier }}
                orders(filter: {{carrier: {carrier}}}) {{ totalCount }} }}"
        );
        let expected = json!({"shipment": {"carrier": "fedex"}, "orders": {"totalCount": 2}});
        assert_eq!(world.data(&support(), &query, json!({})).await, expected, "{carrier}");
    }
    let query = "query($c: CarrierCode!) { shipment(carrier: $c, trackingNumber: \"n4\") { carrier } }";
    let found = world.data(&support(), query, json!({"c": "acme-bikes"})).await;
    assert_eq!(found["shipment"]["carrier"], "acme_bikes");
}

#[tokio::test]
async fn what_is_no_carrier_is_refused_with_its_field() {
    let world = World::new().await;
    for wrong in [json!(""), json!("a/b"), json!("x".repeat(33)), json!(1)] {
        let created = create(&world, wrong.clone(), "N1").await;
        assert_eq!((&created["__typename"], &created["field"]), (&json!("InvalidInput"), &json!("carrier")));
        let variables = json!({ "c": wrong });
        let shipment = "query($c: CarrierCode!) { shipment(carrier: $c, trackingNumber: \"1\") { id } }";
        let orders = "query($c: CarrierCode!) { orders(filter: {carrier: $c}) { totalCount } }";
        let events = "query($c: CarrierCode!) { orderEvents(filter: {carrier: $c}) { totalCount } }";
        for query in [shipment, orders, events] {
            assert_eq!(world.code(&support(), query, variables.clone()).await, "BAD_INPUT", "{wrong}");
        }
    }
    let orders = world.data(&support(), "{ orders { nodes { shipments { id } } } }", json!({})).await;
    let nodes = orders["orders"]["nodes"].as_array().unwrap();
    assert!(nodes.iter().all(|order| order["shipments"] == json!([])), "nothing is written: {orders}");
}

#[tokio::test]
async fn a_number_in_the_format_of_another_carrier_is_accepted_with_a_warning() {
    let world = World::new().await;
    let created = create(&world, "fedex", "1Z999AA10123456784").await;
    let message = "1Z999AA10123456784 looks like a number of UPS, and the shipment is registered with FedEx";
    let warning = json!({"code": "LIKELY_OTHER_CARRIER", "message": message, "carriers": ["ups"]});
    assert_eq!(created["warnings"], json!([warning]), "{created}");
    for (carrier, number) in [
        ("ups", "1Z999AA10123456784"),
        ("fedex", "1Z999AA10123456785"),
        ("ups", "92748902711486543475061180"),
        ("canada_post", "7023210039414604"),
    ] {
        let created = create(&world, carrier, number).await;
        assert_eq!(created["warnings"], json!([]), "{carrier} {number}: {created}");
    }
}
