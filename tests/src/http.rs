//! HTTP clients of a running server: for GraphQL with a token, and for FedEx's webhooks.

use base64::{Engine, prelude::BASE64_STANDARD};
use carriers::Sender;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::StatusCode;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::{process::Server, shop::secret, wait::PATIENCE};

/// Creates an HTTP client for servers on this machine. Each request uses a connection of its own, like requests of
/// different callers, so the end of one connection does not disturb other requests.
pub fn client() -> reqwest::Client {
    choose_tls();
    let client = reqwest::Client::builder().pool_max_idle_per_host(0).timeout(PATIENCE).no_proxy();
    client.build().expect("a client without TLS settings")
}

/// Installs the TLS provider of the process. reqwest needs one even if no connection uses TLS.
pub fn choose_tls() {
    // The error says that a provider is installed already; that is fine.
    rustls::crypto::ring::default_provider().install_default().ok();
}

/// An API client with the token of one caller.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Client {
    /// Creates a client of `server` with this token.
    pub fn new(server: &Server, token: &str) -> Self {
        Self { http: client(), url: server.url().to_owned(), token: token.to_owned() }
    }

    /// Returns a client of another server with the same token.
    pub fn at(&self, server: &Server) -> Self {
        Self { url: server.url().to_owned(), ..self.clone() }
    }

    /// The address of the server.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The token of the caller.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Sends a GraphQL operation. Returns the status and the whole answer, also if it has errors.
    ///
    /// # Errors
    /// The server did not answer.
    pub async fn send(&self, query: &str, variables: Value) -> reqwest::Result<(StatusCode, Value)> {
        let request = self.http.post(format!("{}/graphql", self.url)).bearer_auth(&self.token);
        let answer = request.json(&json!({"query": query, "variables": variables})).send().await?;
        Ok((answer.status(), answer.json().await?))
    }

    /// Sends a GraphQL operation and returns its data. Panics if the answer has errors.
    pub async fn data(&self, query: &str, variables: Value) -> Value {
        let (status, mut answer) = self.send(query, variables).await.expect("an answer");
        assert!(status == StatusCode::OK && answer.get("errors").is_none(), "{status} {answer}");
        answer["data"].take()
    }

    /// Calls a mutation with an input and returns its result.
    pub async fn mutate(&self, name: &str, input: Value) -> Value {
        self.data(&mutation(name), json!({ "input": input })).await[name].take()
    }

    /// Places an order with one item for a customer. Returns its id.
    pub async fn place(&self, customer: &str, quantity: i32) -> String {
        let placed = self.mutate("placeOrder", tea(customer, quantity)).await;
        placed["order"]["id"].as_str().unwrap_or_else(|| panic!("no order: {placed}")).to_owned()
    }

    /// Takes an order through these statuses, one after the other.
    pub async fn move_order(&self, order: &str, statuses: &[&str]) {
        for status in statuses {
            let moved = self.mutate("transitionOrder", json!({"orderId": order, "to": status})).await;
            assert_eq!(moved["changed"], true, "{status}: {moved}");
        }
    }

    /// Registers a FedEx shipment with `quantity` units of the order's only item. Returns the result.
    pub async fn ship(&self, order: &str, number: &str, quantity: i32) -> Value {
        let items = self.order(order, "items { id }").await["items"].take();
        let items = json!([{"itemId": items[0]["id"], "quantity": quantity}]);
        let input = json!({"orderId": order, "carrier": "FEDEX", "trackingNumber": number, "items": items});
        self.mutate("createShipment", input).await
    }

    /// Returns the `fields` of an order. Null if the caller cannot see the order.
    pub async fn order(&self, id: &str, fields: &str) -> Value {
        let query = format!("query($id: ID!) {{ order(id: $id) {{ {fields} }} }}");
        self.data(&query, json!({ "id": id })).await["order"].take()
    }
}

/// The input for an order of `quantity` units of one item.
pub fn tea(customer: &str, quantity: i32) -> Value {
    json!({
        "userId": customer, "customerEmail": "kim@example.com", "totalCents": 4205,
        "items": [{"sku": "TEA", "name": "Tea", "quantity": quantity}],
    })
}

/// Returns the text of a mutation. It selects the fields of the result that tests need.
pub fn mutation(name: &str) -> String {
    let capitalized = format!("{}{}", name[..1].to_uppercase(), &name[1..]);
    let result = match name {
        "placeOrder" => "... on PlaceOrderSuccess { replayed order { id version status } }",
        "createShipment" | "cancelShipment" => {
            "... on ShipmentSuccess { shipment { id status } order { id version status } }
             ... on OverAllocated { itemId ordered allocated asked } ... on ShipmentRefused { code }"
        }
        _ => {
            &format!(
                "... on {capitalized}Success {{ changed event {{ version toStatus }} order {{ id version status }} }}
                 ... on InvalidTransition {{ from to allowed blockedBy {{ code message shipments {{ id }} }} }}
                 ... on VersionConflict {{ currentVersion }}"
            )
        }
    };
    format!(
        "mutation($input: {capitalized}Input!) {{ {name}(input: $input) {{ __typename ... on Problem {{ message }} \
         ... on InvalidInput {{ field }} {result} }} }}"
    )
}

/// Posts a signed webhook of FedEx. Returns the status of the answer.
pub async fn push(url: &str, body: &[u8], request_id: Option<&str>) -> StatusCode {
    push_signed(url, body, &fedex_signature(body), request_id).await
}

/// Posts a webhook of FedEx with this signature. Returns the status of the answer.
pub async fn push_signed(url: &str, body: &[u8], signature: &str, request_id: Option<&str>) -> StatusCode {
    let mut request = client().post(format!("{url}/webhooks/fedex")).header("fdx-signature", signature);
    if let Some(id) = request_id {
        request = request.header("x-request-id", id);
    }
    let answer = request.header("content-type", "application/json").body(body.to_vec()).send().await;
    answer.expect("an answer to a webhook").status()
}

/// Computes FedEx's signature as FedEx documents it, independent of the product's code: base64 of the HMAC-SHA256 with
/// the secret.
pub fn fedex_signature(body: &[u8]) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret(Sender::Fedex).as_bytes()).expect("any length will do");
    mac.update(body);
    BASE64_STANDARD.encode(mac.finalize().into_bytes())
}
