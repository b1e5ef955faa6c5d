//! The inbox: stores each webhook with a good signature, byte for byte and once per content, and records what became of
//! it. A webhook belongs to the job that leased it, until it is settled or leased again; the functions with [`Leased`]
//! check that, and leave out or answer `false` for one that belongs to another attempt.
//!
//! 1. `app::webhooks` inserts what senders push.
//! 2. `app::webhooks::process` counts how many bodies fit into memory, locks and loads those, and settles them in the
//!    same transaction. A webhook with very many parcels is locked alone, without its body (`lock_leased`).
//! 3. `settle` sets the state and its reason, ends the lease, and writes for which numbers the webhook waits. An
//!    earlier failure is cleared. `find_waits` reads the numbers of webhooks that are processed again.
//! 4. `app::webhooks::callback` counts calls to a sender: `false` also after the last permitted call.
//! 5. `was_settled` is true for a webhook with a reason. The reason stays when the webhook is requeued.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use domain::{TrackingNumber, WebhookId, WebhookState, ingest::SettledWebhook};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set,
    sea_query::{Expr, ExprTrait},
};
use uuid::Uuid;

pub use requeue::{
    lock_webhooks, requeue_for_numbers, requeue_missed_waits, requeue_processed, requeue_webhooks,
};

use crate::{
    dialect::{self, is_one_of},
    entity::{webhook, webhook_wait},
    error::Result,
    leases::Leased,
    mapping,
    store::{Store, Tx},
};

mod requeue;

/// A stored webhook.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// Everything but its body.
    pub head: WebhookHead,
    /// The body, byte for byte.
    pub body: Vec<u8>,
}

/// A stored webhook without its body, for lists. A body can have megabytes.
#[derive(Clone, Debug)]
pub struct WebhookHead {
    pub id: WebhookId,
    /// The name of the sender: `fedex`, `ups`.
    pub sender: String,
    /// The id of the HTTP request that brought it.
    pub request_id: Option<String>,
    /// When it was received, by our clock.
    pub received_at: DateTime<Utc>,
    pub state: WebhookState,
    /// Why it has this state, for people. It stays while the webhook is due again.
    pub reason: Option<String>,
    /// The latest failure, for people.
    pub error: Option<String>,
    /// How often it was leased.
    pub attempt: i32,
    /// How often processing failed since it was last requeued.
    pub failures: i32,
    /// How often the same content came again.
    pub duplicates: i32,
    /// When it came again for the last time.
    pub came_again_at: Option<DateTime<Utc>>,
}

impl WebhookHead {
    /// Whether it was settled before, also if it is due again.
    pub const fn was_settled(&self) -> bool {
        self.reason.is_some()
    }
}

/// A webhook to store.
#[derive(Clone, Debug)]
pub struct NewWebhook {
    /// The id that it gets, unless its content is stored already.
    pub id: WebhookId,
    /// The name of the sender.
    pub sender: &'static str,
    /// A hash of the body, or of the sender's own id for the push. Webhooks of one sender with the same hash have the
    /// same content.
    pub content_hash: [u8; 32],
    /// The body, byte for byte.
    pub body: Vec<u8>,
    /// The id of the HTTP request that brought it.
    pub request_id: Option<String>,
    /// When it was received, by our clock.
    pub received_at: DateTime<Utc>,
    /// How often the same content came again in the same batch.
    pub duplicates: u32,
}

/// Stores webhooks and makes them due at once. If a content is stored already, its number of duplicates grows
/// instead; if it says an estimate that counts from its receipt, and was processed, it is due again. The contents in one
/// call must differ.
pub async fn insert(store: &Store, new: &[NewWebhook]) -> Result<()> {
    let mut new: Vec<_> = new.iter().collect();
    // Every batch inserts in the sequence of the hashes. Else two batches with the same contents could wait for each
    // other.
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
        says_estimate: false,
        came_again_at: None,
    });
    let again = "ON CONFLICT (sender, content_hash) \
                 DO UPDATE SET duplicates = webhooks.duplicates + 1 + excluded.duplicates, \
                 came_again_at = excluded.received_at, \
                 state = CASE WHEN webhooks.says_estimate AND webhooks.state = 'processed' \
                   THEN excluded.state ELSE webhooks.state END, \
                 due_at = CASE WHEN webhooks.says_estimate AND webhooks.state = 'processed' \
                   THEN excluded.due_at ELSE webhooks.due_at END";
    let tx = store.begin().await?;
    dialect::insert_rows(&tx, rows, again).await?;
    // The caller repeats the insert after a lost connection. If the first one was committed, the number of duplicates
    // is one too high, as when a sender that got no answer sends again.
    store.commit_repeatable(tx).await
}

/// Returns how many of these webhooks, from the first one on, have bodies of at most `most_bytes` together. At least
/// one, if there is one.
pub async fn count_within_bytes(db: &impl ConnectionTrait, ids: &[Uuid], most_bytes: usize) -> Result<usize> {
    if ids.len() < 2 {
        return Ok(ids.len());
    }
    let sizes = read_sizes(db, ids).await?;
    Ok(count_within(ids.iter().map(|id| sizes.get(id).copied().unwrap_or_default()), most_bytes))
}

/// The sizes of the bodies of these webhooks, in bytes.
pub(crate) async fn read_sizes(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<HashMap<Uuid, i64>> {
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

/// The size of a body, in SQL. Neither database reads the body for it.
pub(crate) const BYTES: &str = "CAST(length(body) AS bigint)";

/// Returns how many of these sizes, from the first one on, have a sum of at most `most_bytes`. At least one, if there
/// is one.
pub(crate) fn count_within(sizes: impl Iterator<Item = i64>, most_bytes: usize) -> usize {
    let mut left = i64::try_from(most_bytes).unwrap_or(i64::MAX);
    let fits = |(at, size): &(usize, i64)| {
        left = left.saturating_sub(*size);
        left >= 0 || *at == 0
    };
    sizes.enumerate().take_while(fits).count()
}

/// Counts a call to a webhook's sender before the call is made. Returns whether it may be made: the webhook must
/// still belong to this job, and fewer than `most` calls may have been made.
///
/// # Errors
/// After [`Error::CommitUnknown`](crate::Error::CommitUnknown) the call may be counted, and must not be made.
pub async fn count_call(store: &Store, leased: Leased, most: i32) -> Result<bool> {
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

/// Locks and returns those webhooks of a job that still belong to it: leased with this attempt, and not settled
/// since.
pub async fn lock_and_load_leased(tx: &Tx, leased: &[Leased]) -> Result<Vec<Webhook>> {
    let attempts: HashMap<Uuid, i32> = leased.iter().map(|one| (one.id, one.attempt)).collect();
    let rows = webhook::Entity::find()
        .filter(is_one_of(tx.get_database_backend(), webhook::Column::WebhookId, attempts.keys().copied()))
        .filter(webhook::Column::DueAt.is_not_null())
        // In the sequence in which webhooks are inserted, so that two transactions cannot wait for each other.
        .order_by_asc(webhook::Column::ContentHash)
        .lock_exclusive()
        .all(tx)
        .await?;
    let ours = rows.into_iter().filter(|row| attempts.get(&row.webhook_id) == Some(&row.attempt));
    ours.map(Webhook::try_from).collect()
}

/// Locks a webhook whose body is in memory already, which may have megabytes. Returns whether it still belongs to the
/// job, see [`lock_and_load_leased`].
pub async fn lock_leased(tx: &Tx, leased: Leased) -> Result<bool> {
    let row = webhook::Entity::find_by_id(leased.id)
        .select_only()
        .column(webhook::Column::WebhookId)
        .filter(webhook::Column::Attempt.eq(leased.attempt))
        .filter(webhook::Column::DueAt.is_not_null())
        .lock_exclusive()
        .into_tuple::<Uuid>()
        .one(tx)
        .await?;
    Ok(row.is_some())
}

/// Records the results of webhooks and ends their leases. [`requeue_for_numbers`] finds those that wait for a number.
pub async fn settle(tx: &Tx, settled: &[SettledWebhook]) -> Result<()> {
    if settled.is_empty() {
        return Ok(());
    }
    let rows = settled.iter().map(|one| {
        let new = webhook::ActiveModel {
            state: Set(one.state.as_str().to_owned()),
            reason: Set(Some(one.reason.clone())),
            error: Set(None),
            due_at: Set(None),
            says_estimate: Set(one.says_estimate),
            ..Default::default()
        };
        [webhook::ActiveModel { webhook_id: Set(one.id.0), ..Default::default() }, new]
    });
    dialect::update_rows(tx, rows, "").await?;
    webhook_wait::Entity::delete_many()
        .filter(is_one_of(
            tx.get_database_backend(),
            webhook_wait::Column::WebhookId,
            settled.iter().map(|one| one.id.0),
        ))
        .exec(tx)
        .await?;
    dialect::insert_rows(tx, to_wait_rows(settled), "ON CONFLICT DO NOTHING").await?;
    Ok(())
}

/// The numbers for which the webhooks wait: first the main ones. A number can be the main number of one parcel and a
/// further one of another parcel; then the first row counts.
fn to_wait_rows(settled: &[SettledWebhook]) -> Vec<webhook_wait::Model> {
    let (mut main, mut further) = (Vec::new(), Vec::new());
    for one in settled {
        for (number, others) in &one.waits_for {
            let row = |text: &str, is_further| webhook_wait::Model {
                carrier: number.carrier().as_str().to_owned(),
                tracking_number: text.to_owned(),
                webhook_id: one.id.0,
                is_further,
            };
            main.push(row(number, false));
            further.extend(others.iter().map(|other| row(other, true)));
        }
    }
    main.extend(further);
    main
}

/// The tracking numbers for which these webhooks waited when they were last settled, without the further numbers of
/// their parcels.
pub async fn find_waits(tx: &Tx, ids: &[WebhookId]) -> Result<HashSet<(WebhookId, TrackingNumber)>> {
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let of_these =
        is_one_of(tx.get_database_backend(), webhook_wait::Column::WebhookId, ids.iter().map(|id| id.0));
    let rows = webhook_wait::Entity::find()
        .filter(of_these)
        .filter(webhook_wait::Column::IsFurther.eq(false))
        .all(tx)
        .await?;
    let wait = |row: webhook_wait::Model| {
        let id = WebhookId(row.webhook_id);
        let row_name = format_args!("of webhook {id}");
        Ok((id, mapping::parse_number("webhook_waits", &row_name, &row.carrier, row.tracking_number)?))
    };
    rows.into_iter().map(wait).collect()
}
