//! What the live feed has yet to hear. Written with every change, deleted once published.

use domain::{Order, OrderId, UserId};
use sea_orm::{ConnectionTrait, Statement};
use uuid::Uuid;

use crate::{
    dialect::{self, skip_locked_subquery},
    entity::outbox_entry,
    error::Result,
    store::{Store, Tx},
};

/// Something about an order may have changed; its log and its shipments say what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OutboxEntry {
    /// Which order.
    pub order_id: OrderId,
    /// Whose it is.
    pub user_id: UserId,
    /// Its version then.
    pub version: i32,
}

/// Leaves word for the live feed, one row an order.
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
    dialect::insert(tx, rows, "").await?;
    Ok(())
}

/// Takes up to `limit` announcements, the oldest first. They are gone when the transaction commits: publish
/// before.
pub async fn take_batch(store: &Store, limit: u64) -> Result<(Tx, Vec<OutboxEntry>)> {
    // Announcements that a crash brings back are published again.
    let tx = store.begin_relaxed().await?;
    let sql = format!(
        "DELETE FROM outbox WHERE outbox_id {} RETURNING order_id, user_id, version",
        skip_locked_subquery(store, "SELECT outbox_id FROM outbox ORDER BY outbox_id LIMIT $1"),
    );
    let statement = Statement::from_sql_and_values(store.backend(), sql, [limit.into()]);
    let rows = tx.query_all_raw(statement).await?;
    let announcements = rows
        .iter()
        .map(|row| {
            Ok(OutboxEntry {
                order_id: OrderId(row.try_get_by_index::<Uuid>(0)?),
                user_id: UserId(row.try_get_by_index::<Uuid>(1)?),
                version: row.try_get_by_index(2)?,
            })
        })
        .collect::<Result<_>>()?;
    Ok((tx, announcements))
}
