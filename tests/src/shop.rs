//! A shop for tests: the use cases on one database, with a clock that only the test advances and mails that it can
//! read.

use std::{collections::HashSet, sync::Arc};

use app::{
    App, Caller, Clock, Policy,
    feed::Feed,
    orders::{Command, CommandOutcome},
};
use carriers::{Secrets, Sender, SimulatedScan};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    Actor, ActorKind, Carrier, Deadlines, ItemQuantity, Meaning, Money, NewItem, NewOrder, NewShipment,
    Order, OrderHead, OrderId, OrderStatus, Request, Shipment, ShipmentId, ShipmentStatus, TrackingNumber,
    UserId,
};
use persistence::{Event, Store, mailbox, read};
use simulator::Webhook;
use uuid::Uuid;
use worker::{Activator, mail::Mailer};

/// The use cases and what they need.
#[derive(Clone)]
pub struct Shop {
    /// The use cases.
    pub app: App,
    /// The database.
    pub store: Store,
    /// The clock, which only the test advances.
    pub clock: Clock,
    /// The live feed.
    pub feed: Feed,
    /// Sends the mails.
    pub mailer: Arc<Mailer>,
    /// Activates subscriptions at senders.
    pub activator: Activator,
}

impl Shop {
    /// Creates a shop whose mails go to its mailbox.
    pub fn new(store: Store) -> Self {
        let mailer = Mailer::mailbox(store.clone(), "Corner Shop <orders@example.org>");
        Self::with_mailer(store, mailer.expect("a readable address"))
    }

    /// Creates a shop whose mails `mailer` sends.
    pub fn with_mailer(store: Store, mailer: Mailer) -> Self {
        let clock = Clock::fixed("2026-03-02T09:00:00Z".parse().expect("a time"));
        let feed = Feed::memory();
        let app = App::new(store.clone(), clock.clone(), feed.clone(), policy());
        Self { app, store, clock, feed, mailer: Arc::new(mailer), activator: Activator::default() }
    }

    /// Returns the shop as after a restart with another policy.
    pub fn with_policy(&self, policy: Policy) -> Self {
        let feed = Feed::memory();
        let app = App::new(self.store.clone(), self.clock.clone(), feed.clone(), policy);
        Self { app, feed, ..self.clone() }
    }

    /// Returns the shop as after a restart with another code map. Codes that were unknown are reprocessed.
    pub async fn restarted(&self, codes: &str) -> Self {
        let codes = codes.parse().expect("a readable code map");
        let shop = self.with_policy(Policy { codes, ..policy() });
        shop.app.inbox().reprocess_unknown(&mut HashSet::new()).await.expect("the database answers");
        shop
    }

    /// The time of the shop's clock.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Advances the clock.
    pub fn wait(&self, by: TimeDelta) {
        self.clock.advance(by);
    }

    /// Does all work that is due.
    pub async fn drain(&self) {
        worker::run_due_work(&self.app, &self.mailer, &self.activator).await.expect("the work is done");
    }

    /// Places an order with one item for each quantity.
    pub async fn place(&self, quantities: &[i32]) -> OrderId {
        let new = new_order(quantities);
        self.app.orders().place_order(&support(), new, None).await.expect("the order is placed").order.id
    }

    /// Places an order and takes it to `processing`.
    pub async fn processing(&self, quantities: &[i32]) -> OrderId {
        self.processing_since(quantities, self.now()).await
    }

    /// Like [`Self::processing`], for an order that was placed elsewhere at `placed_at`.
    pub async fn processing_since(&self, quantities: &[i32], placed_at: DateTime<Utc>) -> OrderId {
        let new = NewOrder { placed_at: Some(placed_at), ..new_order(quantities) };
        let order =
            self.app.orders().place_order(&support(), new, None).await.expect("the order is placed").order.id;
        self.to(order, OrderStatus::PaymentConfirmed).await.expect("paid");
        self.to(order, OrderStatus::Processing).await.expect("processing");
        order
    }

    /// Requests a transition with the role support.
    pub async fn to(&self, order_id: OrderId, to: OrderStatus) -> app::Result<CommandOutcome> {
        self.ask(order_id, Request::Transition { to, notes: None, metadata: None }).await
    }

    /// Sends a request with the role support.
    pub async fn ask(&self, order_id: OrderId, request: Request) -> app::Result<CommandOutcome> {
        let caller = support();
        self.app
            .orders()
            .execute(Command { caller, order_id, request, expected_version: None, key: None })
            .await
    }

    /// Registers a FedEx shipment with all units that are in no shipment yet.
    pub async fn ship(&self, order: OrderId, number: &str) -> Shipment {
        self.ship_lines(order, number, None).await.expect("the parcel is registered")
    }

    /// Registers a FedEx shipment with these quantities of items.
    pub async fn ship_lines(
        &self,
        order: OrderId,
        number: &str,
        lines: Option<Vec<ItemQuantity>>,
    ) -> app::Result<Shipment> {
        let new = NewShipment {
            id: ShipmentId(Uuid::now_v7()),
            tracking_number: TrackingNumber::parse(Carrier::FEDEX, number).expect("a tracking number"),
            further_numbers: vec![],
            shares_numbers: false,
            origin: None,
            lines,
            estimated_delivery: None,
        };
        let changed = self.app.orders().create_shipment(support(), order, new, None).await?;
        Ok(changed.shipment.expect("a granted registration has its parcel"))
    }

    /// Pushes a FedEx scan with this status, made now.
    pub async fn scan(&self, number: &str, status: ShipmentStatus) {
        self.scan_at(number, status, self.now()).await;
    }

    /// Pushes a FedEx scan with this status, made at `at`.
    pub async fn scan_at(&self, number: &str, status: ShipmentStatus, at: DateTime<Utc>) {
        self.push(&fedex(number, status, at)).await;
    }

    /// Pushes a FedEx scan with this code, made now, and processes it.
    pub async fn process_code(&self, number: &str, code: &str) {
        let delivered = fedex(number, ShipmentStatus::Delivered, self.now());
        let body = String::from_utf8(delivered).expect("JSON is UTF-8");
        self.push(body.replace("\"DL\"", &format!("\"{code}\"")).as_bytes()).await;
        self.drain().await;
    }

    /// Pushes a body of FedEx, signed.
    pub async fn push(&self, body: &[u8]) {
        self.push_as(Sender::Fedex, body).await;
    }

    /// Pushes a body of a sender, signed. It is stored, and processed by the next [`Self::drain`].
    pub async fn push_as(&self, sender: Sender, body: &[u8]) {
        let headers = sender.sign(&secrets(sender), body, self.now());
        let headers: Vec<(&str, &[u8])> =
            headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let request = carriers::Request { at: self.now(), query: "", headers: &headers, body };
        self.app.inbox().accept_webhook(sender, &request, None).await.expect("the webhook is taken");
    }

    /// Reads an order with its items and shipments.
    pub async fn order(&self, id: OrderId) -> Order {
        read::load_order(&self.store, id).await.expect("the database answers").expect("the order exists")
    }

    /// Reads an order without items and shipments.
    pub async fn head(&self, id: OrderId) -> OrderHead {
        read::read_order(&self.store, id).await.expect("the database answers").expect("the order exists")
    }

    /// Reads the status of an order.
    pub async fn status(&self, id: OrderId) -> OrderStatus {
        self.head(id).await.status
    }

    /// Reads all events of an order.
    pub async fn events(&self, order_id: OrderId) -> Vec<Event> {
        let all = read::VersionRange { order_id, first: 1, last: i32::MAX };
        read::events_in(&self.store, &[all]).await.expect("the database answers")
    }

    /// Returns the statuses that an order went through.
    pub async fn path(&self, order: OrderId) -> Vec<OrderStatus> {
        self.events(order).await.iter().map(|event| event.to).collect()
    }

    /// Returns the subjects of the mails in the mailbox, oldest first.
    pub async fn mails(&self) -> Vec<String> {
        let mails = mailbox::list_latest(&self.store, 1000).await.expect("the mailbox opens");
        mails.into_iter().rev().map(|mail| mail.subject).collect()
    }
}

/// The policy of all shops in tests.
pub fn policy() -> Policy {
    Policy {
        public_url: "https://shop.example.org".to_owned(),
        link_secret: b"links".to_vec(),
        senders: Sender::ALL.map(|sender| (sender, secrets(sender))).into(),
        ..Policy::default()
    }
}

/// The secret with which a sender signs its webhooks in tests.
pub fn secret(sender: Sender) -> String {
    format!("{sender}-secret")
}

/// The secret of a sender in tests, in the form that signs webhooks.
pub fn secrets(sender: Sender) -> Secrets {
    Secrets::new([secret(sender)]).expect("a secret")
}

/// A caller with the role support.
pub fn support() -> Caller {
    Caller {
        actor: Actor::new(ActorKind::Support, "sam"),
        request_id: Some("request-1".to_owned()),
        email: None,
    }
}

/// The customer who owns the orders.
pub fn customer() -> UserId {
    UserId(Uuid::from_u128(0xC0FFEE))
}

/// An order with one item for each quantity, to be placed.
pub fn new_order(quantities: &[i32]) -> NewOrder {
    let item = |(at, quantity): (usize, &i32)| NewItem {
        id: domain::ItemId(Uuid::now_v7()),
        sku: format!("SKU-{}", at + 1),
        name: format!("Thing {}", at + 1),
        quantity: *quantity,
        origin: None,
        deadlines: Deadlines::default(),
    };
    NewOrder {
        id: OrderId(Uuid::now_v7()),
        user_id: Some(customer()),
        customer_email: Some("jane@example.org".to_owned()),
        customer_emails: None,
        notify: true,
        reference: None,
        total: Money { cents: 4200, currency: "USD".to_owned() },
        fulfillment_path: None,
        items: quantities.iter().enumerate().map(item).collect(),
        placed_at: None,
        notes: None,
        metadata: None,
        replaces: None,
    }
}

/// Composes a webhook of FedEx with one scan that was made at `at`.
pub fn fedex(number: &str, status: ShipmentStatus, at: DateTime<Utc>) -> Vec<u8> {
    let place = Some("Holbrook, NY, US");
    let told = SimulatedScan { meaning: Meaning::Status(status), at: at.fixed_offset(), location: place };
    let secrets = secrets(Sender::Fedex);
    let webhook = Webhook::simulate(Sender::Fedex, Carrier::FEDEX, number, told, &secrets, at);
    webhook.expect("FedEx can say that").body
}
