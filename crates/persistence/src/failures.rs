//! The failures of webhooks and notifications, as a list: a later failure does not replace an earlier one.
//!
//! 1. A failure is written in the transaction that decides what happens next:
//!    [`leases::record_failure`](crate::leases::record_failure) calls `insert`.
//! 2. Of each webhook and of each notification the newest [`KEPT`] failures are stored. A mail is retried for days, so
//!    without a limit one outage of the mail server would write hundreds of rows for each mail.
//! 3. `app::reads` reads them. An id without a failure is missing in the map.

use std::{collections::HashMap, hash::Hash};

use chrono::{DateTime, Utc};
use domain::{NotificationId, WebhookId};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Statement};
use uuid::Uuid;

use crate::{
    dialect::{self, is_one_of},
    entity::failure::{Column, Entity, Model},
    error::Result,
    leases::{Leased, Work},
    read::bounded::{at_most, one_more},
    store::{Store, Tx},
};

/// The most failures that are stored of one webhook or notification.
pub const KEPT: usize = 20;

/// A failure to record.
#[derive(Clone, Copy, Debug)]
pub struct NewFailure<'a> {
    /// When the attempt failed, by our clock.
    pub at: DateTime<Utc>,
    /// What went wrong, for people.
    pub error: &'a str,
    /// Whether another attempt could succeed.
    pub retryable: bool,
}

/// A failed attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The number of the attempt.
    pub attempt: i32,
    /// When it failed, by our clock.
    pub at: DateTime<Utc>,
    /// What went wrong, for people.
    pub error: String,
    /// Whether another attempt could succeed.
    pub retryable: bool,
}

/// Stores the failure of an attempt, and deletes failures beyond the newest [`KEPT`].
pub(crate) async fn insert(tx: &Tx, work: Work, leased: Leased, failure: NewFailure<'_>) -> Result<()> {
    let (webhook_id, notification_id) = match work {
        Work::Webhooks => (Some(leased.id), None),
        Work::Notifications => (None, Some(leased.id)),
    };
    let row = Model {
        // Assigned by the database.
        failure_id: 0,
        webhook_id,
        notification_id,
        attempt: leased.attempt,
        failed_at: failure.at,
        error: failure.error.to_owned(),
        retryable: failure.retryable,
    };
    dialect::insert_rows(tx, [row], "").await?;
    let key = work.id_column();
    // SQLite takes an offset only behind a limit.
    let sql = format!(
        "DELETE FROM failures WHERE failure_id IN ( \
           SELECT failure_id FROM failures WHERE {key} = $1 ORDER BY failure_id DESC LIMIT 1000 OFFSET {KEPT})"
    );
    let delete = Statement::from_sql_and_values(tx.get_database_backend(), sql, [leased.id.into()]);
    tx.execute_raw(delete).await?;
    Ok(())
}

/// The failures of many webhooks, newest first.
///
/// # Errors
/// [`Error::TooManyRows`](crate::Error::TooManyRows) if there are more than `most`.
pub async fn failures_of_webhooks(
    store: &Store,
    ids: &[WebhookId],
    most: u64,
) -> Result<HashMap<WebhookId, Vec<Failure>>> {
    let ids = ids.iter().map(|id| id.0);
    read_failures(store, Column::WebhookId, ids, most, |row| row.webhook_id.map(WebhookId)).await
}

/// The failures of many notifications, newest first.
///
/// # Errors
/// [`Error::TooManyRows`](crate::Error::TooManyRows) if there are more than `most`.
pub async fn failures_of_notifications(
    store: &Store,
    ids: &[NotificationId],
    most: u64,
) -> Result<HashMap<NotificationId, Vec<Failure>>> {
    let ids = ids.iter().map(|id| id.0);
    read_failures(store, Column::NotificationId, ids, most, |row| row.notification_id.map(NotificationId))
        .await
}

async fn read_failures<K: Eq + Hash>(
    store: &Store,
    column: Column,
    ids: impl Iterator<Item = Uuid>,
    most: u64,
    key: impl Fn(&Model) -> Option<K>,
) -> Result<HashMap<K, Vec<Failure>>> {
    let rows = Entity::find()
        .filter(column.is_not_null())
        .filter(is_one_of(store.backend(), column, ids))
        .order_by_desc(Column::FailureId)
        .limit(one_more(Some(most)))
        .all(store.reader())
        .await?;
    let mut found: HashMap<K, Vec<Failure>> = HashMap::new();
    for row in at_most("failures", rows, Some(most))? {
        if let Some(key) = key(&row) {
            let Model { attempt, failed_at: at, error, retryable, .. } = row;
            found.entry(key).or_default().push(Failure { attempt, at, error, retryable });
        }
    }
    Ok(found)
}
