//! The use cases of Milepost: everything that the API, the workers and the command line do with orders, shipments and
//! webhooks.
//!
//! `api` and `worker` call these use cases and make no decisions of their own. Each use case shows the steps of its
//! transaction: lock and load, let the domain decide, write, commit, poke the relay.

mod access;
mod batch;
mod clock;
pub mod customer_text;
mod error;
pub mod feed;
mod idempotency;
pub mod links;
pub mod notifications;
pub mod orders;
mod read_batcher;
pub mod reads;
pub mod relay;
mod retry;
mod scans;
pub mod shipments;
pub mod webhooks;

use std::{collections::HashMap, num::NonZeroU32, sync::Arc};

use carriers::{CodeMap, Secrets, Sender};
use domain::NotificationMaxAge;
use persistence::{Store, webhooks::NewWebhook};

pub use access::{Caller, VisibleShipments};
pub use clock::Clock;
pub use error::{Error, Result};
pub use idempotency::IdempotencyKey;

use batch::{Abandoned, Batcher};
use feed::Feed;
use orders::{Command, CommandOutcome};
use read_batcher::OrderReaders;

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
    /// Whether customers may place orders with their own tokens. If false, only support and systems place them.
    pub customers_place_orders: bool,
    /// How many orders a customer may place in a minute. `None`: no limit. Staff have no limit.
    pub customer_orders_per_minute: Option<NonZeroU32>,
    /// How old an event may be when it is recorded so that customers are still notified of it.
    pub notification_max_age: NotificationMaxAge,
}

/// The use cases on one database. Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub store: Store,
    pub clock: Clock,
    /// The live feed, which is poked after each commit.
    pub feed: Feed,
    policy: Arc<Policy>,
    changes: Batcher<Command, Result<CommandOutcome>>,
    inbox: Batcher<NewWebhook, Result<()>>,
    readers: OrderReaders,
}

/// How many transactions of one kind run at the same time on PostgreSQL. SQLite allows one writer, so there it is one.
const WRITERS: usize = 2;
/// Largest number of commands that share a transaction.
const MAX_CHANGES: usize = 64;
/// Largest number of webhooks that share an insert statement.
const MAX_WEBHOOKS: usize = 128;

impl App {
    /// Creates the use cases and starts their batchers on the current Tokio runtime.
    pub fn new(store: Store, clock: Clock, feed: Feed, policy: Policy) -> Self {
        let writers = if store.is_postgres() { WRITERS } else { 1 };
        let max_age = policy.notification_max_age;
        let changes = {
            let (store, clock, feed) = (store.clone(), clock.clone(), feed.clone());
            Batcher::start(writers, MAX_CHANGES, Abandoned::Done, move |commands| {
                let (store, clock, feed) = (store.clone(), clock.clone(), feed.clone());
                async move { orders::commands::execute_all(&store, &clock, &feed, max_age, commands).await }
            })
        };
        let inbox = {
            let (store, feed) = (store.clone(), feed.clone());
            Batcher::start(writers, MAX_WEBHOOKS, Abandoned::Done, move |new| {
                let (store, feed) = (store.clone(), feed.clone());
                async move { webhooks::store_webhooks(&store, &feed, new).await }
            })
        };
        let readers = OrderReaders::new(&store);
        Self { store, clock, feed, policy: Arc::new(policy), changes, inbox, readers }
    }

    pub fn policy(&self) -> &Policy {
        &self.policy
    }
}
