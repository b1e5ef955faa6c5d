//! The outbox: the changes of orders that the live feed has not published yet.
//!
//! 1. `orders::write` writes an entry for each order that it inserts or changes, in the same transaction.
//! 2. `app::relay` takes a batch, publishes it, and commits: the commit deletes the entries. Without a commit they
//!    stay. No entry means that there is nothing to publish. Entries that another process takes at the moment are
//!    skipped.

use domain::{Order, OrderId, UserId};
use sea_orm::{ConnectionTrait, Statement};
use uuid::Uuid;

use crate::{
    dialect::{self, skip_locked_subquery},
    entity::outbox_entry,
    error::Result,
    store::{Store, Tx},
};

/// Says that something about an order may have changed. Events and shipments say what it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OutboxEntry {
    pub order_id: OrderId,
    /// The customer to whom the order belongs.
    pub user_id: UserId,
    /// The order's version after the change.
    pub version: i32,
}

/// Writes one entry for each order.
pub(crate) async fn insert(tx: &Tx, orders: &[&Order]) -> Result<()> {
    let rows = orders.iter().map(|order| {
        let head = order.head();
        outbox_entry::Model {
            // Assigned by the database.
            outbox_id: 0,
            order_id: head.id.0,
            user_id: head.user_id.0,
            version: head.version,
        }
    });
    dialect::insert_rows(tx, rows, "").await?;
    Ok(())
}

/// Takes up to `limit` entries, the oldest first. The commit of the returned transaction deletes them, so the caller
/// must publish them before it commits.
pub async fn take_batch(store: &Store, limit: u64) -> Result<(Tx, Vec<OutboxEntry>)> {
    // If a crash undoes the deletion, the entries are published again, which does no harm.
    let tx = store.begin_relaxed().await?;
    let sql = format!(
        "DELETE FROM outbox WHERE outbox_id {} RETURNING order_id, user_id, version",
        skip_locked_subquery(store, "SELECT outbox_id FROM outbox ORDER BY outbox_id LIMIT $1"),
    );
    let statement = Statement::from_sql_and_values(store.backend(), sql, [limit.into()]);
    let rows = tx.query_all_raw(statement).await?;
    let entries = rows
        .iter()
        .map(|row| {
            Ok(OutboxEntry {
                order_id: OrderId(row.try_get_by_index::<Uuid>(0)?),
                user_id: UserId(row.try_get_by_index::<Uuid>(1)?),
                version: row.try_get_by_index(2)?,
            })
        })
        .collect::<Result<_>>()?;
    Ok((tx, entries))
}
