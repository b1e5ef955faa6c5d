//! The SQL that differs between PostgreSQL and SQLite, side by side, and statements over many rows.
//!
//! A statement gets all its rows as one JSON document. So its text is the same for one row and for five hundred, it
//! is prepared once, and it needs one round trip.

use chrono::{DateTime, SecondsFormat, Utc};
use sea_orm::{
    ConnectionTrait, DbBackend, Statement, Value as SqlValue,
    sea_query::{
        Expr, ExprTrait, Func, IntoColumnRef, Query, SelectStatement, SimpleExpr, extension::postgres::PgFunc,
    },
};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{
    error::Result,
    store::{Store, Tx},
};

/// The types of columns that the two databases write differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Uuid,
    Bytes,
    Text,
    Int,
    Bool,
    Time,
    Json,
    Status,
}

/// A table, with the columns that a statement writes and their types.
pub(crate) struct Table {
    pub name: &'static str,
    pub columns: &'static [(&'static str, Type)],
}

/// One row to write.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row(Map<String, Value>);

impl Row {
    pub fn set(mut self, column: &'static str, cell: impl Cell) -> Self {
        if let Some(value) = cell.cell() {
            self.0.insert(column.to_owned(), value);
        }
        self
    }
}

impl Row {
    /// The text of a column, or an empty text if the row has none.
    pub fn text(&self, column: &str) -> &str {
        self.0.get(column).and_then(Value::as_str).unwrap_or_default()
    }
}

/// A value of a row; `None` for NULL.
pub(crate) trait Cell {
    fn cell(self) -> Option<Value>;
}

macro_rules! cells {
    ($($type:ty: $self:ident => $value:expr;)+) => {
        $(impl Cell for $type { fn cell($self) -> Option<Value> { Some($value) } })+
    };
}

cells! {
    Uuid: self => self.simple().to_string().into();
    &str: self => self.into();
    String: self => self.into();
    i32: self => self.into();
    u32: self => self.into();
    bool: self => self.into();
    DateTime<Utc>: self => time(self).into();
    &[u8]: self => hex(self).into();
    &Value: self => self.clone();
}

impl<T: Cell> Cell for Option<T> {
    fn cell(self) -> Option<Value> {
        self.and_then(Cell::cell)
    }
}

/// A time in the format in which sqlx writes it to SQLite, so that times from both sort together.
pub(crate) fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, false)
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    // Whole bodies go through here. To format byte by byte would take ten times as long.
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

impl Table {
    /// The source of a `SELECT`: the rows in the first parameter of the statement, with the name `r`.
    fn source(&self, backend: DbBackend) -> String {
        if backend == DbBackend::Postgres {
            let columns: Vec<_> =
                self.columns.iter().map(|(name, kind)| format!("{name} {}", kind.postgres())).collect();
            format!("jsonb_to_recordset($1) AS r({})", columns.join(", "))
        } else {
            let columns: Vec<_> = self.columns.iter().map(|(name, kind)| kind.sqlite(name)).collect();
            format!("(SELECT {} FROM json_each(?1)) AS r", columns.join(", "))
        }
    }

    /// An `INSERT` of all rows. `rest` follows it: `ON CONFLICT …`, `RETURNING …`.
    pub fn insert(&self, backend: DbBackend, rest: &str, rows: Vec<Row>) -> Statement {
        let names: Vec<_> = self.columns.iter().map(|(name, _)| *name).collect();
        let cells: Vec<_> = self.columns.iter().map(|(name, kind)| kind.read(backend, name)).collect();
        // Without `WHERE true`, SQLite reads ON CONFLICT as a join condition.
        let sql = format!(
            "INSERT INTO {} ({}) SELECT {} FROM {} WHERE true {rest}",
            self.name,
            names.join(", "),
            cells.join(", "),
            self.source(backend),
        );
        statement(backend, sql, rows)
    }

    /// A `SELECT` of `columns` from the rows (named `r`) and from what `join` adds to them.
    pub fn select(&self, backend: DbBackend, columns: &str, join: &str, rows: Vec<Row>) -> Statement {
        let sql = format!("SELECT {columns} FROM {} {join}", self.source(backend));
        statement(backend, sql, rows)
    }

    /// An `UPDATE` that adds to one column, in every row whose keys match.
    pub fn add(&self, backend: DbBackend, keys: &[&str], column: &str, rows: Vec<Row>) -> Statement {
        let matches: Vec<_> = keys.iter().map(|key| self.matches(backend, key)).collect();
        let sql = format!(
            "UPDATE {name} SET {column} = {name}.{column} + r.{column} FROM {} WHERE {}",
            self.source(backend),
            matches.join(" AND "),
            name = self.name,
        );
        statement(backend, sql, rows)
    }

    fn matches(&self, backend: DbBackend, key: &str) -> String {
        let kind = self.columns.iter().find(|(name, _)| *name == key).map_or(Type::Text, |(_, kind)| *kind);
        format!("{}.{key} = {}", self.name, kind.read(backend, key))
    }

    /// An `UPDATE` that sets all other columns, in every row whose keys match and for which `guard` holds. Columns
    /// whose name begins with `expected_` are only for the guard.
    pub fn update(&self, backend: DbBackend, keys: &[&str], guard: &str, rows: Vec<Row>) -> Statement {
        let sets: Vec<_> = self
            .columns
            .iter()
            .filter(|(name, _)| !keys.contains(name))
            .filter(|(name, _)| !name.starts_with("expected_"))
            .map(|(name, kind)| format!("{name} = {}", kind.read(backend, name)))
            .collect();
        let matches: Vec<_> = keys.iter().map(|key| self.matches(backend, key)).collect();
        let sql = format!(
            "UPDATE {} SET {} FROM {} WHERE {}{guard}",
            self.name,
            sets.join(", "),
            self.source(backend),
            matches.join(" AND "),
        );
        statement(backend, sql, rows)
    }
}

impl Type {
    fn postgres(self) -> &'static str {
        match self {
            Self::Uuid => "uuid",
            Self::Bytes | Self::Text => "text",
            Self::Int => "int",
            Self::Bool => "boolean",
            Self::Time => "timestamptz",
            Self::Json => "jsonb",
            Self::Status => "order_status",
        }
    }

    fn sqlite(self, name: &str) -> String {
        match self {
            Self::Uuid | Self::Bytes => format!("unhex(value ->> '$.{name}') AS {name}"),
            Self::Json => format!("value -> '$.{name}' AS {name}"),
            Self::Text | Self::Int | Self::Bool | Self::Time | Self::Status => {
                format!("value ->> '$.{name}' AS {name}")
            }
        }
    }

    fn read(self, backend: DbBackend, name: &str) -> String {
        match self {
            Self::Bytes if backend == DbBackend::Postgres => format!("decode(r.{name}, 'hex')"),
            _ => format!("r.{name}"),
        }
    }
}

fn statement(backend: DbBackend, sql: String, rows: Vec<Row>) -> Statement {
    let rows = Value::Array(rows.into_iter().map(|row| Value::Object(row.0)).collect());
    let parameter = if backend == DbBackend::Postgres {
        SqlValue::Json(Some(Box::new(rows)))
    } else {
        SqlValue::String(Some(rows.to_string()))
    };
    Statement::from_sql_and_values(backend, sql, [parameter])
}

/// Runs a statement over rows, unless there are none. Returns the number of changed rows.
// Not `async`: the compiler cannot see that a future which holds the iterator is `Send`.
pub(crate) fn write(
    tx: &Tx,
    rows: impl IntoIterator<Item = Row>,
    statement: impl FnOnce(DbBackend, Vec<Row>) -> Statement,
) -> impl Future<Output = Result<u64>> {
    let rows: Vec<Row> = rows.into_iter().collect();
    let statement = (!rows.is_empty()).then(|| statement(tx.get_database_backend(), rows));
    async move {
        match statement {
            Some(statement) => Ok(tx.execute_raw(statement).await?.rows_affected()),
            None => Ok(0),
        }
    }
}

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
    column.in_subquery(listed("unhex(value)", ids.collect()))
}

/// The condition that `column` is one of `texts`, likewise.
pub(crate) fn is_one_of_texts(backend: DbBackend, column: impl IntoColumnRef, texts: &[&str]) -> SimpleExpr {
    let column = Expr::col(column.into_column_ref());
    if backend == DbBackend::Postgres {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        return column.eq(PgFunc::any(texts));
    }
    column.in_subquery(listed("value", texts.iter().map(|text| Value::from(*text)).collect()))
}

/// A query for the members of a JSON list, for SQLite.
fn listed(member: &'static str, list: Vec<Value>) -> SelectStatement {
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
        });
        webhook_wait::Entity::insert_many(waits).build(DbBackend::Postgres)
    }

    #[test]
    fn library_writes_another_text_and_more_parameters_for_more_rows() {
        const CHANGED: &str = "the library does this now: see docs/decisions/sea-orm.md";
        let (one, many) = (statement_for(1), statement_for(500));
        assert_ne!(one.sql, many.sql, "{CHANGED}");
        assert_eq!(many.values.map(|values| values.iter().count()), Some(3 * 500), "{CHANGED}");
    }
}
