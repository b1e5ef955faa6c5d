//! Reads the inbox, for support: stored webhooks, and the codes that are unknown.
//!
//! - `app::reads::webhooks` reads pages, counts, sizes and bodies. `build_query` is the condition of a filter.
//! - `app::webhooks::replay` reads webhooks with their bodies, in parts that fit into memory: `webhooks_after`
//!   continues behind a key, and an empty list is the end. `count_webhooks_within_bytes` says how many ids can be read
//!   next: never 0, unless there are none.
//! - `app::webhooks::reprocess_unknown` lists unknown codes and finds the webhooks of one. Manual scans have no webhook
//!   and are not counted.
//! - `app::webhooks` reads one webhook after it made it due.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashMap},
};

use chrono::{DateTime, Utc};
use domain::{ScanIdentity, WebhookId, WebhookState};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QueryResult,
    QuerySelect, QueryTrait, Select, Statement,
    sea_query::{Expr, ExprTrait},
};
use uuid::Uuid;

use super::page::{Key, Page, PageRequest, fetch_part};
use crate::{
    Result, Store,
    dialect::is_one_of,
    entity::webhook,
    mapping,
    webhooks::{BYTES, Webhook, WebhookHead, count_within, count_within_bytes, read_sizes},
};

/// Selects webhooks. Every field that is set must match.
#[derive(Clone, Debug, Default)]
pub struct WebhookFilter {
    /// The name of the sender: `fedex`, `ups`.
    pub sender: Option<String>,
    /// The webhook has one of these states. Empty: any state.
    pub states: BTreeSet<WebhookState>,
    /// The webhook was received then or later.
    pub since: Option<DateTime<Utc>>,
    /// The webhook was received before then.
    pub until: Option<DateTime<Utc>>,
}

fn build_query(filter: &WebhookFilter) -> Select<webhook::Entity> {
    use webhook::Column;
    let states = filter.states.iter().map(|state| state.as_str());
    webhook::Entity::find()
        .apply_if(filter.sender.as_deref(), |query, sender| query.filter(Column::Sender.eq(sender)))
        .apply_if((!filter.states.is_empty()).then_some(states), |query, states| {
            query.filter(Column::State.is_in(states))
        })
        .apply_if(filter.since, |query, at| query.filter(Column::ReceivedAt.gte(at)))
        .apply_if(filter.until, |query, at| query.filter(Column::ReceivedAt.lt(at)))
}

/// A page of the inbox, newest first.
pub async fn webhooks_page(
    store: &Store,
    filter: &WebhookFilter,
    page: &PageRequest<Uuid>,
) -> Result<Page<WebhookHead>> {
    let key = (webhook::Column::ReceivedAt, webhook::Column::WebhookId);
    let page: Page<webhook::Head> = fetch_part(build_query(filter), key, page, store.reader()).await?;
    page.try_map(WebhookHead::try_from)
}

/// The webhooks behind `after`, newest first: at most `limit`, and only as many as have bodies of at most
/// `most_bytes` together. At least one, if there is one.
pub async fn webhooks_after(
    store: &Store,
    filter: &WebhookFilter,
    after: Option<Key<Uuid>>,
    limit: u64,
    most_bytes: usize,
) -> Result<Vec<Webhook>> {
    use webhook::Column;
    let place = Expr::tuple([Column::ReceivedAt, Column::WebhookId].map(Expr::col));
    let sizes: Vec<(Uuid, i64)> = build_query(filter)
        .apply_if(after, |query, Key { at, id }| {
            query.filter(place.lt(Expr::tuple([Expr::value(at), Expr::value(id)])))
        })
        .select_only()
        .column(Column::WebhookId)
        .column_as(Expr::cust(BYTES), "bytes")
        .order_by_desc(Column::ReceivedAt)
        .order_by_desc(Column::WebhookId)
        .limit(limit)
        .into_tuple()
        .all(store.reader())
        .await?;
    let count_within_bytes = count_within(sizes.iter().map(|(_, size)| *size), most_bytes);
    let ids: Vec<WebhookId> = sizes[..count_within_bytes].iter().map(|(id, _)| WebhookId(*id)).collect();
    let mut webhooks = read_webhooks(store, &ids).await?;
    webhooks.sort_by_key(|webhook| Reverse((webhook.head.received_at, webhook.head.id)));
    Ok(webhooks)
}

/// The number of webhooks that match.
pub async fn webhooks_count(store: &Store, filter: &WebhookFilter) -> Result<u64> {
    Ok(build_query(filter).count(store.reader()).await?)
}

/// A code without a known meaning, and how often it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownCode {
    /// The name of the sender.
    pub sender: String,
    /// The code, as the latest scan spells it.
    pub code: String,
    /// The description of the latest scan.
    pub description: Option<String>,
    /// The number of scans with this code. A repeated scan counts once.
    pub scans: i64,
    /// When the first of them was recorded, by our clock.
    pub first_at: DateTime<Utc>,
    /// When the latest of them was recorded, by our clock.
    pub latest_at: DateTime<Utc>,
    /// The webhook that brought the latest scan.
    pub webhook_id: WebhookId,
    /// The identity of the latest scan.
    pub identity: ScanIdentity,
}

/// The scans with an unknown meaning, named `s`, and their webhooks, named `w`. A scan is left out if a newer
/// shipment with the same number has it too, because it counts there.
const UNKNOWN: &str = "FROM scans s JOIN webhooks w ON w.webhook_id = s.webhook_id \
    WHERE s.meaning = 'unknown' AND NOT EXISTS ( \
      SELECT 1 FROM shipment_numbers o \
      JOIN shipment_numbers n ON n.carrier = o.carrier AND n.tracking_number = o.tracking_number \
      JOIN scans c ON c.shipment_id = n.shipment_id AND c.identity = s.identity \
      WHERE o.shipment_id = s.shipment_id \
      AND (n.added_at, n.shipment_id) > (o.added_at, o.shipment_id))";

/// Which spellings of a code are the same code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// Each spelling is a code of its own.
    AsSent,
    /// Spellings that differ only in the case of ASCII letters are one code, as in the setting that maps codes.
    AnyCase,
}

impl Spelling {
    /// The SQL expression that is the same for all spellings of a code. The scans are named `s`.
    fn code_sql(self, store: &Store) -> &'static str {
        match self {
            Self::AsSent => "s.code",
            // With this collation PostgreSQL changes ASCII letters only, as SQLite does.
            Self::AnyCase if store.is_postgres() => "upper(s.code COLLATE \"C\")",
            Self::AnyCase => "upper(s.code)",
        }
    }
}

/// The unknown codes, the most frequent first, at most `most`.
pub async fn unknown_codes(store: &Store, spelling: Spelling, most: u32) -> Result<Vec<UnknownCode>> {
    let of_code = spelling.code_sql(store);
    // The newest scan of each code gives the description and the webhook.
    let sql = format!(
        "SELECT sender, code, description, scans, first_at, recorded_at, webhook_id, identity FROM ( \
           SELECT w.sender, s.code, s.description, s.recorded_at, s.webhook_id, s.identity, \
             count(*) OVER of_code AS scans, min(s.recorded_at) OVER of_code AS first_at, \
             row_number() OVER (PARTITION BY w.sender, {of_code} ORDER BY s.recorded_at DESC, s.scan_id) AS at \
           {UNKNOWN} WINDOW of_code AS (PARTITION BY w.sender, {of_code})) one \
         WHERE at = 1 ORDER BY scans DESC, sender, code LIMIT $1"
    );
    let statement = Statement::from_sql_and_values(store.backend(), sql, [most.into()]);
    let rows = store.reader().query_all_raw(statement).await?;
    let read = |row: &QueryResult| {
        let webhook_id: Uuid = row.try_get_by_index(6)?;
        Ok(UnknownCode {
            sender: row.try_get_by_index(0)?,
            code: row.try_get_by_index(1)?,
            description: row.try_get_by_index(2)?,
            scans: row.try_get_by_index(3)?,
            first_at: row.try_get_by_index(4)?,
            latest_at: row.try_get_by_index(5)?,
            webhook_id: WebhookId(webhook_id),
            identity: mapping::parse_identity(
                &format_args!("of webhook {webhook_id}"),
                row.try_get_by_index(7)?,
            )?,
        })
    };
    rows.iter().map(read).collect()
}

/// The webhooks of the scans with this unknown code.
pub async fn webhooks_with_unknown(store: &Store, sender: &str, code: &str) -> Result<Vec<WebhookId>> {
    let sql = format!("SELECT DISTINCT s.webhook_id {UNKNOWN} AND s.code = $1 AND w.sender = $2");
    let statement = Statement::from_sql_and_values(store.backend(), sql, [code.into(), sender.into()]);
    let rows = store.reader().query_all_raw(statement).await?;
    rows.iter().map(|row| Ok(WebhookId(row.try_get_by_index(0)?))).collect()
}

/// Returns how many of these webhooks, from the first one on, have bodies of at most `most_bytes` together. At least
/// one, if there is one.
pub async fn count_webhooks_within_bytes(
    store: &Store,
    ids: &[WebhookId],
    most_bytes: usize,
) -> Result<usize> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    count_within_bytes(store.reader(), &ids, most_bytes).await
}

/// Many webhooks, by id, with their bodies. Unknown ids are left out.
pub async fn read_webhooks(store: &Store, ids: &[WebhookId]) -> Result<Vec<Webhook>> {
    let rows = webhook::Entity::find()
        .filter(is_one_of(store.backend(), webhook::Column::WebhookId, ids.iter().map(|id| id.0)))
        .all(store.reader())
        .await?;
    rows.into_iter().map(Webhook::try_from).collect()
}

/// One webhook, without its body.
pub async fn read_webhook(store: &Store, id: WebhookId) -> Result<Option<WebhookHead>> {
    let row = webhook::Entity::find_by_id(id.0).into_partial_model::<webhook::Head>().one(store.reader());
    row.await?.map(WebhookHead::try_from).transpose()
}

/// The sum of the sizes of these webhooks' bodies, in bytes. Does not read the bodies.
pub async fn webhook_bytes(store: &Store, ids: &[WebhookId]) -> Result<usize> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let sizes = read_sizes(store.reader(), &ids).await?;
    Ok(usize::try_from(sizes.values().sum::<i64>()).unwrap_or(usize::MAX))
}

/// The bodies of many webhooks, byte for byte.
pub async fn webhook_bodies(store: &Store, ids: &[WebhookId]) -> Result<HashMap<WebhookId, Vec<u8>>> {
    let bodies = webhook::Entity::find()
        .select_only()
        .columns([webhook::Column::WebhookId, webhook::Column::Body])
        .filter(is_one_of(store.backend(), webhook::Column::WebhookId, ids.iter().map(|id| id.0)))
        .into_tuple::<(Uuid, Vec<u8>)>()
        .all(store.reader())
        .await?;
    Ok(bodies.into_iter().map(|(id, body)| (WebhookId(id), body)).collect())
}
