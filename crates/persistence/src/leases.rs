//! Rows that are work: a row is due while its `due_at` is not null.
//!
//! That one column is the delay, the lease and the retry schedule. The relay leases due rows; a job settles
//! or postpones them; a job that dies lets its lease run out.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, Set, Statement};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    dialect::{self, skip_locked_subquery},
    entity::{notification, webhook},
    error::Result,
    store::{Store, Tx},
};

/// A table whose rows are work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Work {
    /// Carriers' requests to be read.
    Webhooks,
    /// Messages to be sent.
    Notifications,
}

impl Work {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Webhooks, Self::Notifications];

    /// The table, which is also the queue's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Webhooks => "webhooks",
            Self::Notifications => "notifications",
        }
    }

    const fn key(self) -> &'static str {
        match self {
            Self::Webhooks => "webhook_id",
            Self::Notifications => "notification_id",
        }
    }
}

/// A row somebody has taken up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leased {
    /// The row.
    pub id: Uuid,
    /// Which attempt this is. A job for an older attempt finds the row no longer its own.
    pub attempt: i32,
}

/// Takes up to `limit` due rows until `until`, the longest due first, passing over what others hold.
pub async fn lease(
    store: &Store,
    work: Work,
    limit: u64,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Vec<Leased>> {
    let (table, key) = (work.name(), work.key());
    let due = format!("SELECT {key} FROM {table} WHERE due_at <= $2 ORDER BY due_at LIMIT $3");
    let sql = format!(
        "UPDATE {table} SET attempt = attempt + 1, due_at = $1 WHERE {key} {} RETURNING {key}, attempt",
        skip_locked_subquery(store, &due),
    );
    let values = [until.into(), now.into(), limit.into()];
    let statement = Statement::from_sql_and_values(store.backend(), sql, values);
    // A lease that a crash undoes is given anew. What a job does under it commits later, and carries it along.
    let tx = store.begin_relaxed().await?;
    let rows = tx.query_all_raw(statement).await?;
    let leased = rows
        .iter()
        .map(|row| Ok(Leased { id: row.try_get_by_index(0)?, attempt: row.try_get_by_index(1)? }))
        .collect::<Result<_>>();
    store.commit_repeatable(tx).await?;
    leased
}

/// What to do with a row whose job failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Do it again then.
    Retry(DateTime<Utc>),
    /// Never again: the row is closed as failed.
    GiveUp,
}

/// Writes down a failure, if the row is still this job's. `decide` gets the number of failures, this one
/// included.
///
/// # Errors
/// [`Error::CommitUnknown`](crate::Error::CommitUnknown) where it may have been written down: done again, one failure
/// would count as two.
pub async fn fail(
    store: &Store,
    work: Work,
    leased: Leased,
    error: &str,
    decide: impl FnOnce(i32) -> Next + Send,
) -> Result<Option<Next>> {
    let tx = store.begin().await?;
    let next = fail_in(&tx, work, leased, error, decide).await?;
    store.commit(tx).await?;
    Ok(next)
}

pub(crate) async fn fail_in(
    tx: &Tx,
    work: Work,
    leased: Leased,
    error: &str,
    decide: impl FnOnce(i32) -> Next,
) -> Result<Option<Next>> {
    let (table, key) = (work.name(), work.key());
    let backend = tx.get_database_backend();
    let count = format!(
        "UPDATE {table} SET failures = failures + 1, error = $1 \
         WHERE {key} = $2 AND attempt = $3 AND due_at IS NOT NULL RETURNING failures"
    );
    let values = [error.into(), leased.id.into(), leased.attempt.into()];
    let Some(row) = tx.query_one_raw(Statement::from_sql_and_values(backend, count, values)).await? else {
        return Ok(None);
    };
    let next = decide(row.try_get_by_index(0)?);
    let (set, due): (_, Option<DateTime<Utc>>) = match next {
        Next::Retry(at) => ("due_at = $1", Some(at)),
        Next::GiveUp => ("due_at = $1, state = 'failed'", None),
    };
    let sql = format!("UPDATE {table} SET {set} WHERE {key} = $2");
    tx.execute_raw(Statement::from_sql_and_values(backend, sql, [due.into(), leased.id.into()])).await?;
    Ok(Some(next))
}

/// Gives rows back that were leased and did not reach a job, to be taken up again then. One that reached a job
/// after all, and that the job has begun, stays that job's.
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
            dialect::update(&tx, rows, "AND webhooks.due_at IS NOT NULL").await?;
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
            dialect::update(&tx, rows, guard).await?;
        }
    }
    store.commit_repeatable(tx).await
}
