//! Clients of a running server: GraphQL over HTTP with somebody's token, and FedEx with its webhooks.

use base64::{Engine, prelude::BASE64_STANDARD};
use carriers::Sender;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::StatusCode;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::{process::Server, shop::secret, wait::PATIENCE};

/// A client for anything on this machine. Each request has a connection of its own, as requests of many callers
/// have, and none of them ends because another one did.
pub fn client() -> reqwest::Client {
    choose_tls();
    let client = reqwest::Client::builder().pool_max_idle_per_host(0).timeout(PATIENCE).no_proxy();
    client.build().expect("a client without TLS settings")
}

/// Names the TLS provider of the process, for which reqwest asks also where there is no TLS.
pub fn choose_tls() {
    // An error says that one is named already.
    rustls::crypto::ring::default_provider().install_default().ok();
}

/// Somebody who calls a server.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Client {
    /// A caller with this token.
    pub fn new(server: &Server, token: &str) -> Self {
        Self { http: client(), url: server.url().to_owned(), token: token.to_owned() }
    }

    /// The same caller at another server.
    pub fn at(&self, server: &Server) -> Self {
        Self { url: server.url().to_owned(), ..self.clone() }
    }

    /// The server's address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The caller's token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Runs an operation; the whole answer, whatever it is.
    ///
    /// # Errors
    /// No answer came.
    pub async fn send(&self, query: &str, variables: Value) -> reqwest::Result<(StatusCode, Value)> {
        let request = self.http.post(format!("{}/graphql", self.url)).bearer_auth(&self.token);
        let answer = request.json(&json!({"query": query, "variables": variables})).send().await?;
        Ok((answer.status(), answer.json().await?))
    }

    /// Runs an operation that has no errors and gives its data.
    pub async fn data(&self, query: &str, variables: Value) -> Value {
        let (status, mut answer) = self.send(query, variables).await.expect("an answer");
        assert!(status == StatusCode::OK && answer.get("errors").is_none(), "{status} {answer}");
        answer["data"].take()
    }

    /// Runs a mutation with an input and gives its result.
    pub async fn mutate(&self, name: &str, input: Value) -> Value {
        self.data(&mutation(name), json!({ "input": input })).await[name].take()
    }

    /// Places an order for a customer with one item, and gives its id.
    pub async fn place(&self, customer: &str, quantity: i32) -> String {
        let placed = self.mutate("placeOrder", tea(customer, quantity)).await;
        placed["order"]["id"].as_str().unwrap_or_else(|| panic!("no order: {placed}")).to_owned()
    }

    /// Brings an order into one status after another.
    pub async fn move_order(&self, order: &str, statuses: &[&str]) {
        for status in statuses {
            let moved = self.mutate("transitionOrder", json!({"orderId": order, "to": status})).await;
            assert_eq!(moved["changed"], true, "{status}: {moved}");
        }
    }

    /// Registers a FedEx shipment with so many units of an order's only item, and gives the result.
    pub async fn ship(&self, order: &str, number: &str, quantity: i32) -> Value {
        let items = self.order(order, "items { id }").await["items"].take();
        let items = json!([{"itemId": items[0]["id"], "quantity": quantity}]);
        let input = json!({"orderId": order, "carrier": "FEDEX", "trackingNumber": number, "items": items});
        self.mutate("createShipment", input).await
    }

    /// These fields of an order; null if there is none for the caller.
    pub async fn order(&self, id: &str, fields: &str) -> Value {
        let query = format!("query($id: ID!) {{ order(id: $id) {{ {fields} }} }}");
        self.data(&query, json!({ "id": id })).await["order"].take()
    }
}

/// An order of so many units of one thing.
pub fn tea(customer: &str, quantity: i32) -> Value {
    json!({
        "userId": customer, "customerEmail": "kim@example.com", "totalCents": 4205,
        "items": [{"sku": "TEA", "name": "Tea", "quantity": quantity}],
    })
}

/// The text of a mutation, with what the tests look at in its result.
pub fn mutation(name: &str) -> String {
    let result = match name {
        "placeOrder" => "... on PlaceOrderSuccess { replayed order { id version status } }",
        "createShipment" | "cancelShipment" => {
            "... on ShipmentSuccess { shipment { id status } order { id version status } }
             ... on OverAllocated { itemId ordered allocated asked } ... on ShipmentRefused { code }"
        }
        _ => {
            "... on TransitionOrderSuccess { changed event { version toStatus } order { id version status } }
             ... on InvalidTransition { from to allowed blockedBy { code message shipments { id } } }
             ... on VersionConflict { currentVersion }"
        }
    };
    let kind = format!("{}{}Input", name[..1].to_uppercase(), &name[1..]);
    format!(
        "mutation($input: {kind}!) {{ {name}(input: $input) {{ __typename ... on Problem {{ message }} \
         ... on InvalidInput {{ field }} {result} }} }}"
    )
}

/// FedEx pushes a body, signed; the status of the answer.
pub async fn push(url: &str, body: &[u8], request_id: Option<&str>) -> StatusCode {
    push_signed(url, body, &fedex_signature(body), request_id).await
}

/// Somebody pushes a body as FedEx, with this signature; the status of the answer.
pub async fn push_signed(url: &str, body: &[u8], signature: &str, request_id: Option<&str>) -> StatusCode {
    let mut request = client().post(format!("{url}/webhooks/fedex")).header("fdx-signature", signature);
    if let Some(id) = request_id {
        request = request.header("x-request-id", id);
    }
    let answer = request.header("content-type", "application/json").body(body.to_vec()).send().await;
    answer.expect("an answer to a webhook").status()
}

/// FedEx's signature of a body, by its book and not by our code: HMAC-SHA256 under the secret, in base64.
pub fn fedex_signature(body: &[u8]) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret(Sender::Fedex).as_bytes()).expect("any length will do");
    mac.update(body);
    BASE64_STANDARD.encode(mac.finalize().into_bytes())
}
