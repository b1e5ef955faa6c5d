//! The use cases: everything Milepost does, whoever asks.
//!
//! `api` and `worker` call these and decide nothing themselves. Each use case reads as its transaction does:
//! lock and load, let the domain decide, write, commit, poke.

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
use persistence::{Store, webhooks::NewWebhook};

pub use access::{Caller, VisibleShipments};
pub use clock::Clock;
pub use error::{Error, Result};
pub use idempotency::IdempotencyKey;

use batch::{Abandoned, Batcher};
use feed::Feed;
use orders::{Command, CommandOutcome};
use read_batcher::OrderReaders;

/// What the merchant has set, as far as the use cases care.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Where customers reach this server: the beginning of every link in a mail.
    pub public_url: String,
    /// What links to an order are signed with.
    pub link_secret: Vec<u8>,
    /// The senders that may push, each with its secrets.
    pub senders: HashMap<Sender, Secrets>,
    /// The merchant's own meanings of carriers' codes.
    pub codes: CodeMap,
    /// Whether customers may place orders with their own tokens. Off, only support and systems place them.
    pub customers_place_orders: bool,
    /// How many orders a customer may place a minute; `None`: any number. Staff have no bound.
    pub customer_orders_per_minute: Option<NonZeroU32>,
}

/// The use cases over one database. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// The database.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// Who hears of changes.
    pub feed: Feed,
    policy: Arc<Policy>,
    changes: Batcher<Command, Result<CommandOutcome>>,
    inbox: Batcher<NewWebhook, Result<()>>,
    readers: OrderReaders,
}

/// How many transactions of one kind run at once. SQLite has one writer.
const WRITERS: usize = 2;
/// The most requests that share a transaction.
const MAX_CHANGES: usize = 64;
/// The most webhooks that share an insert.
const MAX_WEBHOOKS: usize = 128;

impl App {
    /// The use cases, with their batchers started on the current tokio runtime.
    pub fn new(store: Store, clock: Clock, feed: Feed, policy: Policy) -> Self {
        let writers = if store.is_postgres() { WRITERS } else { 1 };
        let changes = {
            let (store, clock, feed) = (store.clone(), clock.clone(), feed.clone());
            Batcher::start(writers, MAX_CHANGES, Abandoned::Done, move |commands| {
                let (store, clock, feed) = (store.clone(), clock.clone(), feed.clone());
                async move { orders::commands::execute_all(&store, &clock, &feed, commands).await }
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

    /// What the merchant has set.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }
}
