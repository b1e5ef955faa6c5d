//! Placing orders and changing them.
//!
//! `change_all` is the one way an order changes, whoever asks: it locks, loads, lets `Order::apply` decide,
//! and records. Carriers' scans come the same way, from `webhooks`.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{Context, NewOrder, Order, OrderHead, OrderId, Refusal, Request, Shipment, ShipmentRefusal};
use persistence::{
    Event, Store,
    idempotency::{self, Answer, ScopedKey},
    orders, read, shipments,
};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::{
    App, Caller, Clock,
    error::{Error, Result},
    feed::Feed,
    retry::retrying,
};

/// How long a key is good for: longer than any client retries.
const KEYS_KEPT_FOR: TimeDelta = TimeDelta::days(7);

/// A key under which the same request gets the same answer.
#[derive(Clone, Debug)]
pub struct IdempotencyKey {
    key: String,
    fingerprint: [u8; 32],
}

impl IdempotencyKey {
    /// The key for this request. `input` is all that makes it another request.
    ///
    /// # Errors
    /// [`Refusal::InvalidInput`] for a key that is blank or longer than 200 bytes.
    pub fn new(key: String, operation: &str, input: &impl Serialize) -> Result<Self, Refusal> {
        if key.trim().is_empty() || key.len() > 200 {
            let message = "an idempotency key has 1 to 200 characters".to_owned();
            return Err(Refusal::InvalidInput { field: "idempotencyKey".to_owned(), message });
        }
        let input = serde_json::to_vec(input).unwrap_or_default();
        let mut hash = Sha256::new();
        hash.update(operation);
        hash.update([0]);
        hash.update(input);
        Ok(Self { key, fingerprint: hash.finalize().into() })
    }
}

/// Somebody asks for a change of an order.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Who.
    pub caller: Caller,
    /// Of which order.
    pub order_id: OrderId,
    /// What.
    pub request: Request,
    /// The version they looked at.
    pub expected_version: Option<i32>,
    /// The key under which the same request gets the same answer.
    pub key: Option<IdempotencyKey>,
}

/// An order after a granted request.
#[derive(Clone, Debug)]
pub struct Changed {
    /// The order as it is now.
    pub order: OrderHead,
    /// The event that was asked for.
    pub event: Option<Event>,
    /// The parcel it was about.
    pub shipment: Option<Shipment>,
    /// Whether anything changed.
    pub changed: bool,
}

/// An order that was placed.
#[derive(Clone, Debug)]
pub struct Placed {
    /// The order.
    pub order: OrderHead,
    /// Whether it was placed before, under the same key.
    pub replayed: bool,
}

impl App {
    /// Asks for a change and waits for the answer.
    ///
    /// # Errors
    /// [`Error::Refused`] with the facts; [`Error::Failed`] when the database fails.
    pub async fn change(&self, ask: Ask) -> Result<Changed> {
        ask.caller.must_have_orders()?;
        self.changes.submit(ask).await?
    }

    /// What a change would come to if it were made now. Nothing is written, nothing is promised: the order in
    /// the answer is as it stands, and there is no event.
    ///
    /// # Errors
    /// Those of [`change`](Self::change).
    pub async fn preview(&self, ask: Ask) -> Result<Changed> {
        ask.caller.must_have_orders()?;
        let id = ask.order_id;
        let head = self.order(&ask.caller, id).await?.ok_or(Refusal::NotFound("order"))?;
        let items = read::items_of(&self.store, &[id]).await?.remove(&id).unwrap_or_default();
        let shipments = read::shipments_of(&self.store, &[id]).await?.remove(&id).unwrap_or_default();
        let mut order = Order::restore(head.clone(), items, shipments);
        let outcome =
            order.apply(ask.request, ask.expected_version, &context(&ask.caller, self.clock.now()))?;
        Ok(Changed { order: head, event: None, shipment: None, changed: outcome.changed })
    }

    /// Places an order.
    ///
    /// # Errors
    /// [`Error::Refused`] with the field that is wrong; [`Error::KeyReused`].
    pub async fn place(&self, caller: &Caller, new: NewOrder, key: Option<IdempotencyKey>) -> Result<Placed> {
        let now = self.clock.now();
        let order = Order::place(new, &context(caller, now))?;
        let key = key.map(|key| ((caller.key_scope(), key.key), key.fingerprint));
        let placed = retrying(|| insert(&self.store, &order, key.as_ref(), now)).await?;
        self.feed.poke();
        placed
    }

    /// Forgets the answers to keys that nobody will use again; returns how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_old_keys(&self) -> Result<u64> {
        Ok(idempotency::forget(&self.store, self.clock.now() - KEYS_KEPT_FOR).await?)
    }
}

fn context(caller: &Caller, now: DateTime<Utc>) -> Context {
    Context { actor: caller.actor.clone(), now, request_id: caller.request_id.clone(), webhook_id: None }
}

async fn insert(
    store: &Store,
    order: &Order,
    key: Option<&(ScopedKey, [u8; 32])>,
    now: DateTime<Utc>,
) -> persistence::Result<Result<Placed>> {
    let head = order.head();
    let tx = store.begin().await?;
    if let Some((key, fingerprint)) = key
        && let Some(answer) = idempotency::answers(&tx, std::slice::from_ref(key)).await?.remove(key)
    {
        return Ok(match orders::head(&tx, answer.order_id).await? {
            Some(order) if answer.fingerprint == *fingerprint => Ok(Placed { order, replayed: true }),
            _ => Err(Error::KeyReused),
        });
    }
    // An earlier attempt may have committed and lost its answer on the way.
    if orders::head(&tx, head.id).await?.is_some() {
        return Ok(Ok(Placed { order: head.clone(), replayed: false }));
    }
    if let Some(reference) = &head.reference
        && orders::has_reference(&tx, reference).await?
    {
        let message = format!("an order with the reference {reference} exists already");
        return Ok(Err(Refusal::InvalidInput { field: "reference".to_owned(), message }.into()));
    }
    orders::insert(&tx, std::slice::from_ref(order)).await?;
    if let Some((key, fingerprint)) = key {
        let answer = Answer {
            fingerprint: *fingerprint,
            order_id: head.id,
            shipment_id: None,
            version: Some(head.version),
            changed: true,
        };
        idempotency::keep(&tx, &[(key.clone(), answer)], now).await?;
    }
    tx.commit().await?;
    Ok(Ok(Placed { order: head.clone(), replayed: false }))
}

/// Carries out a batch of requests. When the batch as a whole fails, each member is tried alone, in a
/// transaction of its own, so that one bad row does not fail its neighbours.
pub(crate) async fn change_all(
    store: &Store,
    clock: &Clock,
    feed: &Feed,
    asks: Vec<Ask>,
) -> Vec<Result<Changed>> {
    let answers = match retrying(|| settle(store, &asks, clock.now())).await {
        Ok(answers) => answers,
        Err(error) if asks.len() == 1 || error.retryable() => {
            let error = Error::from(error);
            asks.iter().map(|_| Err(error.clone())).collect()
        }
        Err(error) => {
            tracing::warn!(%error, members = asks.len(), "a batch failed, its members are tried alone");
            let mut answers = Vec::with_capacity(asks.len());
            for ask in &asks {
                let alone = retrying(|| settle(store, std::slice::from_ref(ask), clock.now())).await;
                answers.push(match alone {
                    Ok(mut answers) => answers.pop().unwrap_or(Err(Error::Stopping)),
                    Err(error) => Err(error.into()),
                });
            }
            answers
        }
    };
    feed.poke();
    answers
}

/// One transaction: numbers are locked before orders, orders in ascending id.
async fn settle(
    store: &Store,
    asks: &[Ask],
    now: DateTime<Utc>,
) -> persistence::Result<Vec<Result<Changed>>> {
    let tx = store.begin().await?;
    let mut taken = NumbersTaken::look(&tx, asks).await?;
    let ids: Vec<OrderId> = asks.iter().map(|ask| ask.order_id).collect();
    let mut loaded = orders::lock(&tx, &ids).await?;
    let keys: Vec<ScopedKey> = asks.iter().filter_map(scoped_key).collect();
    let mut answered = idempotency::answers(&tx, &keys).await?;
    let mut new_answers = Vec::new();
    let mut answers = Vec::with_capacity(asks.len());
    for ask in asks {
        let key = scoped_key(ask);
        if let Some(answer) = key.as_ref().and_then(|key| answered.get(key)) {
            answers.push(again(&tx, ask, answer, &loaded).await?);
            continue;
        }
        let result = match loaded.get_mut(&ask.order_id) {
            Some(order) if ask.caller.may_see(order.head()) => apply(order, ask, &mut taken, now),
            _ => Err(Refusal::NotFound("order").into()),
        };
        if let (Ok(changed), Some(key), Some(asked)) = (&result, key, &ask.key) {
            let answer = Answer {
                fingerprint: asked.fingerprint,
                order_id: ask.order_id,
                shipment_id: changed.shipment.as_ref().map(|shipment| shipment.id),
                version: changed.event.as_ref().map(|event| event.version),
                changed: changed.changed,
            };
            answered.insert(key.clone(), answer.clone());
            new_answers.push((key, answer));
        }
        answers.push(result);
    }
    orders::record(&tx, &loaded.values().collect::<Vec<_>>()).await?;
    idempotency::keep(&tx, &new_answers, now).await?;
    persistence::webhooks::wake(&tx, &taken.registered, now).await?;
    tx.commit().await?;
    Ok(answers)
}

fn scoped_key(ask: &Ask) -> Option<ScopedKey> {
    ask.key.as_ref().map(|key| (ask.caller.key_scope(), key.key.clone()))
}

fn apply(order: &mut Order, ask: &Ask, taken: &mut NumbersTaken, now: DateTime<Utc>) -> Result<Changed> {
    if let Request::CreateShipment(new) = &ask.request {
        taken.check(new, ask.order_id)?;
    }
    let outcome = order.apply(ask.request.clone(), ask.expected_version, &context(&ask.caller, now))?;
    if let Request::CreateShipment(new) = &ask.request {
        taken.register(new, ask.order_id);
    }
    let event = order.changes().transitions.iter().find(|event| Some(event.version()) == outcome.event);
    let shipment = outcome.shipment.and_then(|id| order.shipments().iter().find(|one| one.id == id));
    Ok(Changed {
        order: order.head().clone(),
        event: event.map(Event::from),
        shipment: shipment.cloned(),
        changed: outcome.changed,
    })
}

/// The answer that was given before.
async fn again(
    tx: &persistence::Tx,
    ask: &Ask,
    answer: &Answer,
    loaded: &HashMap<OrderId, Order>,
) -> persistence::Result<Result<Changed>> {
    let same = ask.key.as_ref().is_some_and(|key| key.fingerprint == answer.fingerprint);
    let Some(order) = loaded.get(&answer.order_id).filter(|_| same) else {
        return Ok(Err(Error::KeyReused));
    };
    let made_now = |event: &&domain::Transition| Some(event.version()) == answer.version;
    let event = match (order.changes().transitions.iter().find(made_now), answer.version) {
        (Some(event), _) => Some(Event::from(event)),
        (None, Some(version)) => orders::event_at(tx, answer.order_id, version).await?,
        (None, None) => None,
    };
    let shipment = order.shipments().iter().find(|shipment| Some(shipment.id) == answer.shipment_id);
    Ok(Ok(Changed {
        order: order.head().clone(),
        event,
        shipment: shipment.cloned(),
        changed: answer.changed,
    }))
}

/// The carriers' numbers that a batch registers, locked, with the orders that have them already.
struct NumbersTaken {
    by: HashMap<shipments::Number, OrderId>,
    registered: Vec<shipments::Number>,
}

impl NumbersTaken {
    async fn look(tx: &persistence::Tx, asks: &[Ask]) -> persistence::Result<Self> {
        let numbers: Vec<shipments::Number> = asks.iter().filter_map(|ask| number(&ask.request)).collect();
        shipments::lock_numbers(tx, &numbers).await?;
        let mut by = HashMap::new();
        for number in numbers {
            if let Some(order) = shipments::live_holder(tx, &number).await? {
                by.insert(number, order);
            }
        }
        Ok(Self { by, registered: Vec::new() })
    }

    fn check(&self, new: &domain::NewShipment, order: OrderId) -> Result<()> {
        let Some(number) = shipment_number(new) else { return Ok(()) };
        if self.by.get(&number).is_some_and(|other| *other != order) {
            let message = format!("{} {} is on its way with another order", number.0, number.1);
            return Err(Refusal::Shipment { code: ShipmentRefusal::NumberInUse, message }.into());
        }
        Ok(())
    }

    fn register(&mut self, new: &domain::NewShipment, order: OrderId) {
        if let Some(number) = shipment_number(new) {
            self.by.insert(number.clone(), order);
            self.registered.push(number);
        }
    }
}

fn number(request: &Request) -> Option<shipments::Number> {
    match request {
        Request::CreateShipment(new) => shipment_number(new),
        Request::Transition { .. }
        | Request::CancelItems { .. }
        | Request::CancelShipment { .. }
        | Request::Scans { .. } => None,
    }
}

fn shipment_number(new: &domain::NewShipment) -> Option<shipments::Number> {
    Some((new.carrier, domain::normalize_tracking_number(&new.tracking_number)?))
}
