//! Tests that a transaction is committed completely or not at all, even after failed statements or a broken connection.

mod library;

use std::time::Duration;

use futures::{StreamExt, stream};
use persistence::{Error, Store, Tx};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use tests::{database::Database, on_every_database, shop::Shop, wait::until};
use tokio::time::timeout;
use uuid::Uuid;

on_every_database!(
    a_transaction_with_a_failed_statement_cannot_be_committed,
    a_statement_that_was_not_waited_for_cannot_be_committed,
);

const FILL: &str = "INSERT INTO write_probe (probe_id, filler) VALUES (1, $1) \
                    ON CONFLICT (probe_id) DO UPDATE SET filler = excluded.filler";

async fn announce(tx: &Tx, version: i32) {
    let sql = "INSERT INTO outbox (order_id, user_id, version) VALUES ($1, $1, $2)";
    let values = [Uuid::nil().into(), version.into()];
    tx.execute_raw(Statement::from_sql_and_values(tx.get_database_backend(), sql, values)).await.unwrap();
}

/// Returns the versions in the outbox, read on another connection.
async fn announced(database: &Database) -> Vec<i32> {
    let connection = database.connection().await;
    let sql = "SELECT version FROM outbox ORDER BY version";
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let rows = connection.query_all_raw(statement).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

async fn a_transaction_with_a_failed_statement_cannot_be_committed(database: Database) {
    let store = &database.store;
    for _ in 0..3 {
        let tx = store.begin().await.unwrap();
        announce(&tx, 1).await;
        tx.execute_unprepared("SELECT nothing FROM nowhere").await.unwrap_err();
        let further = tx.execute_unprepared("SELECT 1").await.unwrap_err();
        assert!(further.to_string().contains("an earlier statement"), "{further}");
        let committed = store.commit(tx).await;
        assert!(matches!(committed, Err(Error::NotCommitted(_))), "{committed:?}");
    }
    let tx = store.begin().await.unwrap();
    announce(&tx, 2).await;
    store.commit(tx).await.unwrap();
    assert_eq!(announced(&database).await, [2]);
}

async fn a_statement_that_was_not_waited_for_cannot_be_committed(database: Database) {
    let store = &database.store;
    let tx = store.begin().await.unwrap();
    announce(&tx, 1).await;
    let slow = match store.is_postgres() {
        true => "SELECT pg_sleep(0.5)",
        false => {
            "SELECT count(*) FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 2000000) \
             SELECT i FROM n)"
        }
    };
    let waited = timeout(Duration::from_millis(1), tx.execute_unprepared(slow)).await;
    assert!(waited.is_err(), "it is not that fast");
    assert!(matches!(store.commit(tx).await, Err(Error::NotCommitted(_))));
    let tx = store.begin().await.unwrap();
    announce(&tx, 2).await;
    store.commit(tx).await.unwrap();
    assert_eq!(announced(&database).await, [2]);
}

/// Stops the SQLite file from growing, on the connection that writes. A new connection has no such limit.
async fn bound(store: &Store) {
    let tx = store.begin().await.unwrap();
    tx.execute_unprepared("PRAGMA max_page_count = 1").await.unwrap();
    store.commit(tx).await.unwrap();
}

/// Fills the file until SQLite reports a full disk. SQLite then ends the transaction by itself.
async fn fill(store: &Store) {
    let tx = store.begin().await.unwrap();
    announce(&tx, 1).await;
    let statement = Statement::from_sql_and_values(DbBackend::Sqlite, FILL, [vec![0_u8; 1 << 20].into()]);
    let error = Error::from(tx.execute_raw(statement).await.unwrap_err());
    assert!(error.retryable() && error.is_unwritable(), "{error:?}");
}

#[tokio::test]
async fn a_transaction_that_sqlite_ended_by_itself_is_not_gone_on_with() {
    let database = Database::sqlite().await;
    let store = &database.store;
    for version in 2..6 {
        for _ in 2..version {
            bound(store).await;
            fill(store).await;
        }
        // A transaction that is rolled back in between must not stay open.
        drop(store.begin().await.unwrap());
        let tx = store.begin().await.unwrap();
        announce(&tx, version).await;
        store.commit(tx).await.unwrap();
        assert_eq!(announced(&database).await.last(), Some(&version));
    }
    assert_eq!(announced(&database).await, [2, 3, 4, 5]);
}

#[tokio::test]
async fn a_transaction_that_somebody_ended_is_not_committed_and_its_connection_not_used_again() {
    let database = Database::sqlite().await;
    let store = &database.store;
    for ending in
        ["ROLLBACK", "COMMIT", "COMMIT; BEGIN; SAVEPOINT a", "ROLLBACK; SAVEPOINT _sqlx_savepoint_1"]
    {
        let tx = store.begin().await.unwrap();
        tx.execute_unprepared(ending).await.unwrap();
        // This commit may succeed or fail. The following transactions must work correctly.
        store.commit(tx).await.ok();
        let tx = store.begin().await.unwrap();
        tx.execute_unprepared(ending).await.unwrap();
        drop(tx);
        let before = announced(&database).await.len();
        until("a transaction", async || {
            let tx = store.begin().await.ok()?;
            announce(&tx, 7).await;
            store.commit(tx).await.ok()
        })
        .await;
        assert_eq!(announced(&database).await.len(), before + 1, "{ending}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_that_are_acknowledged_between_errors_are_there() {
    let database = Database::sqlite().await;
    let shop = Shop::new(database.store.clone());
    let mut placed = Vec::new();
    for _ in 0..10 {
        for _ in 0..2 {
            bound(&database.store).await;
            fill(&database.store).await;
        }
        for _ in 0..10 {
            placed.push(shop.place(&[1]).await);
        }
    }
    let other = Store::connect(&database.url, 2).await.unwrap();
    let there = Shop::new(other);
    for id in placed {
        assert_eq!(there.head(id).await.version, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_beginning_that_was_not_waited_for_leaves_no_transaction_behind() {
    let Some(database) = Database::postgres().await else { return };
    let store = &database.store;
    let impatient = stream::iter(0..400_u64).for_each_concurrent(6, async |at| {
        timeout(Duration::from_micros(5 * at), store.begin()).await.ok();
    });
    impatient.await;
    let connection = database.connection().await;
    let sql = "SELECT count(*) FROM pg_stat_activity \
               WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
    until("no transaction", async || {
        let statement = Statement::from_string(DbBackend::Postgres, sql);
        let row = connection.query_one_raw(statement).await.unwrap().unwrap();
        (row.try_get_by_index::<i64>(0).unwrap() == 0).then_some(())
    })
    .await;
}
