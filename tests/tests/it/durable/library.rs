//! Tests the behaviour of sea-orm and sqlx that the store of `persistence` replaces. A test that fails shows that a
//! library has changed: docs/decisions/sea-orm.md says what can then be removed.

use futures::poll;
use sea_orm::{ConnectOptions, Database as Connections, DatabaseConnection, TransactionTrait};

use super::*;

const CHANGED: &str = "the library does this now: see docs/decisions/sea-orm.md";

#[tokio::test]
async fn the_commit_of_a_transaction_that_postgres_rolled_back_is_no_error() {
    let Some(database) = Database::postgres().await else { return };
    let tx = database.connection().await.begin().await.unwrap();
    tx.execute_unprepared("INSERT INTO write_probe (probe_id, filler) VALUES (1, '')").await.unwrap();
    tx.execute_unprepared("SELECT nothing FROM nowhere").await.unwrap_err();
    assert!(tx.commit().await.is_ok(), "{CHANGED}");
    assert_eq!(first_i64(&database.connection().await, "SELECT count(*) FROM write_probe").await, 0);
}

#[tokio::test]
async fn statements_of_a_transaction_that_sqlite_ended_are_committed_one_by_one() {
    let database = Database::sqlite().await;
    let connection = database.connection().await;
    let table = "CREATE TABLE one (id INTEGER PRIMARY KEY ON CONFLICT ROLLBACK)";
    connection.execute_unprepared(table).await.unwrap();
    let tx = connection.begin().await.unwrap();
    tx.execute_unprepared("INSERT INTO one VALUES (1)").await.unwrap();
    // SQLite now rolls the whole transaction back.
    tx.execute_unprepared("INSERT INTO one VALUES (1)").await.unwrap_err();
    tx.execute_unprepared("INSERT INTO one VALUES (2)").await.expect(CHANGED);
    drop(tx);
    let other = database.connection().await;
    assert_eq!(first_i64(&other, "SELECT count(*) FROM one WHERE id = 2").await, 1, "{CHANGED}");
}

/// A beginning that is dropped after some polls leaves its connection inside of a transaction. There, `now()` is the
/// same in two statements.
#[tokio::test]
async fn a_beginning_that_is_dropped_leaves_a_transaction_behind() {
    let Some(database) = Database::postgres().await else { return };
    let mut left_behind = false;
    for polls in 1..10 {
        let mut options = ConnectOptions::new(&database.url);
        // So the first poll already sends the BEGIN.
        options.max_connections(1).test_before_acquire(false).sqlx_logging(false);
        let connection = Connections::connect(options).await.unwrap();
        {
            let mut begin = std::pin::pin!(connection.begin());
            for _ in 0..polls {
                if poll!(begin.as_mut()).is_ready() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        let now =
            async || first_i64(&connection, "SELECT (extract(epoch FROM now()) * 1000000)::bigint").await;
        left_behind |= now().await == now().await;
    }
    assert!(left_behind, "{CHANGED}");
}

async fn first_i64(connection: &DatabaseConnection, sql: &str) -> i64 {
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    connection.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}
