//! Tests how a code gets a meaning later: by `milepost replay` while the server runs, and for unknown codes by a
//! restart.

use std::fs;

use domain::ShipmentStatus::Delivered;
use serde_json::json;
use tempfile::TempDir;
use tests::{
    http::{Client, push},
    process::Program,
    wait::until,
};

use crate::installation::{CUSTOMER, SEQUENCE, fedex, on_postgres, program, support};

/// Places an order with a shipment, and pushes a FedEx scan with this code. Returns when the scan is stored.
async fn reported(support: &Client, number: &str, code: &str) -> String {
    let order = support.place(CUSTOMER, 1).await;
    support.move_order(&order, &SEQUENCE[..2]).await;
    support.ship(&order, number, 1).await;
    let body = String::from_utf8(fedex(number, Delivered, 10)).expect("text");
    let body = body.replace("\"DL\"", &format!("\"{code}\""));
    assert_eq!(push(support.url(), body.as_bytes(), None).await, 200);
    until("the scan", async || {
        let query = "shipments { scans { nodes { carrierCode } } }";
        let found = support.order(&order, query).await["shipments"][0]["scans"]["nodes"].take();
        (found == json!([{ "carrierCode": code }])).then_some(())
    })
    .await;
    order
}

/// Runs `milepost replay`. Returns the exit code, stdout and stderr.
async fn replay(program: &Program, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = program.run(&[&["replay"], arguments].concat()).await;
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

async fn a_replay_tells_and_then_does(program: Program) {
    let server = program.serve(&[]).await;
    let support = support(&program, &server).await;
    let order = reported(&support, "794600000001", "SE").await;
    let program = program.set("MILEPOST_CARRIER_CODES", "fedex.SE=delivered").set("MILEPOST_LOG", "error");
    let line = format!(
        "order {order}, FedEx 794600000001: label_created → delivered; order: delivered; mail: delivered\n"
    );
    let told = "1 webhook read, 1 scan read differently, 1 parcel would change (--apply changes it)\n";
    let done = "1 webhook read, 1 scan read differently, 1 parcel changed\n";
    let nothing = "1 webhook read, 0 scans read differently, 0 parcels changed\n";
    let nothing_more = "1 webhook read, 0 scans read differently, 0 parcels would change\n";

    let status = async || support.order(&order, "status").await["status"].take();
    assert_eq!(replay(&program, &["--since", "1d"]).await, (Some(0), format!("{line}{told}"), String::new()));
    assert_eq!(status().await, "AWAITING_PICKUP", "it was told only");
    let apply = ["--since", "1d", "--apply"];
    assert_eq!(replay(&program, &apply).await, (Some(0), format!("{line}{done}"), String::new()));
    assert_eq!(status().await, "DELIVERED");
    assert_eq!(replay(&program, &apply).await, (Some(0), nothing.to_owned(), String::new()));
    let again = replay(&program, &["--since", "30m"]).await;
    assert_eq!(again, (Some(0), nothing_more.to_owned(), String::new()));
    // The replay has enqueued the notification; the running server sends it.
    let sent = json!({"status": "DELIVERED", "state": "SENT"});
    until("the mail", async || {
        let notifications =
            support.order(&order, "notifications { status state }").await["notifications"].take();
        notifications.as_array().is_some_and(|notifications| notifications.contains(&sent)).then_some(())
    })
    .await;
    server.stop().await;
}

async fn a_start_takes_up_what_was_unknown(program: Program) {
    let server = program.serve(&[]).await;
    let staff = support(&program, &server).await;
    let order = reported(&staff, "794600000002", "Q9").await;
    let listed = staff.data("{ unknownCodes { setting scans } }", json!({})).await;
    assert_eq!(listed["unknownCodes"], json!([{"setting": "fedex.Q9=", "scans": 1}]));
    assert_eq!(staff.order(&order, "status").await["status"], "AWAITING_PICKUP");
    server.stop().await;

    let server = program.set("MILEPOST_CARRIER_CODES", "fedex.Q9=delivered").serve(&[]).await;
    let staff = staff.at(&server);
    until("the order", async || (staff.order(&order, "status").await["status"] == "DELIVERED").then_some(()))
        .await;
    assert_eq!(staff.data("{ unknownCodes { carrierCode } }", json!({})).await["unknownCodes"], json!([]));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_tells_and_then_does_on_sqlite() {
    let folder = TempDir::new().unwrap();
    a_replay_tells_and_then_does(program(folder.path())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_tells_and_then_does_on_postgres() {
    let Some(database) = tests::database::Database::postgres().await else { return };
    let folder = TempDir::new().unwrap();
    a_replay_tells_and_then_does(on_postgres(folder.path(), &database.url)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_takes_up_what_was_unknown_on_sqlite() {
    let folder = TempDir::new().unwrap();
    a_start_takes_up_what_was_unknown(program(folder.path())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_takes_up_what_was_unknown_on_postgres() {
    let Some(database) = tests::database::Database::postgres().await else { return };
    let folder = TempDir::new().unwrap();
    a_start_takes_up_what_was_unknown(on_postgres(folder.path(), &database.url)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_arguments_are_named() {
    let folder = TempDir::new().unwrap();
    let program = program(folder.path());
    for (arguments, complaint) in [
        (&["--since", "yesterday"][..], "neither a time like 2026-11-01T00:00:00Z nor how long ago"),
        (&["--since", "4000000000d"], "`4000000000d` is too long: 3650 days are the most"),
        (&["--since", "1d", "--until", "2d"], "error: --until: is before --since\n"),
        (&["--since", "1d", "--carrier", "fedx"], "fedx"),
        (&[], "--since"),
    ] {
        let (code, told, complaints) = replay(&program, arguments).await;
        assert_eq!((code, told.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(complaints.contains(complaint), "{arguments:?}: {complaints}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is made");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_not_there_or_not_up_to_date_is_refused_and_left_alone() {
    let folder = TempDir::new().unwrap();
    let program = program(folder.path());
    let refused = async |program: &Program| {
        let (code, told, complaints) = replay(program, &["--since", "1d"]).await;
        assert_eq!((code, told.as_str()), (Some(1), ""), "{complaints}");
        complaints
    };
    let missing = "error: MILEPOST_DATABASE_URL: there is no file milepost.db; ";
    assert_eq!(refused(&program).await, format!("{missing}serve and migrate make it\n"));
    let plain = program.clone().set("MILEPOST_DATABASE_URL", "sqlite://milepost.db");
    assert_eq!(refused(&plain).await, format!("{missing}?mode=rwc makes it\n"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "it is not made");

    fs::write(folder.path().join("milepost.db"), "").unwrap();
    let pending = "sqlite://milepost.db: 1 migration is pending: milepost migrate";
    for _ in 0..2 {
        assert_eq!(refused(&program).await, format!("error: MILEPOST_DATABASE_URL: {pending}\n"));
    }
    fs::write(folder.path().join("notes.txt"), "no database at all, and long enough to be told from one\n")
        .unwrap();
    let foreign = program.clone().set("MILEPOST_DATABASE_URL", "sqlite://notes.txt");
    assert!(refused(&foreign).await.starts_with("error: MILEPOST_DATABASE_URL: sqlite://notes.txt"));
    let silent = program.set("MILEPOST_DATABASE_URL", "postgres://milepost:hunter2@127.0.0.1:1/milepost");
    let complaints = refused(&silent).await;
    let named =
        "error: MILEPOST_DATABASE_URL: postgres://127.0.0.1:1/milepost: nothing answers at 127.0.0.1:1: ";
    assert!(complaints.starts_with(named), "{complaints}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_on_postgres_without_tables_is_refused() {
    let Some(database) = tests::database::Database::postgres().await else { return };
    database.store.drop_schema().await.unwrap();
    let folder = TempDir::new().unwrap();
    let program = on_postgres(folder.path(), &database.url);
    let (code, told, complaints) = replay(&program, &["--since", "1d"]).await;
    assert_eq!((code, told.as_str()), (Some(1), ""), "{complaints}");
    assert!(complaints.ends_with(": 1 migration is pending: milepost migrate\n"), "{complaints}");
    assert!(complaints.starts_with("error: MILEPOST_DATABASE_URL: postgres://"), "{complaints}");
}
