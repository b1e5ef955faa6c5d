//! Placing orders and asking for changes of them.
//!
//! How a change is made is told in `orders/change.rs`, the one way for everybody who asks.

pub(crate) mod commands;
mod customer_rate;
mod reservations;

use chrono::{DateTime, Utc};
use customer_rate::CustomerRate;
use domain::{
    ActorKind, Context, EmailAddress, NewOrder, Order, OrderHead, OrderId, Refusal, Request, Shipment,
};
use persistence::{
    Event, Store,
    idempotency::{self, ScopedKey, StoredAnswer},
    orders, read,
};

use crate::{
    App, Caller,
    error::{Error, Result},
    idempotency::IdempotencyKey,
    retry::retry_transaction,
};

/// Somebody asks for a change of an order.
#[derive(Clone, Debug)]
pub struct Command {
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
pub struct CommandOutcome {
    /// The order as it is now.
    pub order: OrderHead,
    /// The event that was asked for.
    pub event: Option<Event>,
    /// The shipment it was about.
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
    pub async fn execute(&self, command: Command) -> Result<CommandOutcome> {
        command.caller.must_have_orders()?;
        self.changes.submit(command).await?
    }

    /// What a change would come to if it were made now. Nothing is written, nothing is promised: the order in
    /// the answer is as it stands, and there is no event.
    ///
    /// # Errors
    /// Those of [`execute`](Self::execute).
    pub async fn preview_command(&self, command: Command) -> Result<CommandOutcome> {
        command.caller.must_have_orders()?;
        let id = command.order_id;
        let head = self.order(&command.caller, id).await?.ok_or(Refusal::NotFound("order"))?;
        let items = read::items_of(&self.store, &[id]).await?.remove(&id).unwrap_or_default();
        let shipments = read::shipments_of(&self.store, &[id]).await?.remove(&id).unwrap_or_default();
        let mut order = Order::restore(head.clone(), items, shipments);
        let outcome = order.apply(
            command.request,
            command.expected_version,
            &context(&command.caller, self.clock.now()),
        )?;
        Ok(CommandOutcome { order: head, event: None, shipment: None, changed: outcome.changed })
    }

    /// Places an order. A customer places one only where [`Policy`](crate::Policy) allows it, and for the address in their
    /// own token: otherwise they could have the shop's mails sent to anybody.
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
            if !self.policy().customers_place_orders {
                let message = "customers place no orders here: the shop's own system places them";
                return Err(Refusal::Forbidden(message.to_owned()).into());
            }
            new.customer_email = own_address(caller, new.customer_email.as_deref())?;
        }
        let now = self.clock.now();
        let order = Order::place(new, &context(caller, now))?;
        let key = key.map(|key| ((caller.key_scope(), key.key), key.fingerprint));
        let rate = CustomerRate::of(&caller.actor, self.policy().customer_orders_per_minute);
        let placed =
            retry_transaction(|| insert(&self.store, &order, key.as_ref(), rate.as_ref(), now)).await?;
        self.feed.poke();
        placed
    }
}

/// The address for the order of a customer: the one in their token. None where the token has none; the customer then gets no
/// mails.
fn own_address(caller: &Caller, given: Option<&str>) -> Result<Option<String>, Refusal> {
    let refused = |message: String| Refusal::InvalidInput { field: "customerEmail".to_owned(), message };
    let parse = |text: &str| EmailAddress::parse(text);
    let Some(own) = caller.email.as_deref() else {
        return match given {
            None => Ok(None),
            Some(_) => Err(refused(
                "your token has no verified `email`, so no address can be taken from you: leave it out"
                    .to_owned(),
            )),
        };
    };
    let own = parse(own).map_err(|error| refused(format!("the `email` of your token: {error}")))?;
    if let Some(given) = given {
        let given = parse(given).map_err(|error| refused(error.to_string()))?;
        if !given.is_same_mailbox(&own) {
            return Err(refused("it must be the `email` of your token, or be left out".to_owned()));
        }
    }
    Ok(Some(own.into()))
}

fn context(caller: &Caller, now: DateTime<Utc>) -> Context {
    Context { actor: caller.actor.clone(), now, request_id: caller.request_id.clone(), webhook_id: None }
}

async fn insert(
    store: &Store,
    order: &Order,
    key: Option<&(ScopedKey, [u8; 32])>,
    rate: Option<&CustomerRate>,
    now: DateTime<Utc>,
) -> persistence::Result<Result<Placed>> {
    let head = order.head();
    let tx = store.begin().await?;
    if let Some((key, fingerprint)) = key
        && let Some(answer) = idempotency::find_answers(&tx, std::slice::from_ref(key)).await?.remove(key)
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
    if let Some(rate) = rate
        && let Err(refused) = rate.check(&tx, now).await?
    {
        return Ok(Err(refused));
    }
    if let Some(reference) = &head.reference
        && orders::has_reference(&tx, reference).await?
    {
        let message = format!("an order with the reference {reference} exists already");
        return Ok(Err(Refusal::InvalidInput { field: "reference".to_owned(), message }.into()));
    }
    orders::insert(&tx, std::slice::from_ref(order)).await?;
    if let Some((key, fingerprint)) = key {
        let answer = StoredAnswer {
            fingerprint: *fingerprint,
            order_id: head.id,
            shipment_id: None,
            version: Some(head.version),
            changed: true,
        };
        idempotency::insert(&tx, &[(key.clone(), answer)], now).await?;
    }
    store.commit_repeatable(tx).await?;
    Ok(Ok(Placed { order: head.clone(), replayed: false }))
}
