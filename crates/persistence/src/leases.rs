//! Leases: how jobs share the rows of a table that are work. A row is due when the time in its `due_at` has come. It is
//! no work while `due_at` is null.
//!
//! One column, `due_at`, is the delay, the lease and the retry schedule. If a job dies, its lease ends and the rows are
//! due again.
//!
//! 1. The relay leases due rows and sets `due_at` to the end of the lease: `app::relay` calls `lease`. An empty list
//!    means that nothing is due.
//! 2. A job settles its rows (`webhooks`, `notifications`). The relay postpones rows that it could not push to a queue,
//!    and the job of webhooks those that it could not work on.
//! 3. A job that failed records it: `app::webhooks` calls `record_failure`, `notifications` calls `record_failure_in`
//!    within its own transaction. The row is then due again or closed as failed, as `decide` says. `None`: the row
//!    belongs to another attempt by now, and nothing was written.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, Set, Statement};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    dialect::{self, skip_locked_subquery},
    entity::{notification, webhook},
    error::Result,
    failures::{self, NewFailure},
    store::{Store, Tx},
};

/// A table whose rows are work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Work {
    /// Webhooks to process.
    Webhooks,
    /// Notifications to send.
    Notifications,
}

impl Work {
    pub const ALL: [Self; 2] = [Self::Webhooks, Self::Notifications];

    /// The name of the table, which is also the name of the queue.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Webhooks => "webhooks",
            Self::Notifications => "notifications",
        }
    }

    /// The name of the column with the id of a row.
    pub(crate) const fn id_column(self) -> &'static str {
        match self {
            Self::Webhooks => "webhook_id",
            Self::Notifications => "notification_id",
        }
    }
}

/// A leased row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leased {
    pub id: Uuid,
    /// The number of the attempt. If a later attempt was begun, the row no longer belongs to this one.
    pub attempt: i32,
}

/// Leases up to `limit` due rows until `until`, the ones that are due for the longest time first. Skips rows that
/// others hold.
pub async fn lease(
    store: &Store,
    work: Work,
    limit: u64,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Vec<Leased>> {
    let (table, key) = (work.name(), work.id_column());
    let due = format!("SELECT {key} FROM {table} WHERE due_at <= $2 ORDER BY due_at LIMIT $3");
    let sql = format!(
        "UPDATE {table} SET attempt = attempt + 1, due_at = $1 WHERE {key} {} RETURNING {key}, attempt",
        skip_locked_subquery(store, &due),
    );
    let values = [until.into(), now.into(), limit.into()];
    let statement = Statement::from_sql_and_values(store.backend(), sql, values);
    // A crash can undo a lease. Then the row is leased again. The work of a job is committed later, and that commit
    // makes the lease durable too.
    let tx = store.begin_relaxed().await?;
    let rows = tx.query_all_raw(statement).await?;
    let leased = rows
        .iter()
        .map(|row| Ok(Leased { id: row.try_get_by_index(0)?, attempt: row.try_get_by_index(1)? }))
        .collect::<Result<_>>();
    store.commit_repeatable(tx).await?;
    leased
}

/// What happens to a row after its job failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The row is due again at this time.
    Retry(DateTime<Utc>),
    /// The row is closed as failed.
    GiveUp,
}

/// Records a failure, if the row still belongs to this job; else returns `None`. `decide` gets the number of
/// failures, this one included, and says what happens next.
///
/// # Errors
/// [`Error::CommitUnknown`](crate::Error::CommitUnknown) if the failure may have been recorded. Do not call again
/// then: one failure would count as two.
pub async fn record_failure(
    store: &Store,
    work: Work,
    leased: Leased,
    failure: NewFailure<'_>,
    decide: impl FnOnce(i32) -> Next + Send,
) -> Result<Option<Next>> {
    let tx = store.begin().await?;
    let next = record_failure_in(&tx, work, leased, failure, decide).await?;
    store.commit(tx).await?;
    Ok(next)
}

pub(crate) async fn record_failure_in(
    tx: &Tx,
    work: Work,
    leased: Leased,
    failure: NewFailure<'_>,
    decide: impl FnOnce(i32) -> Next,
) -> Result<Option<Next>> {
    let (table, key) = (work.name(), work.id_column());
    let backend = tx.get_database_backend();
    let count = format!(
        "UPDATE {table} SET failures = failures + 1, error = $1 \
         WHERE {key} = $2 AND attempt = $3 AND due_at IS NOT NULL RETURNING failures"
    );
    let values = [failure.error.into(), leased.id.into(), leased.attempt.into()];
    let Some(row) = tx.query_one_raw(Statement::from_sql_and_values(backend, count, values)).await? else {
        return Ok(None);
    };
    failures::insert(tx, work, leased, failure).await?;
    let next = decide(row.try_get_by_index(0)?);
    let (set, due): (_, Option<DateTime<Utc>>) = match next {
        Next::Retry(at) => ("due_at = $1", Some(at)),
        Next::GiveUp => ("due_at = $1, state = 'failed'", None),
    };
    let sql = format!("UPDATE {table} SET {set} WHERE {key} = $2");
    tx.execute_raw(Statement::from_sql_and_values(backend, sql, [due.into(), leased.id.into()])).await?;
    Ok(Some(next))
}

/// Makes leased rows due again at `at`, because they did not reach a job. A row that was settled or leased again
/// since stays as it is, and so does a notification whose job has begun.
pub async fn postpone(store: &Store, work: Work, leased: &[Leased], at: DateTime<Utc>) -> Result<()> {
    let tx = store.begin().await?;
    match work {
        Work::Webhooks => {
            let rows = leased.iter().map(|one| {
                let found = webhook::ActiveModel {
                    webhook_id: Set(one.id),
                    attempt: Set(one.attempt),
                    ..Default::default()
                };
                [found, webhook::ActiveModel { due_at: Set(Some(at)), ..Default::default() }]
            });
            dialect::update_rows(&tx, rows, "AND webhooks.due_at IS NOT NULL").await?;
        }
        Work::Notifications => {
            let rows = leased.iter().map(|one| {
                let found = notification::ActiveModel {
                    notification_id: Set(one.id),
                    attempt: Set(one.attempt),
                    ..Default::default()
                };
                [found, notification::ActiveModel { due_at: Set(Some(at)), ..Default::default() }]
            });
            let guard = "AND notifications.due_at IS NOT NULL AND notifications.opened < r.key_attempt";
            dialect::update_rows(&tx, rows, guard).await?;
        }
    }
    store.commit_repeatable(tx).await
}
