//! Writes or joins many rows with one statement. The modules of this crate that write tables call the functions.
//!
//! Rows travel to the database as one JSON document per statement: the text of a statement is then the same for one row
//! and for five hundred, is prepared once, and costs one round trip. In a statement the rows are named `r`.
//!
//! 1. Rows are models and active models of sea-orm's entities: a column that the entity does not have, or a value of
//!    another type, does not compile.
//! 2. [`insert_rows`] takes whole models: a column that is left out does not compile.
//! 3. An active model says what it writes: `Set(None)` writes NULL, a column that is not set stays as it is. All rows
//!    of a statement set the same columns, otherwise the statement is refused.
//! 4. Without rows nothing is executed: the functions that write answer 0, and those that build a statement answer
//!    `None`. Otherwise the functions that write answer how many rows they touched.
//! 5. The two models of a pair are what a row is found by, and what is written to it. Their columns begin with `key_`
//!    and `new_`.
//! 6. `Rows::collect` turns models into JSON with `to_json`. `build_from_clause` and `declare_column` write the SQL
//!    that reads it. [`build_select`] only builds: its callers in `read` and `webhooks::requeue` run the statement.

use chrono::{DateTime, SecondsFormat, Utc};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ColumnType, ConnectionTrait, DbBackend, DbErr, EntityTrait, IdenStatic,
    IntoActiveModel, Iterable, ModelTrait, PrimaryKeyToColumn, PrimaryKeyTrait, Statement, Value as SqlValue,
    sea_query::{PostgresQueryBuilder, TableBuilder, sea_value_to_json_value},
};
use serde_json::{Map, Value};

use crate::{error::Result, store::Tx};

/// How the columns of an [`update_rows`] are named in `r`: those that a row is found by, and those that it gets.
const UPDATE: [&str; 2] = ["key_", "new_"];

/// Inserts whole rows; `on_conflict` follows the statement. A key that the database assigns is not written.
/// Returns how many rows it touched.
// No function of this module is `async`: the compiler cannot tell that a future with the iterator in it is `Send`.
pub(crate) fn insert_rows<M>(
    tx: &Tx,
    models: impl IntoIterator<Item = M>,
    on_conflict: &str,
) -> impl Future<Output = Result<u64>>
where
    M: ModelTrait + IntoActiveModel<<M::Entity as EntityTrait>::ActiveModel>,
{
    execute_if_any(tx, build_insert(tx.get_database_backend(), models, on_conflict))
}

/// Updates, for each pair, every row that has the values of the first model: it gets the values of the second one.
/// `guard` follows the conditions (`AND …`). Returns how many rows it touched.
pub(crate) fn update_rows<A: ActiveModelTrait>(
    tx: &Tx,
    rows: impl IntoIterator<Item = [A; 2]>,
    guard: &str,
) -> impl Future<Output = Result<u64>> {
    execute_if_any(tx, build_update(tx.get_database_backend(), rows, assign_sql, guard))
}

/// As [`update_rows`], but the values of the second model are added to those that a row has.
pub(crate) fn add_to_columns<A: ActiveModelTrait>(
    tx: &Tx,
    rows: impl IntoIterator<Item = [A; 2]>,
) -> impl Future<Output = Result<u64>> {
    execute_if_any(tx, build_update(tx.get_database_backend(), rows, sum_sql, ""))
}

/// `SELECT` of what the rows join; nothing where there are none. A row can consist of several models: the columns of
/// each are named with its prefix.
pub(crate) fn build_select<A: ActiveModelTrait, const N: usize>(
    backend: DbBackend,
    columns: &str,
    join: &str,
    prefixes: [&str; N],
    rows: impl IntoIterator<Item = [A; N]>,
) -> Result<Option<Statement>, DbErr> {
    let Some(rows) = Rows::collect(backend, prefixes, rows)? else { return Ok(None) };
    let sql = format!("SELECT {columns} FROM {} {join}", rows.build_from_clause());
    Ok(Some(rows.into_statement(sql)))
}

fn assign_sql(_table: &str, column: &str) -> String {
    format!("{column} = r.new_{column}")
}

fn sum_sql(table: &str, column: &str) -> String {
    format!("{column} = {table}.{column} + r.new_{column}")
}

async fn execute_if_any(tx: &Tx, statement: Result<Option<Statement>, DbErr>) -> Result<u64> {
    match statement? {
        Some(statement) => Ok(tx.execute_raw(statement).await?.rows_affected()),
        None => Ok(0),
    }
}

fn build_insert<M>(
    backend: DbBackend,
    models: impl IntoIterator<Item = M>,
    on_conflict: &str,
) -> Result<Option<Statement>, DbErr>
where
    M: ModelTrait + IntoActiveModel<<M::Entity as EntityTrait>::ActiveModel>,
{
    type Key<M> = <<M as ModelTrait>::Entity as EntityTrait>::PrimaryKey;
    let rows = models.into_iter().map(|model| {
        let mut row = model.into_active_model();
        if Key::<M>::auto_increment() {
            Key::<M>::iter().for_each(|key| row.not_set(key.into_column()));
        }
        [row]
    });
    let Some(rows) = Rows::collect(backend, [""], rows)? else { return Ok(None) };
    let names: Vec<_> = rows.columns.iter().map(|column| column.name.as_str()).collect();
    // `WHERE true`: without it SQLite takes ON CONFLICT for a join condition.
    let sql = format!(
        "INSERT INTO {} ({}) SELECT r.{} FROM {} WHERE true {on_conflict}",
        M::Entity::default().as_str(),
        names.join(", "),
        names.join(", r."),
        rows.build_from_clause(),
    );
    Ok(Some(rows.into_statement(sql)))
}

fn build_update<A: ActiveModelTrait>(
    backend: DbBackend,
    rows: impl IntoIterator<Item = [A; 2]>,
    set: fn(&str, &str) -> String,
    guard: &str,
) -> Result<Option<Statement>, DbErr> {
    let Some(rows) = Rows::collect(backend, UPDATE, rows)? else { return Ok(None) };
    let entity = A::Entity::default();
    let table = entity.as_str();
    let (keys, new): (Vec<_>, Vec<_>) = rows.columns.iter().partition(|column| column.part == 0);
    let keys: Vec<_> =
        keys.iter().map(|key| format!("{table}.{0} = r.key_{0}", key.column.as_str())).collect();
    let new: Vec<_> = new.iter().map(|new| set(table, new.column.as_str())).collect();
    let sql = format!(
        "UPDATE {table} SET {} FROM {} WHERE {} {guard}",
        new.join(", "),
        rows.build_from_clause(),
        keys.join(" AND "),
    );
    Ok(Some(rows.into_statement(sql)))
}

/// The rows of one statement.
struct Rows<C> {
    backend: DbBackend,
    columns: Vec<RowColumn<C>>,
    cells: Vec<Value>,
}

/// A column of the rows.
struct RowColumn<C> {
    /// Which of a row's models it belongs to.
    part: usize,
    column: C,
    /// Its name in the rows.
    name: String,
}

impl<C: ColumnTrait> Rows<C> {
    /// Rows of `N` models each. `None` where there are no rows.
    ///
    /// # Errors
    /// Fails when the rows do not all set the same columns.
    fn collect<A: ActiveModelTrait<Entity: EntityTrait<Column = C>>, const N: usize>(
        backend: DbBackend,
        prefixes: [&str; N],
        rows: impl IntoIterator<Item = [A; N]>,
    ) -> Result<Option<Self>, DbErr> {
        let is_set = |row: &[A; N]| -> Vec<bool> {
            row.iter().flat_map(|model| C::iter().map(|column| !model.is_not_set(column))).collect()
        };
        let mut rows = rows.into_iter().peekable();
        let Some(first) = rows.peek().map(is_set) else { return Ok(None) };
        let all = prefixes.iter().enumerate().flat_map(|(part, prefix)| {
            C::iter().map(move |column| RowColumn {
                part,
                column,
                name: format!("{prefix}{}", column.as_str()),
            })
        });
        let columns: Vec<_> =
            all.zip(&first).filter(|(_, is_set)| **is_set).map(|(column, _)| column).collect();
        let mut cells = Vec::new();
        for mut row in rows {
            if is_set(&row) != first {
                let table = A::Entity::default();
                return Err(DbErr::Custom(format!("rows of {} that set different columns", table.as_str())));
            }
            let mut object = Map::new();
            for RowColumn { part, column, name } in &columns {
                let value = row[*part].take(*column).into_value();
                let value = value.map_or(Value::Null, |value| to_json(value, backend));
                // A cell that is missing is NULL. A null would be one too, but in a column of JSON.
                if !value.is_null() {
                    object.insert(name.clone(), value);
                }
            }
            cells.push(Value::Object(object));
        }
        Ok(Some(Self { backend, columns, cells }))
    }

    /// The rows of the statement's first parameter, as something to select from.
    fn build_from_clause(&self) -> String {
        let columns: Vec<_> = self
            .columns
            .iter()
            .map(|RowColumn { column, name, .. }| {
                declare_column(self.backend, name, column.def().get_column_type())
            })
            .collect();
        let columns = columns.join(", ");
        match self.backend {
            DbBackend::Postgres => format!("jsonb_to_recordset($1) AS r({columns})"),
            _ => format!("(SELECT {columns} FROM json_each(?1)) AS r"),
        }
    }

    fn into_statement(self, sql: String) -> Statement {
        let rows = Value::Array(self.cells);
        let parameter = match self.backend {
            DbBackend::Postgres => SqlValue::Json(Some(Box::new(rows))),
            _ => SqlValue::String(Some(rows.to_string())),
        };
        Statement::from_sql_and_values(self.backend, sql, [parameter])
    }
}

/// A column of the rows, read from their JSON.
fn declare_column(backend: DbBackend, name: &str, column_type: &ColumnType) -> String {
    if backend == DbBackend::Postgres {
        let mut sql = format!("{name} ");
        PostgresQueryBuilder.prepare_column_type(column_type, &mut sql);
        return sql;
    }
    match column_type {
        ColumnType::Uuid | ColumnType::VarBinary(_) => format!("unhex(value ->> '$.{name}') AS {name}"),
        ColumnType::JsonBinary => format!("value -> '$.{name}' AS {name}"),
        _ => format!("value ->> '$.{name}' AS {name}"),
    }
}

/// A value as both databases read it from JSON.
fn to_json(value: SqlValue, backend: DbBackend) -> Value {
    match value {
        SqlValue::Uuid(Some(id)) => id.simple().to_string().into(),
        SqlValue::Bytes(Some(bytes)) => {
            encode_hex(if backend == DbBackend::Postgres { "\\x" } else { "" }, &bytes).into()
        }
        SqlValue::ChronoDateTimeUtc(Some(at)) => format_time(at).into(),
        SqlValue::String(Some(text)) => text.into(),
        other => sea_value_to_json_value(&other),
    }
}

/// A time as sqlx writes it to SQLite, so that texts from both ways sort together.
fn format_time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, false)
}

fn encode_hex(prefix: &str, bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    // Whole bodies go through here: formatting byte by byte would take ten times as long.
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    prefix.chars().chain(digits.map(|digit| char::from(DIGITS[usize::from(digit)]))).collect()
}

#[cfg(test)]
mod tests;
