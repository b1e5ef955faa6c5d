//! Tests PostgreSQL while it accepts no writes: after a failover to a standby, or with a full disk.

use domain::ShipmentStatus::InTransit;
use serde_json::json;
use tempfile::TempDir;
use tests::{
    database::Database,
    http::{Client, mutation, push, tea},
    process::Server,
    wait::until,
};

use crate::installation::{CUSTOMER, fedex, on_postgres, support};

/// A server on its own database of PostgreSQL, with one order.
struct Installation {
    database: Database,
    server: Server,
    /// A client with the role support.
    support: Client,
    order: String,
    _folder: TempDir,
}

impl Installation {
    /// `None` if the tests have no PostgreSQL.
    async fn start() -> Option<Self> {
        let database = Database::postgres().await?;
        let folder = TempDir::new().unwrap();
        let program = on_postgres(folder.path(), &database.url);
        let server = program.serve(&[]).await;
        let support = support(&program, &server).await;
        let order = support.place(CUSTOMER, 1).await;
        Some(Self { database, server, support, order, _folder: folder })
    }
}

async fn is_ready(server: &Server, ready: bool) {
    let expected = if ready { 200 } else { 503 };
    until(&format!("readiness {expected}"), async || {
        (server.readiness().await == Some(expected)).then_some(())
    })
    .await;
}

/// Returns the code of the error when an order cannot be placed.
async fn refusal(support: &Client) -> String {
    let input = json!({ "input": tea(CUSTOMER, 1) });
    let (_, answer) = support.send(&mutation("placeOrder"), input).await.expect("an answer");
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_server_is_read_from_and_reported_until_it_takes_writes_again() {
    let Some(installation) = Installation::start().await else { return };
    let Installation { database, server, support, order, .. } = &installation;
    let name = database.url.rsplit_once('/').unwrap().1;

    database.execute(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on")).await;
    let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                  WHERE datname = current_database() AND pid <> pg_backend_pid()";
    database.execute(others).await;
    is_ready(server, false).await;
    server.logs("the database takes no writes").await;
    for _ in 0..3 {
        assert_eq!(refusal(support).await, "UNAVAILABLE");
        assert_eq!(push(server.url(), &fedex("794600000001", InTransit, 5), None).await, 503);
        assert_eq!(support.order(order, "version").await["version"], 1, "queries go on");
        assert_eq!(server.readiness().await, Some(503));
    }

    let writable = format!("ALTER DATABASE {name} SET default_transaction_read_only = off");
    database.execute_all(&["SET default_transaction_read_only = off", &writable]).await;
    // The old sessions stay read-only and nothing ends them. The server must open new ones.
    is_ready(server, true).await;
    server.logs("the database takes writes again").await;
    support.place(CUSTOMER, 1).await;
    assert_eq!(push(server.url(), &fedex("794600000001", InTransit, 5), None).await, 200);
    installation.server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_of_the_server_is_reported_until_there_is_room() {
    let Some(installation) = Installation::start().await else { return };
    let Installation { database, server, support, order, .. } = &installation;
    let full = "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$";
    database.execute(full).await;
    for table in ["orders", "webhooks", "write_probe"] {
        let trigger =
            format!("CREATE TRIGGER full_disk BEFORE INSERT ON {table} EXECUTE FUNCTION full_disk()");
        database.execute(&trigger).await;
    }
    assert_eq!(refusal(support).await, "UNAVAILABLE");
    assert_eq!(push(server.url(), &fedex("794600000001", InTransit, 5), None).await, 503);
    is_ready(server, false).await;
    server.logs("No space left on device").await;
    assert_eq!(support.order(order, "version").await["version"], 1, "queries go on");

    for table in ["orders", "webhooks", "write_probe"] {
        database.execute(&format!("DROP TRIGGER full_disk ON {table}")).await;
    }
    is_ready(server, true).await;
    support.place(CUSTOMER, 1).await;
    installation.server.stop().await;
}
