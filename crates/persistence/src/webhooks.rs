//! The inbox: every request of a carrier with a good signature, as it came, once per content.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use domain::{WebhookId, WebhookState};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set,
    sea_query::{Expr, ExprTrait},
};
use uuid::Uuid;

pub use requeue::{lock, requeue, requeue_for_numbers, requeue_matched, requeue_processed};

use crate::{
    dialect::{self, is_one_of},
    entity::{webhook, webhook_wait},
    error::Result,
    leases::Leased,
    mapping,
    shipments::Number,
    store::{Store, Tx},
};

mod requeue;

/// A request of a carrier, as it is kept.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// Everything but its body.
    pub head: WebhookHead,
    /// The body, byte for byte.
    pub body: Vec<u8>,
}

/// A request of a carrier as it is listed: everything but its body, which may have megabytes.
#[derive(Clone, Debug)]
pub struct WebhookHead {
    /// Its id.
    pub id: WebhookId,
    /// Who sent it: `fedex`, `ups`.
    pub sender: String,
    /// The HTTP request it came with.
    pub request_id: Option<String>,
    /// When it came, by our clock.
    pub received_at: DateTime<Utc>,
    /// What has become of it.
    pub state: WebhookState,
    /// Why, where the state alone does not say. There is one from the first time on that it was settled.
    pub reason: Option<String>,
    /// The latest failure.
    pub error: Option<String>,
    /// How often it was taken up.
    pub attempt: i32,
    /// How often that failed.
    pub failures: i32,
    /// How often the same content came again.
    pub duplicates: i32,
}

/// A request to be kept.
#[derive(Clone, Debug)]
pub struct NewWebhook {
    /// The id it will have, unless the content is there already.
    pub id: WebhookId,
    /// Who sent it.
    pub sender: &'static str,
    /// What makes its content the same: a hash of the body, or of the sender's own id for the push.
    pub content_hash: [u8; 32],
    /// The body, byte for byte.
    pub body: Vec<u8>,
    /// The HTTP request it came with.
    pub request_id: Option<String>,
    /// When it came.
    pub received_at: DateTime<Utc>,
    /// How often the same content came beside it in one batch.
    pub duplicates: u32,
}

/// Keeps requests, each content once, due at once. Contents in one call must differ.
pub async fn insert(store: &Store, new: &[NewWebhook]) -> Result<()> {
    let mut new: Vec<_> = new.iter().collect();
    // In one order everywhere: two batches with the same contents must not wait for each other.
    new.sort_by_key(|webhook| webhook.content_hash);
    let rows = new.into_iter().map(|webhook| webhook::Model {
        webhook_id: webhook.id.0,
        sender: webhook.sender.to_owned(),
        content_hash: webhook.content_hash.to_vec(),
        body: webhook.body.clone(),
        request_id: webhook.request_id.clone(),
        received_at: webhook.received_at,
        state: WebhookState::Pending.as_str().to_owned(),
        reason: None,
        error: None,
        attempt: 0,
        failures: 0,
        duplicates: webhook.duplicates as i32,
        calls: 0,
        due_at: Some(webhook.received_at),
    });
    let again = "ON CONFLICT (sender, content_hash) \
                 DO UPDATE SET duplicates = webhooks.duplicates + 1 + excluded.duplicates";
    let tx = store.begin().await?;
    dialect::insert(&tx, rows, again).await?;
    // Kept twice it is kept once, and counted as if it had come again, as it would be if its sender were told to try
    // again.
    store.commit_repeatable(tx).await
}

/// How many of these webhooks, from the first one on, have bodies of at most so many bytes together. At least one.
pub async fn count_within_bytes(db: &impl ConnectionTrait, ids: &[Uuid], most_bytes: usize) -> Result<usize> {
    if ids.len() < 2 {
        return Ok(ids.len());
    }
    let sizes = sizes(db, ids).await?;
    Ok(count_within(ids.iter().map(|id| sizes.get(id).copied().unwrap_or_default()), most_bytes))
}

/// How many bytes the bodies of these webhooks have.
pub(crate) async fn sizes(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<HashMap<Uuid, i64>> {
    let sizes = webhook::Entity::find()
        .select_only()
        .column(webhook::Column::WebhookId)
        .column_as(Expr::cust(BYTES), "bytes")
        .filter(is_one_of(db.get_database_backend(), webhook::Column::WebhookId, ids.iter().copied()))
        .into_tuple::<(Uuid, i64)>()
        .all(db)
        .await?;
    Ok(sizes.into_iter().collect())
}

/// The size of a body. Neither database reads the body for it.
pub(crate) const BYTES: &str = "CAST(length(body) AS bigint)";

/// How many of these sizes, from the first one on, make up so many bytes at most. At least one, where there is one.
pub(crate) fn count_within(sizes: impl Iterator<Item = i64>, most_bytes: usize) -> usize {
    let mut left = i64::try_from(most_bytes).unwrap_or(i64::MAX);
    let fits = |(at, size): &(usize, i64)| {
        left = left.saturating_sub(*size);
        left >= 0 || *at == 0
    };
    sizes.enumerate().take_while(fits).count()
}

/// Counts a call to a webhook's sender before it is made. Returns whether it may be made: the webhook is still this job's,
/// and was called less than `most` times.
///
/// # Errors
/// After [`Error::CommitUnknown`](crate::Error::CommitUnknown) the call may be counted, and is not made.
pub async fn begin_call(store: &Store, leased: Leased, most: i32) -> Result<bool> {
    use webhook::Column;
    let tx = store.begin().await?;
    let counted = webhook::Entity::update_many()
        .col_expr(Column::Calls, Expr::col(Column::Calls).add(1))
        .filter(Column::WebhookId.eq(leased.id))
        .filter(Column::Attempt.eq(leased.attempt))
        .filter(Column::DueAt.is_not_null())
        .filter(Column::Calls.lt(most))
        .exec(&tx)
        .await?;
    store.commit(tx).await?;
    Ok(counted.rows_affected > 0)
}

/// The webhooks of a job that are still its to do, locked: leased with that attempt and not settled since.
pub async fn open(tx: &Tx, leased: &[Leased]) -> Result<Vec<Webhook>> {
    let attempts: HashMap<Uuid, i32> = leased.iter().map(|one| (one.id, one.attempt)).collect();
    let rows = webhook::Entity::find()
        .filter(is_one_of(tx.get_database_backend(), webhook::Column::WebhookId, attempts.keys().copied()))
        .filter(webhook::Column::DueAt.is_not_null())
        // In the order in which they are inserted, so that nobody waits in a circle.
        .order_by_asc(webhook::Column::ContentHash)
        .lock_exclusive()
        .all(tx)
        .await?;
    let ours = rows.into_iter().filter(|row| attempts.get(&row.webhook_id) == Some(&row.attempt));
    ours.map(Webhook::try_from).collect()
}

/// What a webhook came to.
#[derive(Clone, Debug)]
pub struct Settled {
    /// Which.
    pub id: WebhookId,
    /// What has become of it.
    pub state: WebhookState,
    /// Why, for people.
    pub reason: Option<String>,
    /// The numbers it waits for.
    pub waits_for: Vec<Number>,
}

/// Closes webhooks. Those that wait for a number are found again by [`requeue_for_numbers`].
pub async fn settle(tx: &Tx, settled: &[Settled]) -> Result<()> {
    if settled.is_empty() {
        return Ok(());
    }
    let rows = settled.iter().map(|one| {
        let new = webhook::ActiveModel {
            state: Set(one.state.as_str().to_owned()),
            reason: Set(one.reason.clone()),
            error: Set(None),
            due_at: Set(None),
            ..Default::default()
        };
        [webhook::ActiveModel { webhook_id: Set(one.id.0), ..Default::default() }, new]
    });
    dialect::update(tx, rows, "").await?;
    webhook_wait::Entity::delete_many()
        .filter(is_one_of(
            tx.get_database_backend(),
            webhook_wait::Column::WebhookId,
            settled.iter().map(|one| one.id.0),
        ))
        .exec(tx)
        .await?;
    let waits = settled.iter().flat_map(|one| {
        one.waits_for.iter().map(|(carrier, number)| webhook_wait::Model {
            carrier: carrier.as_str().to_owned(),
            tracking_number: number.clone(),
            webhook_id: one.id.0,
        })
    });
    dialect::insert(tx, waits, "ON CONFLICT DO NOTHING").await?;
    Ok(())
}

/// The numbers that these webhooks waited for when they were last settled.
pub async fn find_waits(tx: &Tx, ids: &[WebhookId]) -> Result<HashSet<(WebhookId, Number)>> {
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let of_these =
        is_one_of(tx.get_database_backend(), webhook_wait::Column::WebhookId, ids.iter().map(|id| id.0));
    let rows = webhook_wait::Entity::find().filter(of_these).all(tx).await?;
    let wait = |row: webhook_wait::Model| {
        let id = WebhookId(row.webhook_id);
        let row_name = format_args!("of webhook {id}");
        Ok((id, mapping::parse_number("webhook_waits", &row_name, &row.carrier, row.tracking_number)?))
    };
    rows.into_iter().map(wait).collect()
}
