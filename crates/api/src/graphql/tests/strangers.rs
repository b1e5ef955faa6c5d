//! Tests of the input that customers and others may send: customers place orders only if the merchant allows it and
//! only with their own address; no text has characters that forge or hide text; and the currency must exist.

use app::Caller;
use serde_json::{Value, json};

use super::world::{World, customer, supplier, support, tea, user};

fn with(mut input: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().expect("an object") {
        input[name] = value.clone();
    }
    input
}

fn customer_with(email: Option<&str>) -> Caller {
    Caller { email: email.map(str::to_owned), ..customer(1) }
}

/// The input of a customer's order, without an address.
fn own_order() -> Value {
    let mut input = tea();
    input.as_object_mut().expect("an object").remove("customerEmail");
    input
}

#[tokio::test]
async fn customers_place_orders_only_where_the_shop_allows_it() {
    let world = World::new().await.without_customers_orders();
    let refused = world.mutate(&customer(1), "placeOrder", tea()).await;
    assert_eq!(refused["__typename"], "Forbidden", "{refused}");
    assert_eq!(
        world.data(&support(), "{ orders { totalCount } }", json!({})).await["orders"]["totalCount"],
        0
    );
    let placed = world.mutate(&support(), "placeOrder", tea()).await;
    assert_eq!(placed["__typename"], "PlaceOrderSuccess", "{placed}");
}

#[tokio::test]
async fn a_customers_order_has_the_address_of_the_token() {
    let world = World::new().await;
    let own = "Kim@Example.com";
    for (token, given, kept) in [
        (Some(own), None, Some("Kim@example.com")),
        (Some(own), Some(own), Some("Kim@example.com")),
        (Some(own), Some("kim@example.COM"), Some("Kim@example.com")),
        (None, None, None),
    ] {
        let input = with(own_order(), json!({ "customerEmail": given }));
        let placed = world.mutate(&customer_with(token), "placeOrder", input).await;
        let id = placed["order"]["id"].as_str().unwrap_or_else(|| panic!("{placed}"));
        let query = "query($id: ID!) { order(id: $id) { customerEmail } }";
        let order = world.data(&customer(1), query, json!({ "id": id })).await;
        assert_eq!(order["order"]["customerEmail"], json!(kept), "{token:?} {given:?}");
    }
    for (token, given) in [
        (Some(own), Some("stranger@example.org")),
        (Some(own), Some("kim@example.com;stranger@example.org")),
        (Some(own), Some("")),
        (None, Some(own)),
        (Some("not an address"), None),
        (Some("not an address"), Some("not an address")),
    ] {
        let input = with(own_order(), json!({ "customerEmail": given }));
        let refused = world.mutate(&customer_with(token), "placeOrder", input).await;
        assert_eq!(
            (&refused["__typename"], &refused["field"]),
            (&json!("InvalidInput"), &json!("customerEmail")),
            "{token:?} {given:?}: {refused}"
        );
    }
}

#[tokio::test]
async fn staff_have_to_give_an_address_that_mail_servers_take() {
    let world = World::new().await;
    let bad = [
        None,
        Some(""),
        Some("a@x;b@x"),
        Some("<a@b.c>"),
        Some(".a@b.c"),
        Some("a..b@c.d"),
        Some("a@b..c"),
        Some("a@[127.0.0.1]"),
        Some("Ada <a@b.c>"),
        Some("a@b.c\r\nBcc: x@y.z"),
        Some("\"a\"@b.c"),
        Some("ä@b.c"),
        Some("a@b.c."),
    ];
    for address in bad {
        let refused =
            world.mutate(&support(), "placeOrder", with(tea(), json!({"customerEmail": address}))).await;
        assert_eq!(refused["field"], "customerEmail", "{address:?}: {refused}");
    }
    let good = with(tea(), json!({"customerEmail": "kim@bücher.example"}));
    let id = world.place(good).await;
    let query = "query($id: ID!) { order(id: $id) { customerEmail } }";
    let order = world.data(&support(), query, json!({ "id": id })).await;
    assert_eq!(order["order"]["customerEmail"], "kim@xn--bcher-kva.example");
}

#[tokio::test]
async fn a_total_has_the_decimals_of_its_currency() {
    let world = World::new().await;
    for (currency, decimals, formatted) in
        [("USD", 2, "42.05 USD"), ("JPY", 0, "4205 JPY"), ("KWD", 3, "4.205 KWD"), ("CLF", 4, "0.4205 CLF")]
    {
        let id = world.place(with(tea(), json!({ "currency": currency }))).await;
        let query = "query($id: ID!) { order(id: $id) { total { cents currency decimals formatted } } }";
        let order = world.data(&support(), query, json!({ "id": id })).await;
        let expected =
            json!({"cents": 4205, "currency": currency, "decimals": decimals, "formatted": formatted});
        assert_eq!(order["order"]["total"], expected);
    }
    for currency in ["", "usd", "ABC", "XXX", "XAU", "USDT", "US\n"] {
        let refused =
            world.mutate(&support(), "placeOrder", with(tea(), json!({ "currency": currency }))).await;
        assert_eq!(refused["field"], "currency", "{currency:?}: {refused}");
    }
}

/// One character of each kind that forges or hides text.
const UNSAFE: [char; 9] =
    ['\r', '\u{1b}', '\u{7f}', '\u{85}', '\u{2028}', '\u{2029}', '\u{202e}', '\u{2066}', '\u{200f}'];

#[tokio::test]
async fn no_text_of_an_input_has_characters_that_forge_or_hide() {
    let world = World::new().await;
    let order = world.place(tea()).await;
    let shipped = world.place(tea()).await;
    let shipment = world.ship(&shipped, "1001", None).await;
    let item = world.item(&order).await;
    let supplied = world.place(json!({
        "userId": user(1), "customerEmail": "kim@example.com", "totalCents": 1,
        "items": [{"sku": "TEA", "name": "Tea", "quantity": 1, "origin": {"kind": "SUPPLIER", "code": "acme"}}],
    }));
    let supplied = supplied.await;
    let theirs = world.item(&supplied).await;
    let now = world.clock.now();
    let line = |change: Value| with(json!({"sku": "TEA", "name": "Tea", "quantity": 1}), change);
    for c in UNSAFE {
        let text = format!("a{c}b");
        let cases = [
            ("placeOrder", with(tea(), json!({ "reference": text })), "reference"),
            ("placeOrder", with(tea(), json!({ "notes": text })), "notes"),
            ("placeOrder", with(tea(), json!({"items": [line(json!({ "sku": text }))]})), "items[0].sku"),
            ("placeOrder", with(tea(), json!({"items": [line(json!({ "name": text }))]})), "items[0].name"),
            (
                "placeOrder",
                with(tea(), json!({"items": [line(json!({"origin": {"kind": "WAREHOUSE", "code": text}}))]})),
                "items[0].origin.code",
            ),
            ("placeOrder", with(tea(), json!({ "idempotencyKey": text })), "idempotencyKey"),
            ("cancelOrder", json!({"orderId": order, "reason": text}), "reason"),
            ("transitionOrder", json!({"orderId": order, "to": "PAYMENT_CONFIRMED", "notes": text}), "notes"),
            (
                "cancelItems",
                json!({"orderId": order, "reason": text, "items": [{"itemId": item, "quantity": 1}]}),
                "reason",
            ),
            ("initiateReturn", json!({"orderId": order, "reason": text}), "reason"),
            ("receiveReturn", json!({"orderId": order, "notes": text}), "notes"),
            ("cancelShipment", json!({"shipmentId": shipment, "reason": text}), "reason"),
            (
                "recordScan",
                json!({"shipmentId": shipment, "status": "IN_TRANSIT", "occurredAt": now, "location": text}),
                "location",
            ),
            (
                "recordScan",
                json!({"shipmentId": shipment, "status": "IN_TRANSIT", "occurredAt": now, "notes": text}),
                "notes",
            ),
            (
                "reassignItems",
                json!({"orderId": supplied, "itemIds": [theirs], "origin": {"kind": "SUPPLIER", "code": text}}),
                "origin.code",
            ),
        ];
        for (mutation, input, field) in cases {
            let refused = world.mutate(&support(), mutation, input).await;
            assert_eq!(
                (&refused["__typename"], &refused["field"]),
                (&json!("InvalidInput"), &json!(field)),
                "{mutation} {c:?}: {refused}"
            );
        }
        let declined = json!({"orderId": supplied, "itemIds": [theirs], "reason": text});
        let refused = world.mutate(&supplier(), "declineItems", declined).await;
        assert_eq!(refused["field"], "reason", "{c:?}: {refused}");
        // Whitespace of any kind is removed from tracking numbers, so it is not refused there.
        if !c.is_whitespace() {
            let number = json!({"orderId": order, "carrier": "FEDEX", "trackingNumber": text});
            let refused = world.mutate(&support(), "createShipment", number).await;
            assert_eq!(refused["field"], "trackingNumber", "{c:?}: {refused}");
        }
    }
    let lines = json!({"orderId": order, "reason": "one\n\ttwo"});
    assert_eq!(
        world.mutate(&support(), "cancelOrder", lines).await["changed"],
        true,
        "a reason may have lines"
    );
}
