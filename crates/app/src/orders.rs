//! Places orders and carries out commands that change an order. The mutations of `api` call this.
//!
//! 1. `orders/commands.rs` describes how a command is carried out. All changes take that way.
//! 2. `execute` waits for its place in a batch with the commands of other callers. A repeated command, by its
//!    idempotency key, gets the first answer.
//! 3. `preview_command` is for a dry run: it reads without a lock and writes nothing.
//! 4. `place_order` is not batched. `place_in_transaction` runs until it commits: it looks for the answer of the key,
//!    checks the rate and the reference, links the replaced order, and inserts. The outer error is a failure of the
//!    database, the inner one a refusal.
//! 5. `determine_customer_address` is for an order that a customer places: the address of the token. It refuses an
//!    input that names another one. `None`: the token has none, and the input names none.

mod commands;
mod customer_rate;
mod idempotency;
mod replacement;
mod reservations;
mod shipments;
mod tracking_numbers;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use commands::execute_batch;
use customer_rate::CustomerRate;
use domain::{
    ActorKind, Context, EmailAddress, InputField, NewOrder, Order, OrderHead, OrderId, Refusal, Request,
    Shipment,
};
use persistence::{
    Event, Store,
    idempotency::{ScopedKey, StoredAnswer, find_answers},
    orders, read,
};

pub use idempotency::IdempotencyKey;
pub use shipments::ManualScan;
pub use tracking_numbers::NewNumber;

use crate::{
    Caller, Clock, Policy,
    batch::Batcher,
    error::{Error, Result},
    feed::Feed,
    isolate::isolate,
    max_writers,
    reads::Reads,
    retry::retry_transaction,
};

/// Largest number of commands that share a transaction.
const MAX_COMMANDS: usize = 64;

/// A request of a caller to change an order.
#[derive(Clone, Debug)]
pub struct Command {
    pub caller: Caller,
    pub order_id: OrderId,
    pub request: Request,
    /// The version of the order that the caller has seen. The command is refused if the order has another version by
    /// now, unless it asks for the status that the order already has. `None`: no check.
    pub expected_version: Option<i32>,
    /// The idempotency key: a repeat of the same request with this key gets the same answer.
    pub key: Option<IdempotencyKey>,
}

/// The answer to a command that was carried out.
#[derive(Clone, Debug)]
pub struct CommandOutcome {
    pub order: OrderHead,
    /// The event of the requested transition, redacted for the caller. The order may have advanced further.
    pub event: Option<Event>,
    /// The shipment that the command was about, redacted for the caller.
    pub shipment: Option<Shipment>,
    pub changed: bool,
}

/// The answer to a placed order.
#[derive(Clone, Debug)]
pub struct Placed {
    pub order: OrderHead,
    /// Whether the order was placed by an earlier request with the same idempotency key.
    pub replayed: bool,
}

/// Places and changes orders. For `api`.
#[derive(Clone)]
pub struct Orders {
    store: Store,
    clock: Clock,
    feed: Feed,
    policy: Arc<Policy>,
    reads: Reads,
    /// Commands that wait for a transaction.
    commands: Batcher<Command, Result<CommandOutcome>>,
}

impl Orders {
    /// Creates the service and starts its batcher on the current Tokio runtime.
    pub(crate) fn new(store: Store, clock: Clock, feed: Feed, policy: Arc<Policy>, reads: Reads) -> Self {
        let shared = (store.clone(), clock.clone(), feed.clone());
        let commands = Batcher::start(max_writers(&store), MAX_COMMANDS, move |commands: Vec<Command>| {
            let (store, clock, feed) = shared.clone();
            async move {
                let attempts = isolate(&commands, Error::may_succeed_alone, |commands| {
                    retry_transaction(|| execute_batch(&store, commands, clock.now()))
                });
                let attempts = attempts.await;
                feed.poke();
                let answers = attempts.into_iter().flat_map(|(commands, answers)| {
                    answers.unwrap_or_else(|error| vec![Err(error); commands.len()])
                });
                answers.collect()
            }
        });
        Self { store, clock, feed, policy, reads, commands }
    }

    /// Carries out a command, in a batch with those of other callers, and returns its answer.
    ///
    /// # Errors
    /// [`Error::Refused`] with the reason. [`Error::Failed`] when the database fails.
    pub async fn execute(&self, command: Command) -> Result<CommandOutcome> {
        command.caller.must_have_orders()?;
        self.commands.submit(command).await?
    }

    /// Computes the answer to a command without carrying it out. Nothing is written or reserved. `order` in the answer
    /// is the unchanged order, and `event` and `shipment` are `None`.
    ///
    /// # Errors
    /// The errors of [`execute`](Self::execute).
    pub async fn preview_command(&self, command: Command) -> Result<CommandOutcome> {
        command.caller.must_have_orders()?;
        let not_found = || Refusal::NotFound("order");
        let visible = self.reads.order(&command.caller, command.order_id).await?.ok_or_else(not_found)?;
        let mut order = read::load_order(&self.store, visible.id).await?.ok_or_else(not_found)?;
        let head = order.head().clone();
        let outcome = order.apply(
            command.request,
            command.expected_version,
            &build_context(&command.caller, self.clock.now()),
        )?;
        Ok(CommandOutcome { order: head, event: None, shipment: None, changed: outcome.changed })
    }

    /// Places an order. A customer may place one only if [`Policy`](crate::Policy) allows it, and only for the email
    /// address in their own token: otherwise a customer could make the shop send mails to anybody.
    ///
    /// # Errors
    /// [`Error::Refused`] with the field that is wrong; [`Error::KeyReused`]; [`Error::TooManyOrders`].
    pub async fn place_order(
        &self,
        caller: &Caller,
        mut new: NewOrder,
        key: Option<IdempotencyKey>,
    ) -> Result<Placed> {
        if caller.actor.kind == ActorKind::Customer {
            if !self.policy.customers_place_orders {
                let message = "customers place no orders here: the shop's own system places them";
                return Err(Refusal::Forbidden(message.to_owned()).into());
            }
            (new.customer_email, new.customer_emails) = (determine_customer_address(caller, &new)?, None);
        }
        let now = self.clock.now();
        let context = build_context(caller, now);
        let order = Order::place(new, &context)?;
        let key = key.map(|key| ((caller.key_scope(), key.key), key.fingerprint));
        let rate = CustomerRate::for_customer(&caller.actor, self.policy.customer_orders_per_minute);
        let placed = retry_transaction(|| {
            place_in_transaction(&self.store, &order, key.as_ref(), rate.as_ref(), &context)
        })
        .await?;
        self.feed.poke();
        placed
    }
}

/// The email address for an order that a customer places: the one in their token. `None` if the token has none; the
/// customer then gets no mails.
fn determine_customer_address(caller: &Caller, new: &NewOrder) -> Result<Option<String>, Refusal> {
    let refused = |field: InputField, message: String| Refusal::invalid(field, message);
    let parse = |text: &str| EmailAddress::parse(text);
    let given = new.given_addresses()?;
    let Some(own) = caller.email.as_deref() else {
        return match given.into_iter().next() {
            None => Ok(None),
            Some((field, _)) => Err(refused(
                field,
                "your token has no verified `email`, so no address can be taken from you: leave it out"
                    .to_owned(),
            )),
        };
    };
    let own = parse(own)
        .map_err(|error| refused(InputField::CustomerEmail, format!("the `email` of your token: {error}")))?;
    for (field, given) in given {
        let given = parse(given).map_err(|error| refused(field, error.to_string()))?;
        if !given.is_same_mailbox(&own) {
            return Err(refused(field, "it must be the `email` of your token, or be left out".to_owned()));
        }
    }
    Ok(Some(own.into()))
}

pub(crate) fn build_context(caller: &Caller, now: DateTime<Utc>) -> Context {
    Context { actor: caller.actor.clone(), now, request_id: caller.request_id.clone(), webhook_id: None }
}

async fn place_in_transaction(
    store: &Store,
    order: &Order,
    key: Option<&(ScopedKey, [u8; 32])>,
    rate: Option<&CustomerRate>,
    context: &Context,
) -> persistence::Result<Result<Placed>> {
    let (head, now) = (order.head(), context.now);
    let tx = store.begin().await?;
    if let Some((key, fingerprint)) = key
        && let Some(answer) = find_answers(&tx, std::slice::from_ref(key)).await?.remove(key)
    {
        return Ok(match orders::load_head(&tx, answer.order_id).await? {
            Some(order) if answer.fingerprint == *fingerprint => Ok(Placed { order, replayed: true }),
            _ => Err(Error::KeyReused),
        });
    }
    // An earlier attempt of this request may have committed although its answer was lost.
    if orders::load_head(&tx, head.id).await?.is_some() {
        return Ok(Ok(Placed { order: head.clone(), replayed: false }));
    }
    if let Some(rate) = rate
        && let Err(refused) = rate.check_rate(&tx, now).await?
    {
        return Ok(Err(refused));
    }
    if let Some(reference) = &head.reference
        && orders::has_reference(&tx, reference).await?
    {
        let message = format!("an order with the reference {reference} exists already");
        return Ok(Err(Refusal::invalid(InputField::Reference, message).into()));
    }
    let replaced = match replacement::link_replaced_order(&tx, head, context).await? {
        Ok(replaced) => replaced,
        Err(refusal) => return Ok(Err(refusal.into())),
    };
    orders::insert(&tx, std::slice::from_ref(order)).await?;
    orders::record(&tx, &replaced.iter().collect::<Vec<_>>()).await?;
    if let Some((key, fingerprint)) = key {
        let answer = StoredAnswer {
            fingerprint: *fingerprint,
            order_id: head.id,
            shipment_id: None,
            version: Some(head.version),
            changed: true,
        };
        persistence::idempotency::insert(&tx, &[(key.clone(), answer)], now).await?;
    }
    store.commit_repeatable(tx).await?;
    Ok(Ok(Placed { order: head.clone(), replayed: false }))
}
