//! Tests tracking numbers in the API: further ones, added ones, replaced ones, shared ones, and who sees what of them.

use serde_json::{Value, json};

use super::world::{World, customer, supplier, support, tea};

/// What each mutation of a shipment answers.
const RESULT: &str = "{ __typename ... on Problem { message } ... on InvalidInput { field }
    ... on ShipmentRefused { code }
    ... on ShipmentSuccess { changed warnings { code carriers } shipment { id trackingNumber
        numbers { carrier carrierName trackingNumber trackingUrl isPrimary isShared addedAt voidSince
            voidBy { kind id } voidReason } } } }";

async fn ask(world: &World, mutation: &str, input: Value) -> Value {
    let kind = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
    let query = format!("mutation($input: {kind}!) {{ {mutation}(input: $input) {RESULT} }}");
    world.data(&support(), &query, json!({ "input": input })).await[mutation].take()
}

/// The names of the numbers of a shipment: `fedex N1`, with a mark for the primary one and for void ones.
fn numbers(answer: &Value) -> Vec<String> {
    let name = |one: &Value| {
        let (carrier, number) = (one["carrier"].as_str().unwrap(), one["trackingNumber"].as_str().unwrap());
        let primary = if one["isPrimary"] == true { "*" } else { "" };
        let void = if one["voidSince"].is_null() { "" } else { " void" };
        format!("{carrier} {number}{primary}{void}")
    };
    answer["shipment"]["numbers"].as_array().expect("numbers").iter().map(name).collect()
}

#[tokio::test]
async fn a_shipment_is_registered_with_further_numbers() {
    let world = World::new().await;
    let order = world.place(tea()).await;
    let further = json!([{"carrier": "USPS", "trackingNumber": "9400 1000"}, {"carrier": "dpd", "trackingNumber": "d1"}]);
    let input =
        json!({"orderId": order, "carrier": "FEDEX", "trackingNumber": "n1", "furtherNumbers": further});
    let created = ask(&world, "createShipment", input.clone()).await;
    assert_eq!(numbers(&created), ["fedex N1*", "usps 94001000", "dpd D1"]);
    assert_eq!(created["changed"], true);
    let dpd = &created["shipment"]["numbers"][2];
    assert_eq!((&dpd["carrierName"], &dpd["isShared"]), (&json!("DPD"), &json!(false)));
    assert_eq!(ask(&world, "createShipment", input).await["changed"], false);
    let found = "{ shipment(carrier: usps, trackingNumber: \"94001000\") { id } }";
    assert_eq!(world.data(&support(), found, json!({})).await["shipment"]["id"], created["shipment"]["id"]);
}

#[tokio::test]
async fn a_number_that_is_wrong_is_refused_with_its_place() {
    let world = World::new().await;
    let order = world.place(tea()).await;
    let shipment = world.ship(&order, "N1", Some(1)).await;
    let create = |further: Value| json!({"orderId": order, "carrier": "FEDEX", "trackingNumber": "N2", "furtherNumbers": further});
    let right = json!({"carrier": "ups", "trackingNumber": "U1"});
    let change = |carrier: Value, number: &str, reason: Option<&str>| {
        let mut input = json!({"shipmentId": shipment, "carrier": carrier, "trackingNumber": number});
        if let Some(reason) = reason {
            input["reason"] = json!(reason);
        }
        input
    };
    let many: Vec<Value> =
        (0..50).map(|number| json!({"carrier": "ups", "trackingNumber": format!("U{number}")})).collect();
    for (mutation, input, field) in [
        (
            "createShipment",
            create(json!([right, {"carrier": "a/b", "trackingNumber": "U2"}])),
            "furtherNumbers[1].carrier",
        ),
        (
            "createShipment",
            create(json!([{"carrier": "ups", "trackingNumber": "?"}])),
            "furtherNumbers[0].trackingNumber",
        ),
        ("createShipment", create(json!(many)), "furtherNumbers"),
        ("addTrackingNumber", change(json!("a/b"), "U1", None), "carrier"),
        ("addTrackingNumber", change(json!("ups"), "", None), "trackingNumber"),
        ("replaceTrackingNumber", change(Value::Null, "?", Some("typed wrong")), "trackingNumber"),
        ("replaceTrackingNumber", change(Value::Null, "N2", Some(" ")), "reason"),
    ] {
        let refused = ask(&world, mutation, input).await;
        assert_eq!(
            (&refused["__typename"], &refused["field"]),
            (&json!("InvalidInput"), &json!(field)),
            "{refused}"
        );
    }
    let query = "query($id: ID!) { order(id: $id) { shipments { numbers { trackingNumber } } } }";
    let stored = world.data(&support(), query, json!({ "id": order })).await;
    let expected = json!([{"numbers": [{"trackingNumber": "N1"}]}]);
    assert_eq!(stored["order"]["shipments"], expected, "nothing is written");
}

#[tokio::test]
async fn numbers_are_added_and_replaced_and_the_answer_says_what_changed() {
    let world = World::new().await;
    let order = world.place(tea()).await;
    let shipment = world.ship(&order, "N1", None).await;
    let add = json!({"shipmentId": shipment, "carrier": "fedex", "trackingNumber": "1Z999AA10123456784"});
    let added = ask(&world, "addTrackingNumber", add.clone()).await;
    assert_eq!(numbers(&added), ["fedex N1*", "fedex 1Z999AA10123456784"]);
    let warning = json!([{"code": "LIKELY_OTHER_CARRIER", "carriers": ["ups"]}]);
    assert_eq!((&added["changed"], &added["warnings"]), (&json!(true), &warning));
    assert_eq!(ask(&world, "addTrackingNumber", add).await["changed"], false);
    let replace = json!({"shipmentId": shipment, "trackingNumber": "n2", "reason": "a new label",
        "idempotencyKey": "k1"});
    let replaced = ask(&world, "replaceTrackingNumber", replace.clone()).await;
    assert_eq!(numbers(&replaced), ["fedex N1 void", "fedex 1Z999AA10123456784", "fedex N2*"]);
    assert_eq!(replaced["shipment"]["trackingNumber"], "N2");
    let void = &replaced["shipment"]["numbers"][0];
    let expected = json!({"kind": "SUPPORT", "id": "sam"});
    assert_eq!((&void["voidBy"], &void["voidReason"]), (&expected, &json!("a new label")));
    let again = ask(&world, "replaceTrackingNumber", replace).await;
    assert_eq!((&again["changed"], numbers(&again)), (&json!(true), numbers(&replaced)), "the first answer");
    let unknown = json!({"shipmentId": order, "trackingNumber": "N3", "reason": "typed wrong"});
    assert_eq!(ask(&world, "replaceTrackingNumber", unknown).await["__typename"], "NotFound");
}

#[tokio::test]
async fn customers_and_suppliers_see_void_numbers_without_the_reason() {
    let world = World::new().await;
    let mut input = tea();
    input["items"][0]["origin"] = json!({"kind": "SUPPLIER", "code": "acme"});
    let order = world.place(input).await;
    let shipment = world.ship(&order, "N1", None).await;
    let replace = json!({"shipmentId": shipment, "trackingNumber": "N2", "reason": "Bob typed it wrong"});
    ask(&world, "replaceTrackingNumber", replace).await;
    let query = "query($id: ID!) { order(id: $id) {
        shipments { numbers { trackingNumber voidBy { kind id } voidReason } }
        timeline { nodes { ... on Activity { kind notes facts } } } } }";
    for caller in [customer(1), supplier()] {
        let seen = world.data(&caller, query, json!({ "id": order })).await["order"].take();
        let expected = json!([
            {"trackingNumber": "N1", "voidBy": {"kind": "SUPPORT", "id": null}, "voidReason": null},
            {"trackingNumber": "N2", "voidBy": null, "voidReason": null},
        ]);
        assert_eq!(seen["shipments"][0]["numbers"], expected, "{:?}", caller.actor);
        let nodes = seen["timeline"]["nodes"].as_array().unwrap();
        let activity =
            nodes.iter().find(|node| node["kind"] == "TRACKING_NUMBER_REPLACED").expect("an activity");
        let facts = json!({"carrier": "fedex", "tracking_number": "N2", "former_carrier": "fedex",
            "former_tracking_number": "N1"});
        assert_eq!((&activity["facts"], &activity["notes"]), (&facts, &json!(null)), "{:?}", caller.actor);
    }
}

#[tokio::test]
async fn one_number_of_two_orders_has_to_be_asked_for() {
    let world = World::new().await;
    let (first, second) = (world.place(tea()).await, world.place(tea()).await);
    world.ship(&first, "N1", None).await;
    let mut input = json!({"orderId": second, "carrier": "FEDEX", "trackingNumber": "N1"});
    let refused = ask(&world, "createShipment", input.clone()).await;
    assert_eq!(
        (&refused["__typename"], &refused["code"]),
        (&json!("ShipmentRefused"), &json!("NUMBER_IN_USE"))
    );
    input["sharedNumber"] = json!(true);
    let shared = ask(&world, "createShipment", input).await;
    assert_eq!(shared["shipment"]["numbers"][0]["isShared"], true, "{shared}");
}
