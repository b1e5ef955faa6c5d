//! The second pass of a replay: records the scans in the orders, and commits or rolls back.

use std::collections::{BTreeSet, HashSet};

use domain::{
    ErrorChain, NotificationKind, NotificationMaxAge, Order, ScanIdentity, ScanOutcome, ShipmentId,
    WebhookId, find_suppression,
};
use persistence::{Error, orders, webhooks};

use super::{Finding, NotReplayed, ReplayChange, Replayed};
use crate::{
    App,
    error::Result,
    retry::{may_succeed_alone, retry_transaction},
    scans::ScanRecorder,
    webhooks::routed_scans::RoutedScans,
};

impl App {
    /// Records the scans in the orders, in one transaction. If that fails for a cause that may lie in one order, tries
    /// each order alone.
    pub(super) async fn apply_to_orders(
        &self,
        routed: &RoutedScans,
        replayed: &mut Replayed,
        tell: &mut impl FnMut(Finding),
    ) -> Result<()> {
        let apply = replayed.applied;
        let mut note = |outcome: Outcome, tell: &mut dyn FnMut(Finding)| {
            replayed.scans += outcome.scans;
            outcome.changes.into_iter().for_each(|change| tell(Finding::Changes(Box::new(change))));
        };
        match retry_transaction(|| self.apply_transaction(routed, apply)).await {
            Ok(outcome) => note(outcome, tell),
            Err(error) if !may_succeed_alone(&error) => return Err(error.into()),
            Err(_) => {
                for order_id in routed.orders() {
                    let alone = routed.0.iter().filter(|((of, _), _)| *of == order_id);
                    let alone = RoutedScans(
                        alone
                            .map(|(shipment, scans_of_webhooks)| (*shipment, scans_of_webhooks.clone()))
                            .collect(),
                    );
                    match retry_transaction(|| self.apply_transaction(&alone, apply)).await {
                        Ok(outcome) => note(outcome, tell),
                        Err(error) if !may_succeed_alone(&error) => return Err(error.into()),
                        Err(error) => {
                            let cause = &error as &dyn std::error::Error;
                            tracing::warn!(order = %order_id, error = cause, "an order could not be replayed");
                            tell(Finding::Fails(NotReplayed { order_id, error: describe_failure(&error) }));
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Runs one transaction over some orders. Without `apply` it does the same work and rolls it back, so that it finds
    /// the same errors.
    async fn apply_transaction(&self, routed: &RoutedScans, apply: bool) -> persistence::Result<Outcome> {
        let tx = self.store.begin().await?;
        let webhooks: BTreeSet<WebhookId> =
            routed.0.values().flatten().map(|webhook_scans| webhook_scans.webhook).collect();
        webhooks::lock_webhooks(&tx, &webhooks.into_iter().collect::<Vec<_>>()).await?;
        let mut orders = orders::lock(&tx, &routed.orders()).await?;
        let before = orders.clone();
        let mut recorder = ScanRecorder::load(&tx, &routed.shipments(), true).await?;
        let mut differing: HashSet<(ShipmentId, ScanIdentity)> = HashSet::new();
        routed.record_all(
            &mut orders,
            &mut recorder,
            self.clock.now(),
            |webhook_scans, shipment, outcomes| {
                let differs =
                    |outcome: &ScanOutcome| matches!(outcome, ScanOutcome::New(_) | ScanOutcome::Revised(..));
                let scans = webhook_scans.scans.iter().zip(outcomes).filter(|(_, outcome)| differs(outcome));
                differing.extend(scans.map(|(scan, _)| (shipment.id, scan.identity)));
            },
        )?;
        let max_age = self.policy().notification_max_age;
        orders::record(&tx, &orders.values().collect::<Vec<_>>(), max_age).await?;
        recorder.write(&tx).await?;
        let mut outcome = Outcome { changes: vec![], scans: differing.len() as u64 };
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
        error if error.unique_violation().is_some() => {
            "a parcel's number is on its way with another order".to_owned()
        }
        error if error.is_lock_timeout() => "somebody else is changing it: try again".to_owned(),
        error => ErrorChain(error).to_string(),
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
    let told = after
        .changes()
        .transitions
        .iter()
        .filter(|step| find_suppression(after.head(), step, true, max_age).is_none());
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
