//! A database with the use cases and the schema, for tests. Its clock stands still until a test moves it.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Arc, Mutex},
    time::Duration,
};

use app::{App, Caller, Clock, Policy, feed::Feed};
use async_graphql::{Request, Variables};
use carriers::{CodeMap, Secrets, Sender, SimulatedHistory, SimulatedScan};
use chrono::{DateTime, TimeDelta};
use domain::{Actor, ActorKind, CarrierDirectory, Meaning, OrderId, ShipmentStatus};
use futures::{Stream, StreamExt};
use persistence::{Store, leases::Work};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use crate::graphql::{
    Schema,
    bodies::BodyBudget,
    limits::Limits,
    order_stream::{NotStreamed, StartFrom, Update, stream_order},
    schema,
};

const SECRET: &str = "secret";
/// How many orders a customer may place in a minute.
pub(super) const ORDERS_PER_MINUTE: u32 = 5;

pub(super) struct World {
    pub app: App,
    pub store: Store,
    pub clock: Clock,
    pub feed: Feed,
    policy: Policy,
    pub schema: Schema,
    statements: Arc<Mutex<Vec<String>>>,
    _folder: TempDir,
}

pub(super) fn support() -> Caller {
    caller(Actor::new(ActorKind::Support, "sam"))
}

/// A customer with the e-mail address of the orders in these tests.
pub(super) fn customer(number: u128) -> Caller {
    let email = Some("kim@example.com".to_owned());
    Caller { email, ..caller(Actor::new(ActorKind::Customer, user(number))) }
}

/// The supplier Acme.
pub(super) fn supplier() -> Caller {
    caller(Actor::new(ActorKind::Supplier, "acme"))
}

fn caller(actor: Actor) -> Caller {
    Caller { actor, request_id: Some("request-7".to_owned()), email: None }
}

pub(super) fn user(number: u128) -> String {
    Uuid::from_u128(number).to_string()
}

/// The input of an order of three units of one item, for customer 1.
pub(super) fn tea() -> Value {
    json!({
        "userId": user(1),
        "customerEmail": "kim@example.com",
        "totalCents": 4205,
        "items": [{"sku": "TEA", "name": "Tea", "quantity": 3}],
    })
}

impl World {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("test.db").display());
        let mut store = Store::connect(&url, 4).await.unwrap();
        let statements = Arc::<Mutex<Vec<String>>>::default();
        let seen = statements.clone();
        store.on_statement(move |sql| seen.lock().unwrap().push(sql.to_owned()));
        store.migrate().await.unwrap();
        let clock = Clock::fixed(DateTime::parse_from_rfc3339("2026-03-01T12:00:00Z").unwrap().to_utc());
        let policy = Policy {
            public_url: "https://shop.example".to_owned(),
            link_secret: vec![7; 32],
            senders: HashMap::from([(Sender::Fedex, Secrets::new([SECRET.to_owned()]).unwrap())]),
            codes: CodeMap::default(),
            carriers: CarrierDirectory::default(),
            customers_place_orders: true,
            customer_orders_per_minute: NonZeroU32::new(ORDERS_PER_MINUTE),
            notification_max_age: Default::default(),
        };
        Self::start(store, clock, policy, statements, folder)
    }

    fn start(
        store: Store,
        clock: Clock,
        policy: Policy,
        statements: Arc<Mutex<Vec<String>>>,
        folder: TempDir,
    ) -> Self {
        let feed = Feed::memory();
        let app = App::new(store.clone(), clock.clone(), feed.clone(), policy.clone());
        let schema = schema(app.clone(), clock.clone(), feed.clone(), Limits::default());
        Self { app, store, clock, feed, policy, schema, statements, _folder: folder }
    }

    /// Restarts the application with other meanings of codes.
    pub fn with_code_map(self, codes: &str) -> Self {
        let senders = self.policy.senders.clone();
        let policy = Policy { codes: codes.parse().unwrap(), senders, ..Policy::default() };
        Self::start(self.store, self.clock, policy, self.statements, self._folder)
    }

    /// Restarts the application with the setting that customers may not place orders.
    pub fn without_customers_orders(self) -> Self {
        let policy = Policy { customers_place_orders: false, ..self.policy };
        Self::start(self.store, self.clock, policy, self.statements, self._folder)
    }

    /// Streams the updates of an order.
    pub async fn stream(
        &self,
        caller: Caller,
        id: OrderId,
        from: StartFrom,
        tick: Duration,
    ) -> Result<impl Stream<Item = Update> + Send + use<>, NotStreamed> {
        stream_order(self.app.reads().clone(), &self.feed, caller, id, from, tick).await
    }

    pub fn advance(&self, minutes: i64) {
        self.clock.advance(TimeDelta::minutes(minutes));
    }

    /// Runs an operation and returns its whole response.
    pub async fn run(&self, caller: &Caller, query: &str, variables: Value) -> Value {
        serde_json::to_value(self.schema.execute(self.request(caller, query, variables)).await).unwrap()
    }

    /// Runs an operation that must have no errors, and returns its data.
    pub async fn data(&self, caller: &Caller, query: &str, variables: Value) -> Value {
        let mut response = self.run(caller, query, variables).await;
        assert_eq!(response.get("errors"), None, "{query}");
        response["data"].take()
    }

    /// Runs an operation that must fail, and returns the code of its first error.
    pub async fn code(&self, caller: &Caller, query: &str, variables: Value) -> String {
        let response = self.run(caller, query, variables).await;
        response["errors"][0]["extensions"]["code"].as_str().expect(query).to_owned()
    }

    /// Runs a mutation with an input and returns its result.
    pub async fn mutate(&self, caller: &Caller, name: &str, input: Value) -> Value {
        let capitalized = format!("{}{}", name[..1].to_uppercase(), &name[1..]);
        let kind = match name {
            "acceptItems" | "declineItems" => "SupplierItemsInput".to_owned(),
            _ => format!("{capitalized}Input"),
        };
        let result = match name {
            "placeOrder" => "... on PlaceOrderSuccess { replayed order { id version status items { id } } }",
            "createShipment" | "cancelShipment" | "recordScan" => {
                "... on ShipmentSuccess { shipment { id status } order { id version status } }
                 ... on OverAllocated { itemId ordered allocated asked } ... on ShipmentRefused { code }"
            }
            _ => {
                &format!(
                    "... on {}Success {{ changed event {{ version toStatus }} order {{ id version status }} }}
                     ... on InvalidTransition {{ from to allowed blockedBy {{ code message shipments {{ id }} }} }}
                     ... on VersionConflict {{ currentVersion order {{ id version }} }}",
                    capitalized
                )
            }
        };
        let query = format!(
            "mutation($input: {kind}!) {{ {name}(input: $input) {{ __typename ... on Problem {{ message }} \
             ... on InvalidInput {{ field }} {result} }} }}"
        );
        self.data(caller, &query, json!({ "input": input })).await[name].take()
    }

    /// Places an order and returns its id.
    pub async fn place(&self, input: Value) -> String {
        let placed = self.mutate(&support(), "placeOrder", input).await;
        placed["order"]["id"].as_str().expect("an order").to_owned()
    }

    /// Changes an order to these statuses, one after the other.
    pub async fn move_order(&self, order: &str, statuses: &[&str]) {
        for status in statuses {
            let input = json!({"orderId": order, "to": status});
            let moved = self.mutate(&support(), "transitionOrder", input).await;
            assert_eq!(moved["changed"], true, "{status}: {moved}");
        }
    }

    /// Registers a FedEx shipment and returns its id. It has this many units of the order's first item; `None`: all
    /// units that are in no shipment.
    pub async fn ship(&self, order: &str, number: &str, units: Option<i32>) -> String {
        let mut input = json!({"orderId": order, "carrier": "FEDEX", "trackingNumber": number});
        if let Some(units) = units {
            input["items"] = json!([{"itemId": self.item(order).await, "quantity": units}]);
        }
        let shipped = self.mutate(&support(), "createShipment", input).await;
        shipped["shipment"]["id"].as_str().expect("a parcel").to_owned()
    }

    /// The id of the first item of an order.
    pub async fn item(&self, order: &str) -> String {
        let query = "query($id: ID!) { order(id: $id) { items { id } } }";
        let data = self.data(&support(), query, json!({ "id": order })).await;
        data["order"]["items"][0]["id"].as_str().expect("an item").to_owned()
    }

    /// Receives and processes a scan of FedEx from Berlin.
    pub async fn scan(&self, number: &str, status: ShipmentStatus) {
        self.scan_in(number, status, "Berlin, DE").await;
    }

    /// Receives and processes a scan of FedEx from this place.
    pub async fn scan_in(&self, number: &str, status: ShipmentStatus, location: &str) {
        self.push(self.written(number, status, location)).await;
    }

    /// Receives and processes a scan of FedEx with an unknown code.
    pub async fn unknown(&self, number: &str, code: &str) {
        let body = String::from_utf8(self.written(number, ShipmentStatus::InTransit, "Berlin, DE")).unwrap();
        self.push(body.replace("\"IT\"", &format!("\"{code}\"")).into_bytes()).await;
    }

    fn written(&self, number: &str, status: ShipmentStatus, location: &str) -> Vec<u8> {
        let now = self.clock.now();
        let told = SimulatedScan {
            meaning: Meaning::Status(status),
            at: now.fixed_offset(),
            location: Some(location),
        };
        let history = SimulatedHistory {
            carrier: domain::Carrier::FEDEX,
            tracking_number: number,
            scans: &[told],
            estimated_delivery: None,
            sent_at: now,
        };
        Sender::Fedex.simulate(&history).remove(0)
    }

    /// Receives and processes a webhook of FedEx with this body.
    pub async fn push(&self, body: Vec<u8>) {
        let at = self.clock.now();
        let signed = Sender::Fedex.sign(&Secrets::new([SECRET.to_owned()]).unwrap(), &body, at);
        let headers: Vec<_> = signed.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let request = carriers::Request { at, query: "", headers: &headers, body: &body };
        self.app.inbox().accept_webhook(Sender::Fedex, &request, None).await.unwrap();
        let leased = self.app.relay().lease(Work::Webhooks, 10).await.unwrap();
        self.app.inbox().process_webhooks(&leased).await.unwrap();
    }

    /// Starts a subscription.
    pub fn subscribe(
        &self,
        caller: &Caller,
        query: &str,
        variables: Value,
    ) -> impl Stream<Item = Value> + Unpin + use<> {
        let responses = self.schema.execute_stream(self.request(caller, query, variables));
        responses.map(|response| serde_json::to_value(response).unwrap()).boxed()
    }

    /// The number of statements that an operation runs.
    pub async fn cost(&self, caller: &Caller, query: &str, variables: Value) -> usize {
        self.statements(caller, query, variables).await.len()
    }

    /// The statements that an operation runs. It must have no errors.
    pub async fn statements(&self, caller: &Caller, query: &str, variables: Value) -> Vec<String> {
        self.statements.lock().unwrap().clear();
        self.data(caller, query, variables).await;
        std::mem::take(&mut *self.statements.lock().unwrap())
    }

    fn request(&self, caller: &Caller, query: &str, variables: Value) -> Request {
        Request::new(query)
            .variables(Variables::from_json(variables))
            .data(caller.clone())
            .data(BodyBudget::default())
    }
}
