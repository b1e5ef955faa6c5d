//! Tests the failures of a disk under the SQLite database:
//!
//! 1. What was acknowledged can be read, before and after a restart.
//! 2. While the database cannot be written, callers get an error that tells them to try again.

use domain::ShipmentStatus::InTransit;
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{
    database::Database,
    disk::Disk,
    faults::{Fault, Faults},
    http::{Client, mutation, push, tea},
    process::{Program, Server},
    wait::until,
};

use crate::installation::{CUSTOMER, SEQUENCE, fedex, program, support};

const ORDERS: &str = "{ orders(first: 1) { totalCount } }";
/// The number of simultaneous requests.
const AT_ONCE: usize = 8;

/// Places an order. Returns its id if the order was acknowledged, else the code of the error.
pub(crate) async fn try_to_place(support: &Client) -> Result<String, String> {
    let input = json!({ "input": tea(CUSTOMER, 1) });
    let (_, answer) =
        support.send(&mutation("placeOrder"), input).await.map_err(|error| error.to_string())?;
    match answer["data"]["placeOrder"]["order"]["id"].as_str() {
        Some(id) => Ok(id.to_owned()),
        None => Err(answer["errors"][0]["extensions"]["code"].as_str().unwrap_or("no code").to_owned()),
    }
}

/// Places `orders` orders, some of them at the same time.
async fn place(support: &Client, orders: usize) -> Vec<String> {
    let placed = stream::iter(0..orders).map(|_| try_to_place(support)).buffer_unordered(AT_ONCE);
    placed.map(|placed| placed.expect("all is well")).collect().await
}

/// Places orders until one is refused. Returns the ids of the placed orders and the code of the refusal.
async fn place_until_refused(support: &Client) -> (Vec<String>, String) {
    let mut placed = Vec::new();
    loop {
        match try_to_place(support).await {
            Ok(id) => placed.push(id),
            Err(code) => return (placed, code),
        }
        assert!(placed.len() < 20_000, "the disk is never full");
    }
}

/// Checks that all acknowledged orders can be read.
pub(crate) async fn assert_readable(support: &Client, orders: &[String]) {
    let read = stream::iter(orders).map(|id| async move { (id, support.order(id, "id version").await) });
    let read: Vec<(&String, Value)> = read.buffer_unordered(AT_ONCE).collect().await;
    let lost: Vec<_> = read.iter().filter(|(id, order)| order["id"] != id.as_str()).collect();
    assert!(lost.is_empty(), "{} of {} acknowledged orders are lost: {lost:?}", lost.len(), orders.len());
}

async fn is_ready(server: &Server, ready: bool) {
    let expected = if ready { 200 } else { 503 };
    until(&format!("readiness {expected}"), async || {
        (server.readiness().await == Some(expected)).then_some(())
    })
    .await;
}

/// Places an order with a registered shipment, ready for a scan.
async fn shipped(support: &Client, number: &str) -> String {
    let order = support.place(CUSTOMER, 1).await;
    support.move_order(&order, &SEQUENCE[..2]).await;
    assert_eq!(support.ship(&order, number, 1).await["order"]["status"], SEQUENCE[2]);
    order
}

async fn has_status(support: &Client, order: &str, status: &str) {
    until(status, async || (support.order(order, "status").await["status"] == status).then_some(())).await;
}

/// Fills the disk, checks that errors are reported correctly, makes the disk larger, and checks that nothing
/// acknowledged is lost.
async fn fill_and_enlarge(program: Program, mut enlarge: impl AsyncFnMut()) {
    let server = program.serve(&[]).await;
    let support = support(&program, &server).await;
    let parcel = shipped(&support, "794600000001").await;

    let (mut acknowledged, code) = place_until_refused(&support).await;
    assert_eq!(code, "UNAVAILABLE");
    acknowledged.push(parcel.clone());
    is_ready(&server, false).await;
    server.logs("the database takes no writes").await;
    // A small write may still find space after a larger one failed. If it is acknowledged, it must not be lost.
    for attempt in 0..6 {
        assert_eq!(server.readiness().await, Some(503), "look {attempt}");
        match try_to_place(&support).await {
            Ok(id) => acknowledged.push(id),
            Err(code) => assert_eq!(code, "UNAVAILABLE", "attempt {attempt}"),
        }
        let pushed = push(server.url(), &fedex("794600000001", InTransit, 50 + attempt), None).await;
        assert!(pushed == 200 || pushed == 503, "attempt {attempt}: {pushed}");
    }
    assert_readable(&support, &acknowledged).await;

    enlarge().await;
    is_ready(&server, true).await;
    server.logs("the database takes writes again").await;
    acknowledged.extend(place(&support, 300).await);
    assert_eq!(push(server.url(), &fedex("794600000001", InTransit, 5), None).await, 200);
    has_status(&support, &parcel, "SHIPPED").await;
    assert_readable(&support, &acknowledged).await;
    server.stop().await;

    let server = program.serve(&[]).await;
    let support = support.at(&server);
    assert_readable(&support, &acknowledged).await;
    assert_eq!(support.order(&parcel, "status").await["status"], "SHIPPED");
    let count = support.data(ORDERS, json!({})).await["orders"]["totalCount"].as_u64().expect("a number");
    assert!(count >= acknowledged.len() as u64);
    server.stop().await;
}

/// Checks a server that cannot write: it stays not ready, refuses writes with the right code, and still answers
/// queries.
async fn assert_full(server: &Server, support: &Client) {
    is_ready(server, false).await;
    server.logs("the database takes no writes").await;
    for attempt in 0..6 {
        assert_eq!(server.readiness().await, Some(503), "look {attempt}");
        assert_eq!(try_to_place(support).await, Err("UNAVAILABLE".to_owned()), "attempt {attempt}");
        let body = fedex("794600000001", InTransit, 50 + attempt);
        assert_eq!(push(server.url(), &body, None).await, 503, "attempt {attempt}");
        support.data(ORDERS, json!({})).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_loses_nothing_that_was_acknowledged() {
    let Some(mut disk) = Disk::mount(5).await else {
        eprintln!("skipped: nothing can be mounted here; a quota stands for it in the next test");
        return;
    };
    let folder = TempDir::new().unwrap();
    let url = format!("sqlite://{}/milepost.db?mode=rwc", disk.folder().display());
    let program = disk.seen_by(program(folder.path()).set("MILEPOST_DATABASE_URL", &url));
    fill_and_enlarge(program, async || disk.resize(200).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_may_not_grow_loses_nothing_that_was_acknowledged() {
    let (folder, faults) = (TempDir::new().unwrap(), Faults::new());
    let program = faults.within(program(folder.path()));
    assert!(program.run(&["migrate"]).await.status.success());
    faults.set(Fault::Quota(2_500_000));
    fill_and_enlarge(program, async || faults.set(Fault::None)).await;
}

/// Starts a fault while orders are placed, ends it after some attempts, and checks that nothing acknowledged is lost.
async fn survive(fault: Fault) {
    let (folder, faults) = (TempDir::new().expect("a folder"), Faults::new());
    let program = faults.within(program(folder.path()));
    let server = program.serve(&[]).await;
    let support = support(&program, &server).await;
    let parcel = shipped(&support, "794600000001").await;
    let mut acknowledged = place(&support, 20).await;
    acknowledged.push(parcel.clone());

    for round in 0..2 {
        faults.set(fault);
        let (placed, code) = place_until_refused(&support).await;
        assert_eq!(code, "UNAVAILABLE", "{fault:?}, round {round}");
        acknowledged.extend(placed);
        assert_full(&server, &support).await;
        faults.set(Fault::None);
        is_ready(&server, true).await;
        acknowledged.extend(place(&support, 20).await);
        assert_readable(&support, &acknowledged).await;
    }
    assert_eq!(push(server.url(), &fedex("794600000001", InTransit, 5), None).await, 200);
    has_status(&support, &parcel, "SHIPPED").await;
    let began = server.log().matches("the database takes no writes").count();
    let ended = server.log().matches("the database takes writes again").count();
    assert_eq!((began, ended), (2, 2), "a line when it begins, a line when it ends: {}", server.log());
    server.kill().await;

    let server = program.serve(&[]).await;
    let support = support.at(&server);
    assert_readable(&support, &acknowledged).await;
    assert_eq!(support.order(&parcel, "status").await["status"], "SHIPPED");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_without_room_lose_nothing_that_was_acknowledged() {
    survive(Fault::DiskFull).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failed_writes_lose_nothing_that_was_acknowledged() {
    survive(Fault::Write).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failed_syncs_lose_nothing_that_was_acknowledged() {
    survive(Fault::Sync).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_file_system_loses_nothing_that_was_acknowledged() {
    survive(Fault::ReadOnly).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failed_reads_lose_nothing_that_was_acknowledged() {
    let (folder, faults) = (TempDir::new().unwrap(), Faults::new());
    let program = faults.within(program(folder.path()));
    let server = program.serve(&[]).await;
    let support = support(&program, &server).await;
    let mut acknowledged = place(&support, 20).await;
    for _ in 0..3 {
        faults.set(Fault::Read);
        // Some attempts may succeed: the writer does not read what it has in its cache.
        let attempts: Vec<_> = stream::iter(0..20).then(|_| try_to_place(&support)).collect().await;
        for attempt in attempts {
            match attempt {
                Ok(id) => acknowledged.push(id),
                Err(code) => assert_eq!(code, "UNAVAILABLE"),
            }
        }
        let (_, listed) = support.send("{ orders { nodes { id } } }", json!({})).await.unwrap();
        assert_eq!(listed["errors"][0]["extensions"]["code"], "UNAVAILABLE", "{listed}");
        faults.set(Fault::None);
        is_ready(&server, true).await;
        acknowledged.extend(place(&support, 20).await);
        assert_readable(&support, &acknowledged).await;
    }
    server.stop().await;
    let server = program.serve(&[]).await;
    assert_readable(&support.at(&server), &acknowledged).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_another_program_has_locked_is_waited_for_and_then_reported() {
    let folder = TempDir::new().unwrap();
    let program = program(folder.path());
    let server = program.serve(&[]).await;
    let support = support(&program, &server).await;
    let mut acknowledged = place(&support, 5).await;
    let url = format!("sqlite://{}/milepost.db", folder.path().display());
    let held = Database::hold_sqlite(&url).await;
    assert_eq!(try_to_place(&support).await, Err("UNAVAILABLE".to_owned()));
    assert_eq!(push(server.url(), &fedex("794600000001", InTransit, 5), None).await, 503);
    is_ready(&server, false).await;
    assert_readable(&support, &acknowledged).await;
    held.release().await;
    is_ready(&server, true).await;
    acknowledged.extend(place(&support, 20).await);
    server.kill().await;
    let server = program.serve(&[]).await;
    assert_readable(&support.at(&server), &acknowledged).await;
    server.stop().await;
}
