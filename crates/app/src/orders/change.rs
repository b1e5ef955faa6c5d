//! The one way an order changes: lock, load, let `Order::apply` decide, record; many requests in one
//! transaction. Carriers' scans come the same way, from `webhooks`.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::{Order, OrderId, Refusal, Request, Shipment, ShipmentId};
use persistence::{
    Event, Store,
    idempotency::{self, Answer, ScopedKey},
    orders,
};

use super::{Ask, Changed, context, numbers::NumbersTaken};
use crate::{
    Clock,
    error::{Error, Result},
    feed::Feed,
    retry::{members_may_do_better, retrying},
    scans::{ScanRecorder, Source},
};

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
        Err(error) if asks.len() == 1 || !members_may_do_better(&error) => {
            let error = Error::from(error);
            asks.iter().map(|_| Err(error.clone())).collect()
        }
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                members = asks.len(),
                "a batch failed, its members are tried alone"
            );
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
    let ids: Vec<OrderId> = asks.iter().map(|ask| ask.order_id).chain(taken.former_orders()).collect();
    let mut loaded = orders::lock(&tx, &ids).await?;
    let keys: Vec<ScopedKey> = asks.iter().filter_map(scoped_key).collect();
    let mut answered = idempotency::answers(&tx, &keys).await?;
    let mut recorder = ScanRecorder::load(&tx, &scanned(asks), false).await?;
    let mut new_answers = Vec::new();
    let mut answers = Vec::with_capacity(asks.len());
    for ask in asks {
        if let Err(refusal) = find(loaded.get(&ask.order_id), ask) {
            answers.push(Err(refusal.into()));
            continue;
        }
        let key = scoped_key(ask);
        if let Some(answer) = key.as_ref().and_then(|key| answered.get(key)) {
            answers.push(again(&tx, ask, answer, &loaded).await?);
            continue;
        }
        let result = match loaded.get_mut(&ask.order_id) {
            Some(order) => apply(order, ask, &mut taken, &mut recorder, now),
            None => Err(Refusal::NotFound("order").into()),
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
    taken.take_over(&mut loaded, now).map_err(|refusal| persistence::Error::Corrupt {
        table: "shipments",
        row: "with a number that went elsewhere".to_owned(),
        what: refusal.to_string(),
    })?;
    // In one order everywhere: two batches with the same keys must not wait for each other.
    new_answers.sort_by(|(one, _), (other, _)| one.cmp(other));
    orders::record(&tx, &loaded.values().collect::<Vec<_>>()).await?;
    recorder.write(&tx).await?;
    idempotency::keep(&tx, &new_answers, now).await?;
    persistence::webhooks::requeue_for_numbers(&tx, &taken.registered, now).await?;
    store.commit(tx).await?;
    Ok(answers)
}

fn scoped_key(ask: &Ask) -> Option<ScopedKey> {
    ask.key.as_ref().map(|key| (ask.caller.key_scope(), key.key.clone()))
}

/// The shipments that somebody says something about.
fn scanned(asks: &[Ask]) -> Vec<ShipmentId> {
    let scanned = asks.iter().filter_map(|ask| match &ask.request {
        Request::Scans { shipment, .. } => Some(*shipment),
        Request::Transition { .. }
        | Request::CancelItems { .. }
        | Request::CreateShipment(_)
        | Request::CancelShipment { .. }
        | Request::GiveUpNumber { .. }
        | Request::AcceptItems { .. }
        | Request::DeclineItems { .. }
        | Request::ReassignItems { .. }
        | Request::InitiateReturn { .. }
        | Request::ReceiveReturn { .. } => None,
    });
    scanned.collect()
}

/// Whether there is what the request names, as far as its caller may know.
fn find(order: Option<&Order>, ask: &Ask) -> Result<(), Refusal> {
    let order = order.filter(|order| ask.caller.may_see(order.head(), order.items()));
    if let Request::CancelShipment { id, .. } | Request::Scans { shipment: id, .. } = &ask.request {
        return match order.and_then(|order| shown_shipment(order, ask, *id)) {
            Some(_) => Ok(()),
            None => Err(Refusal::NotFound("shipment")),
        };
    }
    if order.is_some() { Ok(()) } else { Err(Refusal::NotFound("order")) }
}

/// What the caller is shown of one of the order's shipments.
fn shown_shipment(order: &Order, ask: &Ask, id: ShipmentId) -> Option<Shipment> {
    let shipment = order.shipments().iter().find(|shipment| shipment.id == id)?;
    ask.caller.shown_shipment(order.items(), shipment)
}

fn apply(
    order: &mut Order,
    ask: &Ask,
    taken: &mut NumbersTaken,
    recorder: &mut ScanRecorder,
    now: DateTime<Utc>,
) -> Result<Changed> {
    let context = context(&ask.caller, now);
    let outcome = match &ask.request {
        Request::Scans { shipment, incoming, .. } => {
            let source = Source::Manual(&ask.caller.actor);
            recorder.record(order, *shipment, source, incoming, &context)?
        }
        Request::CreateShipment(new) => {
            let before = order.clone();
            let outcome = order.apply(ask.request.clone(), ask.expected_version, &context)?;
            if let Err(refusal) = taken.check(new, ask.order_id, &ask.caller) {
                *order = before;
                return Err(refusal.into());
            }
            taken.register(new, ask.order_id);
            outcome
        }
        request => order.apply(request.clone(), ask.expected_version, &context)?,
    };
    let event = order.changes().transitions.iter().find(|event| Some(event.version()) == outcome.event);
    Ok(Changed {
        order: order.head().clone(),
        event: event.map(|event| ask.caller.shown_event(event.into())),
        shipment: outcome.shipment.and_then(|id| shown_shipment(order, ask, id)),
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
    let shipment = answer.shipment_id.and_then(|id| shown_shipment(order, ask, id));
    if answer.shipment_id.is_some() && shipment.is_none() {
        // The caller may not see it any more.
        return Ok(Err(Refusal::NotFound("shipment").into()));
    }
    Ok(Ok(Changed {
        order: order.head().clone(),
        event: event.map(|event| ask.caller.shown_event(event)),
        shipment,
        changed: answer.changed,
    }))
}
