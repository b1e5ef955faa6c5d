//! The SQL that differs between PostgreSQL and SQLite, side by side, and statements over many rows. Called by the other
//! modules of this crate.
//!
//! A statement gets all its rows as one JSON document. So its text is the same for one row and for five hundred, it is
//! prepared once, and it needs one round trip. The functions here build SQL and run nothing, except [`lock_names`] and
//! the functions of `rows` that write.
//!
//! - `is_one_of` and `is_one_of_texts` match no row if the list is empty.
//! - `skip_locked_subquery` is the part of a condition behind the column: `leases` and `outbox` take their next rows
//!   with it. Only PostgreSQL locks and skips rows.
//! - `lock_names` waits until nobody else holds one of the names, on PostgreSQL at most for the lock timeout.
//!   `shipments` locks tracking numbers with it, `orders` the orders of a customer.

use sea_orm::{
    ConnectionTrait, DbBackend, Statement, Value as SqlValue,
    sea_query::{
        Expr, ExprTrait, Func, IntoColumnRef, Query, SelectStatement, SimpleExpr, extension::postgres::PgFunc,
    },
};
use serde_json::Value;
use uuid::Uuid;

pub(crate) use rows::{add_to_columns, build_select, insert_rows, update_rows};

use crate::{
    error::Result,
    store::{Store, Tx},
};

mod rows;

/// The condition that `column` is one of `ids`. They are one parameter, so the text is the same for any number of
/// ids.
pub(crate) fn is_one_of(
    backend: DbBackend,
    column: impl IntoColumnRef,
    ids: impl IntoIterator<Item = Uuid>,
) -> SimpleExpr {
    let column = Expr::col(column.into_column_ref());
    if backend == DbBackend::Postgres {
        let ids: Vec<Uuid> = ids.into_iter().collect();
        return column.eq(PgFunc::any(ids));
    }
    let ids = ids.into_iter().map(|id| Value::from(id.simple().to_string()));
    column.in_subquery(select_from_json_list("unhex(value)", ids.collect()))
}

/// The condition that `column` is one of `texts`, likewise.
pub(crate) fn is_one_of_texts(backend: DbBackend, column: impl IntoColumnRef, texts: &[&str]) -> SimpleExpr {
    let column = Expr::col(column.into_column_ref());
    if backend == DbBackend::Postgres {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        return column.eq(PgFunc::any(texts));
    }
    column.in_subquery(select_from_json_list("value", texts.iter().map(|text| Value::from(*text)).collect()))
}

/// A query for the members of a JSON list, for SQLite.
fn select_from_json_list(member: &'static str, list: Vec<Value>) -> SelectStatement {
    let list = Func::cust("json_each").arg(Value::Array(list).to_string());
    Query::select().expr(Expr::cust(member)).from_function(list, "list").to_owned()
}

/// The condition to be in the rows of a query. Each row is locked, and rows that others hold are skipped. On
/// PostgreSQL the rows are an array, so that they are found by their keys whatever the planner knows of the table.
pub(crate) fn skip_locked_subquery(store: &Store, query: &str) -> String {
    if store.is_postgres() {
        format!("= ANY(ARRAY({query} FOR UPDATE SKIP LOCKED))")
    } else {
        format!("IN ({query})")
    }
}

/// Locks these names until the transaction ends. SQLite needs no such lock, because it has one writer. The names must
/// be sorted, so that two callers cannot wait for each other.
pub(crate) async fn lock_names(tx: &Tx, names: &[String]) -> Result<()> {
    if tx.get_database_backend() != DbBackend::Postgres || names.is_empty() {
        return Ok(());
    }
    let names = names.iter().map(|name| SqlValue::String(Some(name.clone()))).collect();
    let names = SqlValue::Array(sea_orm::sea_query::ArrayType::String, Some(Box::new(names)));
    let sql = "SELECT pg_advisory_xact_lock(hashtextextended(name, 0)) FROM unnest($1) WITH ORDINALITY AS n(name, at) ORDER BY at";
    tx.query_all_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, [names])).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use sea_orm::{EntityTrait, QueryTrait, Set};

    use super::*;
    use crate::entity::webhook_wait;

    fn statement_for(rows: u128) -> Statement {
        let waits = (0..rows).map(|row| webhook_wait::ActiveModel {
            carrier: Set("ups".to_owned()),
            tracking_number: Set(row.to_string()),
            webhook_id: Set(Uuid::from_u128(row)),
            is_further: Set(false),
        });
        webhook_wait::Entity::insert_many(waits).build(DbBackend::Postgres)
    }

    #[test]
    fn library_writes_another_text_and_more_parameters_for_more_rows() {
        const CHANGED: &str = "the library does this now: see docs/decisions/sea-orm.md";
        let (one, many) = (statement_for(1), statement_for(500));
        assert_ne!(one.sql, many.sql, "{CHANGED}");
        assert_eq!(many.values.map(|values| values.iter().count()), Some(4 * 500), "{CHANGED}");
    }
}
