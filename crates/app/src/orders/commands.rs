//! Carries out commands: lock, load, decide, write, commit. Many commands share one transaction. `webhooks/process.rs`
//! takes the same steps for carriers' scans.
//!
//! `orders` calls `execute_batch`, which fails as a whole when the database fails. The steps are the methods of
//! [`CommandBatch`]:
//!
//! 1. `lock_and_load` reads everything that the commands need.
//! 2. `decide_command` answers one command, in memory: not found if the caller may not see the order or the shipment
//!    (`check_visible`), the first answer for a repeated key (`repeat_answer`), else what `apply_command` does. A
//!    refusal leaves the order unchanged and affects no other command.
//! 3. `write_changes` writes what all commands changed, and makes the webhooks due that wait for new tracking numbers.
//!
//! `find_visible_shipment` is `None` if there is no such shipment or the caller does not see it. `scoped_key` is
//! `None` for a command without an idempotency key.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::{Order, OrderId, Refusal, Request, Shipment, ShipmentId, ingest::ScanRecorder};
use persistence::{
    Event, Store, Tx,
    idempotency::{self, ScopedKey, StoredAnswer},
    orders, scans,
};

use super::{
    Command, CommandOutcome, build_context,
    reservations::{RequestedNumbers, TrackingNumberReservations},
};
use crate::error::{Error, Result};

/// Carries out commands in one transaction. Returns one answer each, in the same order.
pub(super) async fn execute_batch(
    store: &Store,
    commands: &[Command],
    now: DateTime<Utc>,
) -> persistence::Result<Vec<Result<CommandOutcome>>> {
    let tx = store.begin().await?;
    let mut batch = CommandBatch::lock_and_load(&tx, commands, now).await?;
    let answers = commands.iter().map(|command| batch.decide_command(command)).collect();
    batch.write_changes(&tx).await?;
    store.commit(tx).await?;
    Ok(answers)
}

/// What a transaction has locked and loaded for its commands, and what they have decided so far.
struct CommandBatch {
    now: DateTime<Utc>,
    orders: HashMap<OrderId, Order>,
    reservations: TrackingNumberReservations,
    recorder: ScanRecorder,
    answered: HashMap<ScopedKey, StoredAnswer>,
    /// The events of the stored answers, by order and version.
    events: HashMap<(OrderId, i32), Event>,
    new_answers: Vec<(ScopedKey, StoredAnswer)>,
}

impl CommandBatch {
    /// To avoid deadlocks, locks tracking numbers before orders, and orders in ascending id.
    async fn lock_and_load(tx: &Tx, commands: &[Command], now: DateTime<Utc>) -> persistence::Result<Self> {
        let scanned = scanned_shipments(commands);
        let reservations = TrackingNumberReservations::lock_numbers(tx, commands, &scanned).await?;
        let ids: Vec<OrderId> =
            commands.iter().map(|command| command.order_id).chain(reservations.former_orders()).collect();
        let orders = orders::lock_and_load(tx, &ids).await?;
        let recorder = scans::load_recorder(tx, &orders, &scanned, false).await?;
        let keys: Vec<ScopedKey> = commands.iter().filter_map(scoped_key).collect();
        let answered = idempotency::find_answers(tx, &keys).await?;
        let mut events = HashMap::new();
        for answer in answered.values() {
            if let Some(version) = answer.version {
                let event = orders::load_event(tx, answer.order_id, version).await?;
                events.extend(event.map(|event| ((answer.order_id, version), event)));
            }
        }
        Ok(Self { now, orders, reservations, recorder, answered, events, new_answers: Vec::new() })
    }

    fn decide_command(&mut self, command: &Command) -> Result<CommandOutcome> {
        check_visible(self.orders.get(&command.order_id), command)?;
        let key = scoped_key(command);
        if let Some(answer) = key.as_ref().and_then(|key| self.answered.get(key)) {
            return self.repeat_answer(command, answer);
        }
        let changed = self.apply_command(command)?;
        if let (Some(key), Some(asked)) = (key, &command.key) {
            let answer = StoredAnswer {
                fingerprint: asked.fingerprint,
                order_id: command.order_id,
                shipment_id: changed.shipment.as_ref().map(|shipment| shipment.id),
                version: changed.event.as_ref().map(|event| event.version),
                changed: changed.changed,
            };
            self.answered.insert(key.clone(), answer.clone());
            self.new_answers.push((key, answer));
        }
        Ok(changed)
    }

    fn apply_command(&mut self, command: &Command) -> Result<CommandOutcome> {
        let order = self.orders.get_mut(&command.order_id).ok_or(Refusal::NotFound("order"))?;
        let context = build_context(&command.caller, self.now);
        let outcome = match &command.request {
            Request::Scans { shipment, incoming, .. } => {
                self.recorder.record(order, *shipment, incoming, false, &context)?
            }
            Request::RetractScan { shipment, scan, reason, .. } => {
                self.recorder.retract(order, *shipment, *scan, reason.clone(), &context)?
            }
            request => match RequestedNumbers::from_request(request) {
                Some(requested) => {
                    let before = order.clone();
                    let outcome = order.apply(request.clone(), command.expected_version, &context)?;
                    if outcome.changed {
                        let checked =
                            self.reservations.check_numbers(&requested, command.order_id, &command.caller);
                        if let Err(refusal) = checked {
                            *order = before;
                            return Err(refusal.into());
                        }
                        self.reservations.register_numbers(requested, command.order_id);
                    }
                    outcome
                }
                None => order.apply(request.clone(), command.expected_version, &context)?,
            },
        };
        let event = order.changes().transitions.iter().find(|event| Some(event.version()) == outcome.event);
        Ok(CommandOutcome {
            order: order.head().clone(),
            event: event.map(|event| command.caller.redact_event(event.into())),
            shipment: outcome.shipment.and_then(|id| find_visible_shipment(order, command, id)),
            changed: outcome.changed,
        })
    }

    /// Repeats the stored answer of an idempotency key, with the order as it is now. [`Error::KeyReused`] if the key
    /// was used for another request.
    fn repeat_answer(&self, command: &Command, answer: &StoredAnswer) -> Result<CommandOutcome> {
        let is_same = command.key.as_ref().is_some_and(|key| key.fingerprint == answer.fingerprint);
        let order = self.orders.get(&answer.order_id).filter(|_| is_same).ok_or(Error::KeyReused)?;
        let of_answer = |event: &&domain::Transition| Some(event.version()) == answer.version;
        let new_event = order.changes().transitions.iter().find(of_answer).map(Event::from);
        let stored_event = || self.events.get(&(answer.order_id, answer.version?)).cloned();
        let shipment = answer.shipment_id.and_then(|id| find_visible_shipment(order, command, id));
        if answer.shipment_id.is_some() && shipment.is_none() {
            // The caller does not see the shipment any more, for example because the items were reassigned.
            return Err(Refusal::NotFound("shipment").into());
        }
        Ok(CommandOutcome {
            order: order.head().clone(),
            event: new_event.or_else(stored_event).map(|event| command.caller.redact_event(event)),
            shipment,
            changed: answer.changed,
        })
    }

    async fn write_changes(mut self, tx: &Tx) -> persistence::Result<()> {
        self.reservations.release_former(&mut self.orders, self.now)?;
        orders::record(tx, &self.orders.values().collect::<Vec<_>>()).await?;
        scans::record(tx, &self.recorder).await?;
        // All transactions insert keys in the same sequence. Otherwise two batches with the same keys could deadlock.
        self.new_answers.sort_by(|(key, _), (other, _)| key.cmp(other));
        idempotency::insert(tx, &self.new_answers, self.now).await?;
        let TrackingNumberReservations { registered, shared, .. } = &self.reservations;
        persistence::webhooks::requeue_for_numbers(tx, registered, shared, self.now).await?;
        Ok(())
    }
}

fn scoped_key(command: &Command) -> Option<ScopedKey> {
    command.key.as_ref().map(|key| (command.caller.key_scope(), key.key.clone()))
}

/// The shipments of which the commands record or retract scans.
fn scanned_shipments(commands: &[Command]) -> Vec<ShipmentId> {
    let shipments = commands.iter().filter_map(|command| match &command.request {
        Request::Scans { shipment, .. } | Request::RetractScan { shipment, .. } => Some(*shipment),
        Request::Transition { .. }
        | Request::CancelItems { .. }
        | Request::CreateShipment(_)
        | Request::AddTrackingNumber { .. }
        | Request::ReplaceTrackingNumber { .. }
        | Request::CreateReturnShipment(_)
        | Request::CancelShipment { .. }
        | Request::GiveUpNumber { .. }
        | Request::AcceptItems { .. }
        | Request::DeclineItems { .. }
        | Request::DeclineUnits { .. }
        | Request::Close { .. }
        | Request::Reopen { .. }
        | Request::RecordReplacement(_)
        | Request::ReassignItems { .. }
        | Request::InitiateReturn { .. }
        | Request::ReceiveReturn { .. }
        | Request::WriteOffReturn { .. }
        | Request::SetDeliveryEstimate { .. } => None,
    });
    shipments.collect()
}

/// Refuses with "not found" if the order or the shipment of the command does not exist, or if the caller may not see
/// it.
fn check_visible(order: Option<&Order>, command: &Command) -> Result<(), Refusal> {
    let order = order.filter(|order| command.caller.may_see(order.head(), order.items()));
    if let Request::CancelShipment { id, .. }
    | Request::AddTrackingNumber { shipment: id, .. }
    | Request::ReplaceTrackingNumber { shipment: id, .. }
    | Request::Scans { shipment: id, .. }
    | Request::RetractScan { shipment: id, .. }
    | Request::SetDeliveryEstimate { shipment: id, .. } = &command.request
    {
        return match order.and_then(|order| find_visible_shipment(order, command, *id)) {
            Some(_) => Ok(()),
            None => Err(Refusal::NotFound("shipment")),
        };
    }
    if order.is_some() { Ok(()) } else { Err(Refusal::NotFound("order")) }
}

/// A shipment of the order, redacted for the caller. `None` if the caller does not see it.
fn find_visible_shipment(order: &Order, command: &Command, id: ShipmentId) -> Option<Shipment> {
    let shipment = order.shipments().iter().find(|shipment| shipment.id == id)?;
    command.caller.redact_shipment(order.items(), shipment)
}
