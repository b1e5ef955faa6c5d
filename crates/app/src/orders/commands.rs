//! Carries out commands, the only way to change an order: lock and load the order, let `Order::apply` decide, write,
//! commit. Many commands share one transaction. `webhooks` takes the same steps for carriers' scans.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::{NotificationMaxAge, Order, OrderId, Refusal, Request, Shipment, ShipmentId};
use persistence::{
    Event, Store,
    idempotency::{self, ScopedKey, StoredAnswer},
    orders,
};

use super::{Command, CommandOutcome, build_context, reservations::TrackingNumberReservations};
use crate::{
    Clock,
    error::{Error, Result},
    feed::Feed,
    retry::{may_succeed_alone, retry_transaction},
    scans::{ScanRecorder, Source},
};

/// Carries out a batch of commands and returns one answer each, in the same order. If the batch fails for a cause that
/// may lie in one command, each is tried alone in a transaction of its own, so that one bad row does not make the
/// others fail.
pub(crate) async fn execute_all(
    store: &Store,
    clock: &Clock,
    feed: &Feed,
    max_age: NotificationMaxAge,
    commands: Vec<Command>,
) -> Vec<Result<CommandOutcome>> {
    let answers = match retry_transaction(|| execute_batch(store, &commands, clock.now(), max_age)).await {
        Ok(answers) => answers,
        Err(error) if commands.len() == 1 || !may_succeed_alone(&error) => {
            let error = Error::from(error);
            commands.iter().map(|_| Err(error.clone())).collect()
        }
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                members = commands.len(),
                "a batch failed, its members are tried alone"
            );
            let mut answers = Vec::with_capacity(commands.len());
            for command in &commands {
                let command = std::slice::from_ref(command);
                let alone = retry_transaction(|| execute_batch(store, command, clock.now(), max_age)).await;
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

/// Carries out commands in one transaction. To avoid deadlocks, it locks tracking numbers before orders, and orders in
/// ascending id.
async fn execute_batch(
    store: &Store,
    commands: &[Command],
    now: DateTime<Utc>,
    max_age: NotificationMaxAge,
) -> persistence::Result<Vec<Result<CommandOutcome>>> {
    let tx = store.begin().await?;
    let mut reservations = TrackingNumberReservations::lock_numbers(&tx, commands).await?;
    let ids: Vec<OrderId> =
        commands.iter().map(|command| command.order_id).chain(reservations.former_orders()).collect();
    let mut loaded = orders::lock(&tx, &ids).await?;
    let keys: Vec<ScopedKey> = commands.iter().filter_map(scoped_key).collect();
    let mut answered = idempotency::find_answers(&tx, &keys).await?;
    let mut recorder = ScanRecorder::load(&tx, &scanned_shipments(commands), false).await?;
    let mut new_answers = Vec::new();
    let mut answers = Vec::with_capacity(commands.len());
    for command in commands {
        if let Err(refusal) = check_visible(loaded.get(&command.order_id), command) {
            answers.push(Err(refusal.into()));
            continue;
        }
        let key = scoped_key(command);
        if let Some(answer) = key.as_ref().and_then(|key| answered.get(key)) {
            answers.push(repeat_answer(&tx, command, answer, &loaded).await?);
            continue;
        }
        let result = match loaded.get_mut(&command.order_id) {
            Some(order) => apply_command(order, command, &mut reservations, &mut recorder, now),
            None => Err(Refusal::NotFound("order").into()),
        };
        if let (Ok(changed), Some(key), Some(asked)) = (&result, key, &command.key) {
            let answer = StoredAnswer {
                fingerprint: asked.fingerprint,
                order_id: command.order_id,
                shipment_id: changed.shipment.as_ref().map(|shipment| shipment.id),
                version: changed.event.as_ref().map(|event| event.version),
                changed: changed.changed,
            };
            answered.insert(key.clone(), answer.clone());
            new_answers.push((key, answer));
        }
        answers.push(result);
    }
    reservations.release_former(&mut loaded, now).map_err(|refusal| persistence::Error::Corrupt {
        table: "shipments",
        row: "with a number that went elsewhere".to_owned(),
        what: refusal.to_string(),
    })?;
    // All transactions insert keys in the same sequence. Otherwise two batches with the same keys could deadlock.
    new_answers.sort_by(|(one, _), (other, _)| one.cmp(other));
    orders::record(&tx, &loaded.values().collect::<Vec<_>>(), max_age).await?;
    recorder.write(&tx).await?;
    idempotency::insert(&tx, &new_answers, now).await?;
    persistence::webhooks::requeue_for_numbers(&tx, &reservations.registered, now).await?;
    store.commit(tx).await?;
    Ok(answers)
}

fn scoped_key(command: &Command) -> Option<ScopedKey> {
    command.key.as_ref().map(|key| (command.caller.key_scope(), key.key.clone()))
}

/// The shipments for which the commands record scans.
fn scanned_shipments(commands: &[Command]) -> Vec<ShipmentId> {
    let shipments = commands.iter().filter_map(|command| match &command.request {
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
    shipments.collect()
}

/// Refuses with "not found" if the order or the shipment of the command does not exist, or if the caller may not see
/// it.
fn check_visible(order: Option<&Order>, command: &Command) -> Result<(), Refusal> {
    let order = order.filter(|order| command.caller.may_see(order.head(), order.items()));
    if let Request::CancelShipment { id, .. } | Request::Scans { shipment: id, .. } = &command.request {
        return match order.and_then(|order| redact_shipment(order, command, *id)) {
            Some(_) => Ok(()),
            None => Err(Refusal::NotFound("shipment")),
        };
    }
    if order.is_some() { Ok(()) } else { Err(Refusal::NotFound("order")) }
}

/// A shipment of the order, redacted for the caller. `None` if the caller does not see it.
fn redact_shipment(order: &Order, command: &Command, id: ShipmentId) -> Option<Shipment> {
    let shipment = order.shipments().iter().find(|shipment| shipment.id == id)?;
    command.caller.redact_shipment(order.items(), shipment)
}

fn apply_command(
    order: &mut Order,
    command: &Command,
    reservations: &mut TrackingNumberReservations,
    recorder: &mut ScanRecorder,
    now: DateTime<Utc>,
) -> Result<CommandOutcome> {
    let context = build_context(&command.caller, now);
    let outcome = match &command.request {
        Request::Scans { shipment, incoming, .. } => {
            let source = Source::Manual(&command.caller.actor);
            recorder.record(order, *shipment, source, incoming, &context)?
        }
        Request::CreateShipment(new) => {
            let before = order.clone();
            let outcome = order.apply(command.request.clone(), command.expected_version, &context)?;
            if let Err(refusal) = reservations.check_number(new, command.order_id, &command.caller) {
                *order = before;
                return Err(refusal.into());
            }
            reservations.register_shipment(new, command.order_id);
            outcome
        }
        request => order.apply(request.clone(), command.expected_version, &context)?,
    };
    let event = order.changes().transitions.iter().find(|event| Some(event.version()) == outcome.event);
    Ok(CommandOutcome {
        order: order.head().clone(),
        event: event.map(|event| command.caller.redact_event(event.into())),
        shipment: outcome.shipment.and_then(|id| redact_shipment(order, command, id)),
        changed: outcome.changed,
    })
}

/// Repeats the stored answer of an idempotency key, with the order as it is now. [`Error::KeyReused`] if the key was
/// used for another request.
async fn repeat_answer(
    tx: &persistence::Tx,
    command: &Command,
    answer: &StoredAnswer,
    loaded: &HashMap<OrderId, Order>,
) -> persistence::Result<Result<CommandOutcome>> {
    let same = command.key.as_ref().is_some_and(|key| key.fingerprint == answer.fingerprint);
    let Some(order) = loaded.get(&answer.order_id).filter(|_| same) else {
        return Ok(Err(Error::KeyReused));
    };
    let made_now = |event: &&domain::Transition| Some(event.version()) == answer.version;
    let event = match (order.changes().transitions.iter().find(made_now), answer.version) {
        (Some(event), _) => Some(Event::from(event)),
        (None, Some(version)) => orders::event_at(tx, answer.order_id, version).await?,
        (None, None) => None,
    };
    let shipment = answer.shipment_id.and_then(|id| redact_shipment(order, command, id));
    if answer.shipment_id.is_some() && shipment.is_none() {
        // The caller does not see the shipment any more, for example because the items were reassigned.
        return Ok(Err(Refusal::NotFound("shipment").into()));
    }
    Ok(Ok(CommandOutcome {
        order: order.head().clone(),
        event: event.map(|event| command.caller.redact_event(event)),
        shipment,
        changed: answer.changed,
    }))
}
