//! A small client for the GraphQL API: places orders, requests transitions and registers shipments.
//!
//! Called by `demo` (`invitation`, `shop`, `snapshot`, `story`) and by `story::orders`, always with the token of one caller.
//!
//! - `execute` sends any query or mutation. All other requests except `fetch_page` go through it. `Err` means: no
//!   answer, no JSON, or a GraphQL error in `errors`, which becomes a [`Refused`].
//! - `mutate`, `mutate_by_name`, `request_transition` and `register_shipment` return a refusal by a rule as `Ok`, in
//!   the [`MutationAnswer`]. `ensure_granted` turns that refusal into an error. `place_order` does so itself.
//! - Of a [`MutationAnswer`], `changed` is `None` after a refusal, `refusal` is `None` after a grant, and
//!   `allowed_statuses` is empty if the answer lists none.
//! - `fetch_page` returns the body. A status 4xx or 5xx is an error.
//! - `with_http` keeps the proxy and the timeout of the given HTTP client. Without a proxy, a request waits at most ten
//!   seconds.
//! - `take_field` returns null if there is no such field.

use std::time::Duration;

use anyhow::Context;
use console::suggest_name;
use domain::{Carrier, OrderStatus};
use reqwest::Client as Http;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::webhook::find_innermost_cause;

/// The maximum duration of one request.
const PATIENCE: Duration = Duration::from_secs(10);

/// An API client with the token of one caller.
#[derive(Clone)]
pub struct Client {
    http: Http,
    url: String,
    token: String,
}

impl Client {
    /// Creates a client for a server on this machine. It uses no proxy.
    pub fn without_proxy(url: &str, token: String) -> anyhow::Result<Self> {
        let http =
            Http::builder().no_proxy().timeout(PATIENCE).build().context("no HTTP client can be made")?;
        Ok(Self::with_http(http, url, token))
    }

    /// Creates a client that sends with `http`, which may use a proxy. `url` has no slash at the end.
    pub fn with_http(http: Http, url: &str, token: String) -> Self {
        Self { http, url: url.to_owned(), token }
    }

    /// Returns the bearer token, to print it for the user.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Sends a GraphQL request and deserializes `data`. The first GraphQL error in the answer becomes a [`Refused`].
    pub async fn execute<T: DeserializeOwned>(&self, query: &str, variables: Value) -> anyhow::Result<T> {
        let asked = self.http.post(format!("{}/graphql", self.url)).bearer_auth(&self.token);
        let asked = asked.json(&json!({ "query": query, "variables": variables }));
        let unanswered = || format!("no answer from {}", self.url);
        let answer = asked.send().await.map_err(find_innermost_cause).with_context(unanswered)?;
        let status = answer.status();
        let answer: Value =
            answer.json().await.with_context(|| format!("the answer ({status}) is no JSON"))?;
        if let Some(error) = answer.pointer("/errors/0") {
            return Err(Refused::from_graphql_error(error).into());
        }
        serde_json::from_value(take_field(answer, "data")).context("the answer is not what was asked for")
    }

    /// Fetches a page as a browser does, without the token. `url` is complete.
    pub async fn fetch_page(&self, url: &str) -> anyhow::Result<String> {
        let page = self.http.get(url).send().await?.error_for_status()?;
        Ok(page.text().await?)
    }

    /// Calls the mutation `mutation` and returns its answer. A refusal by the domain is an answer, not an error.
    pub async fn mutate(&self, mutation: &str, query: &str, input: Value) -> anyhow::Result<MutationAnswer> {
        let data: Value = self.execute(query, json!({ "input": input })).await?;
        serde_json::from_value(take_field(data, mutation))
            .with_context(|| format!("the answer to {mutation}"))
    }

    /// Calls a mutation of which only the name is known: asks the server for the type of its input first.
    pub async fn mutate_by_name(&self, name: &str, input: Value) -> anyhow::Result<MutationAnswer> {
        let data: Value = self.execute(MUTATIONS, Value::Null).await?;
        let mutations: Vec<Mutation> = serde_json::from_value(data["__type"]["fields"].clone())?;
        let names: Vec<&str> = mutations.iter().map(|mutation| mutation.name.as_str()).collect();
        let mutation = mutations.iter().find(|mutation| mutation.name == name);
        let mutation = mutation
            .with_context(|| format!("there is no mutation `{name}`; {}", suggest_name(name, &names)))?;
        let argument = mutation.args.first().with_context(|| format!("`{name}` has no input"))?;
        let query = format!(
            "mutation($input: {}!) {{ {name}(input: $input) {{ __typename ... on Problem {{ message }} }} }}",
            argument.r#type.of_type.name
        );
        self.mutate(name, &query, input).await
    }

    /// Finds the id of the shipment with this tracking number.
    pub async fn find_shipment_id(&self, order: &Placed, tracking_number: &str) -> anyhow::Result<String> {
        let data: Value = self.execute(SHIPMENTS, json!({ "id": order.id })).await?;
        let shipments = data["order"]["shipments"].as_array().map(Vec::as_slice).unwrap_or_default();
        let shipment = shipments.iter().find(|shipment| shipment["trackingNumber"] == tracking_number);
        let id = shipment.and_then(|shipment| shipment["id"].as_str()).map(str::to_owned);
        id.with_context(|| format!("the order has no shipment {tracking_number}"))
    }

    /// Places an order with one item. A refusal is an error.
    pub async fn place_order(&self, input: Value) -> anyhow::Result<Placed> {
        let data: Value = self.execute(PLACE, json!({ "input": input })).await?;
        let placed = take_field(data, "placeOrder");
        MutationAnswer::deserialize(&placed).context("the answer to placeOrder")?.ensure_granted()?;
        let text = |at: &str| placed.pointer(at).and_then(Value::as_str).map(str::to_owned);
        Ok(Placed {
            id: text("/order/id").context("an order without an id")?,
            item: text("/order/items/0/id").context("an order without items")?,
            page: text("/order/trackingUrl").context("an order without a page")?,
        })
    }

    pub async fn request_transition(
        &self,
        order: &Placed,
        to: OrderStatus,
    ) -> anyhow::Result<MutationAnswer> {
        let input = json!({ "orderId": order.id, "to": to_graphql_enum(to.as_str()) });
        self.mutate("transitionOrder", TRANSITION, input).await
    }

    /// Registers a shipment with `units` units; `None`: with all units that are in no shipment yet.
    pub async fn register_shipment(
        &self,
        order: &Placed,
        carrier: Carrier,
        number: &str,
        units: Option<u32>,
    ) -> anyhow::Result<MutationAnswer> {
        let items = units.map(|units| json!([{ "itemId": order.item, "quantity": units }]));
        let input = json!({
            "orderId": order.id,
            "carrier": carrier.as_str(),
            "trackingNumber": number,
            "items": items,
        });
        self.mutate("createShipment", REGISTER, input).await
    }
}

/// A mutation of the server, in the answer to [`MUTATIONS`].
#[derive(Deserialize)]
struct Mutation {
    name: String,
    args: Vec<Argument>,
}

#[derive(Deserialize)]
struct Argument {
    r#type: NonNull,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NonNull {
    of_type: Named,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Clone, Debug)]
pub struct Placed {
    pub id: String,
    /// The id of its only item.
    pub item: String,
    /// The address of the customer's tracking page.
    pub page: String,
}

/// The error for a request that the API refused.
#[derive(Clone, Debug, thiserror::Error)]
#[error("refused, {code}: {reason}")]
pub struct Refused {
    /// The code of the GraphQL error or of the refusal.
    pub code: String,
    pub reason: String,
    /// The input field that is invalid, if the API names one.
    pub field: Option<String>,
}

impl Refused {
    /// Reads an entry of `errors` in a GraphQL answer.
    fn from_graphql_error(error: &Value) -> Self {
        let text = |at: &str| error.pointer(at).and_then(Value::as_str).map(str::to_owned);
        Self {
            code: text("/extensions/code").unwrap_or_else(|| "without a code".to_owned()),
            reason: text("/message").unwrap_or_else(|| "without a reason".to_owned()),
            field: text("/extensions/field"),
        }
    }
}

/// The answer to a mutation: the result or a refusal. A field that the answer does not have is `None`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MutationAnswer {
    #[serde(rename = "__typename")]
    kind: String,
    changed: Option<bool>,
    message: Option<String>,
    code: Option<String>,
    field: Option<String>,
    blocked_by: Option<Blocker>,
    #[serde(default)]
    allowed: Vec<String>,
    asked: Option<u32>,
    ordered: Option<u32>,
    allocated: Option<u32>,
}

#[derive(Clone, Debug, Deserialize)]
struct Blocker {
    code: String,
}

impl MutationAnswer {
    /// Returns whether the granted mutation changed something. `None` if it was refused, or does not say.
    pub fn changed(&self) -> Option<bool> {
        self.changed
    }

    /// Returns the code and the reason of the refusal, or `None` if the mutation was granted.
    pub fn refusal(&self) -> Option<(&str, String)> {
        let message = self.message.clone()?;
        let code = self.blocked_by.as_ref().map(|blocker| &blocker.code).or(self.code.as_ref());
        let reason = match (self.asked, self.ordered, self.allocated) {
            // Do not print the message here: it names the item by its id, which tells the user little.
            (Some(asked), Some(ordered), Some(allocated)) => {
                format!("asked {asked}, ordered {ordered}, in parcels already {allocated}")
            }
            _ => message,
        };
        Some((code.unwrap_or(&self.kind), reason))
    }

    /// Returns the refusal as an error, if the mutation was refused.
    pub fn ensure_granted(&self) -> Result<(), Refused> {
        match self.refusal() {
            Some((code, reason)) => Err(Refused { code: code.to_owned(), reason, field: self.field.clone() }),
            None => Ok(()),
        }
    }

    /// Returns the statuses that are allowed instead of the refused one.
    pub fn allowed_statuses(&self) -> &[String] {
        &self.allowed
    }
}

/// Takes the field `name` out of an object. Returns null if there is no such field.
fn take_field(mut value: Value, name: &str) -> Value {
    value.get_mut(name).map(Value::take).unwrap_or_default()
}

/// Converts a name of the domain to the spelling of GraphQL enums, such as `delivered` to `DELIVERED`.
pub fn to_graphql_enum(name: &str) -> String {
    name.to_ascii_uppercase()
}

const MUTATIONS: &str =
    "{ __type(name: \"Mutation\") { fields { name args { type { ofType { name } } } } } }";
const SHIPMENTS: &str = "query($id: ID!) { order(id: $id) { shipments { id trackingNumber } } }";
const PLACE: &str = "mutation($input: PlaceOrderInput!) { placeOrder(input: $input) {
    __typename ... on PlaceOrderSuccess { order { id trackingUrl items { id } } } ... on Problem { message }
    ... on InvalidInput { field } } }";
const TRANSITION: &str = "mutation($input: TransitionOrderInput!) { transitionOrder(input: $input) {
    __typename ... on TransitionOrderSuccess { changed } ... on Problem { message }
    ... on InvalidTransition { allowed blockedBy { code } } } }";
const REGISTER: &str = "mutation($input: CreateShipmentInput!) { createShipment(input: $input) {
    __typename ... on Problem { message } ... on ShipmentRefused { code }
    ... on OverAllocated { asked ordered allocated } } }";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_its_code_and_its_reason() {
        let error = json!({
            "message": "the token expired", "locations": [], "extensions": { "code": "UNAUTHENTICATED" },
        });
        assert_eq!(
            Refused::from_graphql_error(&error).to_string(),
            "refused, UNAUTHENTICATED: the token expired"
        );
        let input = json!({ "__typename": "InvalidInput", "message": "that is no address", "field": "customerEmail" });
        let refused = MutationAnswer::deserialize(&input).unwrap().ensure_granted().unwrap_err();
        assert_eq!(refused.to_string(), "refused, InvalidInput: that is no address");
        assert_eq!(refused.field.as_deref(), Some("customerEmail"));
        assert_eq!(
            Refused::from_graphql_error(&json!("oh")).to_string(),
            "refused, without a code: without a reason"
        );
    }

    #[test]
    fn what_is_not_there_is_null() {
        for answer in [json!({ "date": 1 }), json!(["data"]), json!("data"), Value::Null] {
            assert_eq!(take_field(answer, "data"), Value::Null);
        }
        assert_eq!(take_field(json!({ "data": 1 }), "data"), 1);
    }
}
