//! Requeues webhooks: makes them due again because their shipment was registered, because their code has a meaning now,
//! or because somebody asks for it.
//!
//! A requeued webhook is pending again, and its failures and calls count from zero. One that is due already is left as
//! it is. All functions that requeue return how many webhooks became due.
//!
//! | function | caller in `app` | skips webhooks that |
//! |---|---|---|
//! | `requeue_for_numbers` | `orders::commands` | have failed, are held |
//! | `requeue_missed_waits` | `webhooks::misrouted`, each minute | as above; for unmatched numbers with a shipment |
//! | `requeue_processed` | `webhooks::{misrouted, reprocess_unknown}` | are not processed or unmatched, are held |
//! | `requeue_webhooks` | `webhooks` and `webhooks::replay`, for people | none: it waits for those that are held |
//!
//! `webhooks::replay::apply` calls `lock_webhooks`, which changes nothing. `select_ids` only builds a query,
//! `lock_and_set_due` runs one that locks.

use chrono::{DateTime, Utc};
use domain::{TrackingNumber, WebhookId, WebhookState};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select, Set, Statement,
    sea_query::{Expr, LockBehavior, LockType},
};
use uuid::Uuid;

use crate::{
    dialect::{self, is_one_of},
    entity::{
        webhook::{self, Column},
        webhook_wait,
    },
    error::Result,
    mapping::{self, log_and_skip_corrupt},
    store::{Store, Tx},
};

/// Makes webhooks due that may have scans for shipments which have just got these numbers. `shared` are those of the
/// numbers that other orders may have too. Returns how many.
///
/// 1. It finds the webhooks that wait for one of the numbers, with whatever carrier.
/// 2. It also finds the webhooks whose scans went to another shipment with the number, after that shipment was
///    delivered or cancelled in Milepost, or if the number is void there. Of a shared number it finds all of them. When
///    they are processed, routing decides again to which shipments the scans belong.
/// 3. A webhook that is due already or has failed stays as it is.
/// 4. A webhook that another transaction holds is skipped. If that transaction processes the webhook, it locks the
///    numbers and finds the new shipment itself. If not, the webhook is found later: by [`requeue_missed_waits`], or,
///    if its scans are with another shipment, by [`find_reused_numbers`](crate::shipments::find_reused_numbers).
pub async fn requeue_for_numbers(
    tx: &Tx,
    numbers: &[TrackingNumber],
    shared: &[TrackingNumber],
    now: DateTime<Utc>,
) -> Result<u64> {
    if numbers.is_empty() {
        return Ok(0);
    }
    let waiting = "JOIN webhook_waits w ON w.tracking_number = r.tracking_number";
    let stored = "JOIN shipment_numbers n ON n.carrier = r.carrier AND n.tracking_number = r.tracking_number \
                  JOIN shipments s ON s.shipment_id = n.shipment_id \
                  JOIN scans w ON w.shipment_id = s.shipment_id WHERE w.webhook_id IS NOT NULL";
    let passed_on =
        format!("{stored} AND (w.called_off OR w.occurred_at > s.delivered_at OR n.void_since IS NOT NULL)");
    let mut ids: Vec<Uuid> = Vec::new();
    for (join, numbers) in [(waiting, numbers), (passed_on.as_str(), numbers), (stored, shared)] {
        let rows = numbers.iter().map(|number| {
            [webhook_wait::ActiveModel {
                carrier: Set(number.carrier().as_str().to_owned()),
                tracking_number: Set(number.to_string()),
                ..Default::default()
            }]
        });
        let Some(statement) =
            dialect::build_select(tx.get_database_backend(), "w.webhook_id", join, [""], rows)?
        else {
            continue;
        };
        for row in tx.query_all_raw(statement).await? {
            ids.push(row.try_get_by_index(0)?);
        }
    }
    let idle = select_ids(tx, &ids).filter(Column::DueAt.is_null());
    let idle = idle.filter(Column::State.ne(WebhookState::Failed.as_str()));
    let idle = idle.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    lock_and_set_due(tx, idle, now).await
}

/// Makes processed and unmatched webhooks due again. Skips those that another transaction holds. Returns how many.
pub async fn requeue_processed(tx: &Tx, ids: &[WebhookId], now: DateTime<Utc>) -> Result<u64> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let read = [WebhookState::Processed, WebhookState::Unmatched].map(WebhookState::as_str);
    let idle = select_ids(tx, &ids).filter(Column::DueAt.is_null()).filter(Column::State.is_in(read));
    lock_and_set_due(tx, idle.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked), now).await
}

/// Makes webhooks due again, whatever their state. One that is due already stays as it is. Returns how many.
pub async fn requeue_webhooks(tx: &Tx, ids: &[WebhookId], now: DateTime<Utc>) -> Result<u64> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    lock_and_set_due(tx, select_ids(tx, &ids).filter(Column::DueAt.is_null()).lock_exclusive(), now).await
}

/// Locks webhooks until the transaction ends, so that nobody processes or settles them. Call this before numbers or
/// orders are locked.
pub async fn lock_webhooks(tx: &Tx, ids: &[WebhookId]) -> Result<()> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    select_ids(tx, &ids).lock_exclusive().into_tuple::<Uuid>().all(tx).await?;
    Ok(())
}

/// The ids of these webhooks, in the sequence in which every transaction locks them.
fn select_ids(tx: &Tx, ids: &[Uuid]) -> Select<webhook::Entity> {
    webhook::Entity::find()
        .select_only()
        .column(Column::WebhookId)
        .filter(is_one_of(tx.get_database_backend(), Column::WebhookId, ids.iter().copied()))
        .order_by_asc(Column::ContentHash)
}

async fn lock_and_set_due(
    tx: &Tx,
    locking_query: Select<webhook::Entity>,
    now: DateTime<Utc>,
) -> Result<u64> {
    let ids = locking_query.into_tuple::<Uuid>().all(tx).await?;
    if ids.is_empty() {
        return Ok(0);
    }
    let done = webhook::Entity::update_many()
        .col_expr(Column::State, Expr::value(WebhookState::Pending.as_str()))
        .col_expr(Column::Failures, Expr::value(0))
        .col_expr(Column::Calls, Expr::value(0))
        .col_expr(Column::Error, Expr::value(None::<String>))
        .col_expr(Column::DueAt, Expr::value(now))
        .filter(is_one_of(tx.get_database_backend(), Column::WebhookId, ids))
        .exec(tx)
        .await?;
    Ok(done.rows_affected)
}

/// Makes unmatched webhooks due if one of their numbers has a shipment after all. Returns how many.
pub async fn requeue_missed_waits(store: &Store, now: DateTime<Utc>) -> Result<u64> {
    let sql = format!(
        "SELECT DISTINCT w.carrier, w.tracking_number FROM webhooks b \
         JOIN webhook_waits w ON w.webhook_id = b.webhook_id \
         JOIN shipment_numbers s ON s.carrier = w.carrier AND s.tracking_number = w.tracking_number \
         AND s.void_since IS NULL WHERE NOT w.is_further AND b.state = '{}'",
        WebhookState::Unmatched,
    );
    let rows = store.reader().query_all_raw(Statement::from_string(store.backend(), sql)).await?;
    let mut numbers = Vec::with_capacity(rows.len());
    for row in rows {
        let (carrier, number): (String, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let row = number.clone();
        numbers.extend(log_and_skip_corrupt(mapping::parse_number("webhook_waits", &row, &carrier, number)));
    }
    if numbers.is_empty() {
        return Ok(0);
    }
    let tx = store.begin().await?;
    let requeued = requeue_for_numbers(&tx, &numbers, &[], now).await?;
    store.commit(tx).await?;
    Ok(requeued)
}
