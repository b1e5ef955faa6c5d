//! Tests one process with SQLite and all roles. Only the secret of FedEx's webhooks is set.

use domain::ShipmentStatus::{Delivered, InTransit, OutForDelivery};
use serde_json::json;
use tempfile::TempDir;
use tests::{
    http::{self, push},
    socket::Socket,
    wait::until,
};

use crate::installation::{CUSTOMER, SEQUENCE, customer, fedex, program, support};

const NUMBER: &str = "794600000001";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_in_the_same_folder_keeps_everything() {
    let folder = TempDir::new().unwrap();
    let program = program(folder.path());
    let server = program.serve(&[]).await;
    let support = support(&program, &server).await;
    let order = support.place(CUSTOMER, 1).await;
    let mut socket = Socket::open(&customer(&program, &server, CUSTOMER).await).await;
    socket.follow(&order, None);
    assert_eq!(socket.update().await["order"]["status"], "PLACED");
    support.move_order(&order, &SEQUENCE[..2]).await;
    assert_eq!(support.ship(&order, NUMBER, 1).await["order"]["status"], SEQUENCE[2]);
    let scans = [fedex(NUMBER, OutForDelivery, 10), fedex(NUMBER, InTransit, 20)];
    for body in &scans {
        assert_eq!(push(server.url(), body, None).await, 200);
    }
    for (at, status) in SEQUENCE[..5].iter().enumerate() {
        let event = loop {
            let update = socket.update().await;
            if !update["event"].is_null() {
                break update["event"].clone();
            }
        };
        assert_eq!((&event["version"], &event["toStatus"]), (&json!(at + 2), &json!(status)));
    }
    let sent = json!({"key": format!("notify-{order}-out_for_delivery"), "state": "SENT"});
    let query = "version status notifications { key state } events { nodes { version toStatus } }";
    let before = until("the mail", async || {
        let state = support.order(&order, query).await;
        let notifications = state["notifications"].as_array().unwrap();
        let settled = notifications.iter().all(|notification| notification["state"] != "QUEUED");
        (settled && notifications.contains(&sent)).then_some(state)
    })
    .await;
    server.stop().await;

    let server = program.serve(&[]).await;
    let support = support.at(&server);
    assert_eq!(support.order(&order, query).await, before, "with the token of the time before");
    let mailbox = http::client().get(format!("{}/mailbox", server.url())).send().await.unwrap();
    assert!(mailbox.text().await.unwrap().contains("kim@example.com"), "the mail is still in the mailbox");
    for body in &scans {
        assert_eq!(push(server.url(), body, None).await, 200, "FedEx is not sure of our answer");
    }
    assert_eq!(push(server.url(), &fedex(NUMBER, Delivered, 0), None).await, 200);
    until("the delivery", async || {
        (support.order(&order, "status").await["status"] == "DELIVERED").then_some(())
    })
    .await;
    assert_eq!(support.order(&order, "version").await["version"], 7);
}
