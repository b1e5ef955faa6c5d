//! The second pass of a replay: records the scans in the orders, and commits or rolls back.
//!
//! `replay` calls `apply_or_try_and_report` for each group of orders. It adds to the totals, and passes each finding to
//! `report`. Its error is one that ends the replay; an order that fails alone is a finding.
//! `record_then_commit_or_roll_back` is one transaction. `changes_between` and `describe_failure` are pure. No changes
//! means that the shipments stay as they are.

use domain::{
    ErrorChain, NotificationKind, NotificationMaxAge, Order, find_suppression, ingest::RoutedScans,
};
use persistence::{orders, scans, webhooks};

use super::{Finding, NotReplayed, ReplayChange, Replayed, Replays};
use crate::{
    error::{Error, Result},
    isolate::isolate,
    retry::retry_transaction,
};

impl Replays {
    /// Records the scans in the orders, in one transaction, or if that fails, in one transaction for each order.
    pub(super) async fn apply_or_try_and_report(
        &self,
        routed: &RoutedScans,
        replayed: &mut Replayed,
        report: &mut impl FnMut(Finding),
    ) -> Result<()> {
        let apply = replayed.applied;
        let orders = routed.orders();
        let attempts = isolate(&orders, Error::may_succeed_alone, async |orders| {
            let routed = routed.for_orders(orders);
            retry_transaction(|| self.record_then_commit_or_roll_back(&routed, apply)).await
        });
        let mut failed = Ok(());
        for (orders, outcome) in attempts.await {
            match outcome {
                Ok(outcome) => {
                    replayed.scans += outcome.scans;
                    outcome.changes.into_iter().for_each(|change| report(Finding::Changes(Box::new(change))));
                }
                Err(error) if error.may_succeed_alone() => {
                    for order_id in orders {
                        let cause = &error as &dyn std::error::Error;
                        tracing::warn!(order = %order_id, error = cause, "an order could not be replayed");
                        let error = describe_failure(&error);
                        report(Finding::Fails(NotReplayed { order_id: *order_id, error }));
                    }
                }
                Err(error) => failed = Err(error),
            }
        }
        failed
    }

    /// Runs one transaction over some orders. Without `apply` it does the same work and rolls it back, so that it finds
    /// the same errors.
    async fn record_then_commit_or_roll_back(
        &self,
        routed: &RoutedScans,
        apply: bool,
    ) -> persistence::Result<Outcome> {
        let tx = self.store.begin().await?;
        webhooks::lock_webhooks(&tx, &routed.webhooks()).await?;
        let mut orders = orders::lock_and_load(&tx, &routed.orders()).await?;
        let before = orders.clone();
        let mut recorder = scans::load_recorder(&tx, &orders, &routed.shipments(), true).await?;
        routed.record(&mut orders, &mut recorder, self.clock.now())?;
        let max_age = self.inbox.policy().notification_max_age;
        orders::record(&tx, &orders.values().collect::<Vec<_>>()).await?;
        scans::record(&tx, &recorder).await?;
        let scans = recorder.new_scans().chain(recorder.revised_scans()).count() as u64;
        let mut outcome = Outcome { changes: vec![], scans };
        for (id, before) in &before {
            if let Some(after) = orders.get(id) {
                outcome.changes.extend(changes_between(before, after, apply, max_age));
            }
        }
        match apply {
            true => self.store.commit(tx).await?,
            false => tx.rollback().await?,
        }
        Ok(outcome)
    }
}

/// What one transaction changed, or would have changed.
struct Outcome {
    changes: Vec<ReplayChange>,
    scans: u64,
}

/// Why an order could not be changed, as text for the person who asked for the replay.
fn describe_failure(error: &Error) -> String {
    match error {
        Error::Failed(error) if error.unique_violation().is_some() => {
            "a parcel's number is on its way with another order".to_owned()
        }
        Error::Failed(error) if error.is_lock_timeout() => {
            "somebody else is changing it: try again".to_owned()
        }
        Error::Failed(error) => ErrorChain(error.as_ref()).to_string(),
        Error::Refused(_)
        | Error::KeyReused
        | Error::TooManyOrders { .. }
        | Error::BrokenOff
        | Error::Stopping => ErrorChain(error).to_string(),
    }
}

/// The shipments of an order whose tracking state differs between `before` and `after`.
fn changes_between(
    before: &Order,
    after: &Order,
    applied: bool,
    max_age: NotificationMaxAge,
) -> Vec<ReplayChange> {
    let now = if applied { after } else { before };
    let owed = after.changes().transitions.iter().filter(|step| step.may_notify());
    let told = owed.filter(|step| {
        let delay = step.recorded_at() - step.occurred_at();
        find_suppression(after.head(), delay, true, max_age).is_none()
    });
    // If the order passes several statuses, only the newest notification is sent.
    let mut notifications: Vec<NotificationKind> =
        told.filter_map(|step| NotificationKind::from_status(step.to())).collect();
    notifications.drain(..notifications.len().saturating_sub(1));
    let mut changes = Vec::new();
    for ((old, new), shown) in before.shipments().iter().zip(after.shipments()).zip(now.shipments()) {
        if old.tracking != new.tracking {
            changes.push(ReplayChange {
                order: now.head().clone(),
                shipment: shown.clone(),
                from: old.status(),
                to: new.status(),
                order_to: after.head().status,
                notifications: std::mem::take(&mut notifications),
            });
        }
    }
    changes
}
