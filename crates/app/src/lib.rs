//! The use cases of Milepost: everything that the API, the workers and the command line do with orders, shipments and
//! webhooks.
//!
//! `api`, `worker` and `milepost` call these use cases and make no decisions of their own. Each use case shows the
//! steps of its transaction: lock and load, let the domain decide, write, commit, poke the relay.
//!
//! - `milepost` calls [`App::new`] once for a process: for a server, and for `milepost replay`. The others get the
//!   services from its methods, which only return what was wired.
//! - A refusal is [`Error::Refused`]. `None`, an empty list or 0 means that there is nothing, or nothing that the
//!   caller may see.
//! - `max_writers` says how many transactions of one kind `orders` and `webhooks` run at the same time.

mod access;
mod batch;
mod clock;
pub mod customer_text;
mod error;
pub mod feed;
mod isolate;
pub mod links;
pub mod notifications;
pub mod orders;
pub mod reads;
pub mod relay;
mod retry;
pub mod webhooks;

use std::{collections::HashMap, num::NonZeroU32, sync::Arc};

use carriers::{CodeMap, Secrets, Sender};
use domain::{CarrierDirectory, NotificationMaxAge};
use persistence::Store;

pub use access::{Caller, RedactedClosed, VisibleShipments};
pub use clock::Clock;
pub use error::{Error, Result};
pub use isolate::{AT_ONCE, isolate};
pub use orders::IdempotencyKey;

use feed::Feed;
use links::Links;
use notifications::Notifications;
use orders::Orders;
use reads::Reads;
use relay::Relay;
use webhooks::{Inbox, Replays};

/// The merchant's settings that the use cases need.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// The public base URL of this server: the beginning of each link in a mail.
    pub public_url: String,
    /// The key that signs links to orders.
    pub link_secret: Vec<u8>,
    /// The senders that may send webhooks, with their secrets.
    pub senders: HashMap<Sender, Secrets>,
    /// The merchant's own meanings of carriers' codes.
    pub codes: CodeMap,
    /// The names and tracking pages of carriers.
    pub carriers: CarrierDirectory,
    /// Whether customers may place orders with their own tokens. If false, only support and systems place them.
    pub customers_place_orders: bool,
    /// How many orders a customer may place in a minute. `None`: no limit. Staff have no limit.
    pub customer_orders_per_minute: Option<NonZeroU32>,
    /// How old an event may be when it is recorded so that customers are still notified of it.
    pub notification_max_age: NotificationMaxAge,
}

/// All services on one database, wired once for a process. The services and this value are cheap to clone.
#[derive(Clone)]
pub struct App {
    orders: Orders,
    reads: Reads,
    inbox: Inbox,
    replays: Replays,
    notifications: Notifications,
    relay: Relay,
    links: Links,
    policy: Arc<Policy>,
}

impl App {
    /// Creates the services and starts their batchers on the current Tokio runtime. `feed` is poked after each commit.
    pub fn new(store: Store, clock: Clock, feed: Feed, policy: Policy) -> Self {
        let store = store.with_notification_max_age(policy.notification_max_age);
        let policy = Arc::new(policy);
        let reads = Reads::new(store.clone());
        let links = Links::new(clock.clone(), policy.clone());
        let inbox = Inbox::new(store.clone(), clock.clone(), feed.clone(), policy.clone());
        Self {
            orders: Orders::new(store.clone(), clock.clone(), feed.clone(), policy.clone(), reads.clone()),
            replays: Replays::new(store.clone(), clock.clone(), feed.clone(), inbox.clone()),
            notifications: Notifications::new(
                store.clone(),
                clock.clone(),
                feed.clone(),
                links.clone(),
                policy.clone(),
            ),
            relay: Relay::new(store, clock, feed),
            reads,
            inbox,
            links,
            policy,
        }
    }

    pub fn orders(&self) -> &Orders {
        &self.orders
    }

    pub fn reads(&self) -> &Reads {
        &self.reads
    }

    pub fn inbox(&self) -> &Inbox {
        &self.inbox
    }

    pub fn replays(&self) -> &Replays {
        &self.replays
    }

    pub fn notifications(&self) -> &Notifications {
        &self.notifications
    }

    pub fn relay(&self) -> &Relay {
        &self.relay
    }

    pub fn links(&self) -> &Links {
        &self.links
    }

    /// The names and tracking pages of carriers.
    pub fn carriers(&self) -> &CarrierDirectory {
        &self.policy.carriers
    }
}

/// How many transactions of one kind run at the same time in a process. SQLite allows one writer.
fn max_writers(store: &Store) -> usize {
    if store.is_postgres() { 2 } else { 1 }
}
