//! Idempotency keys: stores the answers to requests with a key, so that a repeat of the request gets the first answer.
//!
//! 1. `app::orders` and `app::notifications::resend` look for an answer before they do the work. A key that is missing
//!    in the map is new.
//! 2. They insert the answer in the transaction of the work. If another transaction has inserted the key meanwhile, the
//!    insert fails with a unique violation, and the work begins again.
//! 3. `app::orders::idempotency` deletes old keys, when `worker::schedule` asks for it.

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

/// The actor that used the key, and the key.
pub type ScopedKey = (String, String);

/// The answer to a request with a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAnswer {
    /// A hash of the request. Another request with the same key is refused.
    pub fingerprint: [u8; 32],
    /// The order that the request was about.
    pub order_id: OrderId,
    /// The shipment that the request was about.
    pub shipment_id: Option<ShipmentId>,
    /// The version of the event that the request caused.
    pub version: Option<i32>,
    /// Whether the request changed anything.
    pub changed: bool,
}

/// The answers that are stored for these keys.
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

/// Stores answers. If somebody else has used a key meanwhile, this fails with a unique violation. The caller then
/// repeats the work from the start, and finds the other answer.
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
    dialect::insert_rows(tx, rows, "").await?;
    Ok(())
}

/// Deletes answers that were stored before this time. Returns how many.
pub async fn delete_before(store: &Store, before: DateTime<Utc>) -> Result<u64> {
    let tx = store.begin().await?;
    let done = idempotency_key::Entity::delete_many()
        .filter(idempotency_key::Column::CreatedAt.lt(before))
        .exec(&tx)
        .await?;
    store.commit_repeatable(tx).await?;
    Ok(done.rows_affected)
}
