//! Tests an outage of PostgreSQL: callers are told to try again, and everything continues when the database is back.

use std::time::Duration;

use domain::ShipmentStatus::InTransit;
use serde_json::json;
use tempfile::TempDir;
use tests::{
    database::Database,
    http::{mutation, push},
    proxy::Proxy,
    socket::Socket,
    wait::until,
};
use tokio::time::timeout;

use crate::installation::{CUSTOMER, SEQUENCE, customer, fedex, on_postgres, support};

/// The server waits about five seconds for the database. The rest of the time is a reserve for a slow machine.
const TOLD_WITHIN: Duration = Duration::from_secs(18);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_database_is_away_callers_are_told_to_try_again() {
    let Some(database) = Database::postgres().await else { return };
    let (before, rest) = database.url.split_once('@').unwrap();
    let (target, name) = rest.split_once('/').unwrap();
    let mut wire = Proxy::start(target).await.unwrap();
    let folder = TempDir::new().unwrap();
    let program = on_postgres(folder.path(), &format!("{before}@{}/{name}", wire.address()));
    let server = program.serve(&[]).await;
    let support = support(&program, &server).await;
    let order = support.place(CUSTOMER, 1).await;
    support.move_order(&order, &SEQUENCE[..2]).await;
    support.ship(&order, "794600000001", 1).await;
    let mut socket = Socket::open(&customer(&program, &server, CUSTOMER).await).await;
    socket.follow(&order, None);
    assert_eq!(socket.update().await["order"]["version"], 4);
    let body = fedex("794600000001", InTransit, 5);

    wire.cut();
    until("no readiness", async || (server.readiness().await == Some(503)).then_some(())).await;
    let (cancel, list) = (mutation("cancelOrder"), "{ orders { totalCount nodes { id } } }");
    let input = json!({"input": {"orderId": order, "reason": "the database is away"}});
    // Each request waits for a database connection only for a limited time, so the caller gets an answer.
    let (pushed, cancelled, listed) = timeout(TOLD_WITHIN, async {
        tokio::join!(
            push(server.url(), &body, None),
            support.send(&cancel, input),
            support.send(list, json!({})),
        )
    })
    .await
    .expect("callers are told in time");
    assert_eq!(pushed, 503);
    for answer in [cancelled, listed] {
        let (status, answer) = answer.unwrap();
        assert_eq!(status, 200);
        assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAVAILABLE", "{answer}");
    }

    wire.mend().await.unwrap();
    until("readiness", async || (server.readiness().await == Some(200)).then_some(())).await;
    assert_eq!(support.order(&order, "version").await["version"], 4, "nothing of it was written");
    assert_eq!(push(server.url(), &body, None).await, 200);
    let update = socket.update().await;
    assert_eq!((&update["event"]["version"], &update["event"]["toStatus"]), (&json!(5), &json!("SHIPPED")));
    server.stop().await;
}
