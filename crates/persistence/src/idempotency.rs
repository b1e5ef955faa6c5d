//! The answers given to requests that carried a key, so that the same request again gets the same answer.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::{OrderId, ShipmentId};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use crate::{
    dialect::{self, is_one_of_texts},
    entity::idempotency_key,
    error::Result,
    store::{Store, Tx},
};

/// Whose key, and which.
pub type ScopedKey = (String, String);

/// An answer to be given again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAnswer {
    /// A hash of what was asked: another question under the same key is refused.
    pub fingerprint: [u8; 32],
    /// The order it was about.
    pub order_id: OrderId,
    /// The shipment it was about.
    pub shipment_id: Option<ShipmentId>,
    /// The version of the event it made.
    pub version: Option<i32>,
    /// Whether it changed anything.
    pub changed: bool,
}

/// The answers kept under these keys.
pub async fn find_answers(tx: &Tx, keys: &[ScopedKey]) -> Result<HashMap<ScopedKey, StoredAnswer>> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let names: Vec<&str> = keys.iter().map(|(_, key)| key.as_str()).collect();
    let mut actors: Vec<&str> = keys.iter().map(|(actor, _)| actor.as_str()).collect();
    actors.sort_unstable();
    actors.dedup();
    let backend = tx.get_database_backend();
    let rows = idempotency_key::Entity::find()
        .filter(is_one_of_texts(backend, idempotency_key::Column::Actor, &actors))
        .filter(is_one_of_texts(backend, idempotency_key::Column::Key, &names))
        .all(tx)
        .await?;
    let answers = rows.into_iter().map(|row| {
        let key = (row.actor.clone(), row.key.clone());
        Ok((key, StoredAnswer::try_from(row)?))
    });
    answers.collect()
}

/// Keeps answers. A key that somebody else has taken meanwhile is a unique violation: do the work again and
/// find their answer.
pub async fn insert(tx: &Tx, answers: &[(ScopedKey, StoredAnswer)], now: DateTime<Utc>) -> Result<()> {
    let rows = answers.iter().map(|((actor, key), answer)| idempotency_key::Model {
        actor: actor.clone(),
        key: key.clone(),
        fingerprint: answer.fingerprint.to_vec(),
        order_id: answer.order_id.0,
        shipment_id: answer.shipment_id.map(|id| id.0),
        version: answer.version,
        changed: answer.changed,
        created_at: now,
    });
    dialect::insert(tx, rows, "").await?;
    Ok(())
}

/// Forgets answers older than this. Returns how many.
pub async fn delete_before(store: &Store, before: DateTime<Utc>) -> Result<u64> {
    let tx = store.begin().await?;
    let done = idempotency_key::Entity::delete_many()
        .filter(idempotency_key::Column::CreatedAt.lt(before))
        .exec(&tx)
        .await?;
    store.commit_repeatable(tx).await?;
    Ok(done.rows_affected)
}
