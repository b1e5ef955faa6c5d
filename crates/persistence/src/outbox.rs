//! The outbox: the changes of orders that the live feed has not published yet. Each change of an order writes an
//! entry; publishing deletes it.

use domain::{Order, OrderId, UserId};
use sea_orm::{ConnectionTrait, Statement};
use uuid::Uuid;

use crate::{
    dialect::{Row, Table, Type, skip_locked_subquery, write},
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

const OUTBOX: Table = Table {
    name: "outbox",
    columns: &[("order_id", Type::Uuid), ("user_id", Type::Uuid), ("version", Type::Int)],
};

/// Writes one entry for each order.
pub(crate) async fn insert(tx: &Tx, orders: &[&Order]) -> Result<()> {
    let rows = orders.iter().map(|order| {
        let head = order.head();
        Row::default().set("order_id", head.id.0).set("user_id", head.user_id.0).set("version", head.version)
    });
    write(tx, rows, |db, rows| OUTBOX.insert(db, "", rows)).await?;
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
