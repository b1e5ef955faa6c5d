//! Tests that acknowledged orders survive when a server with SQLite is killed, or loses its power, at any moment.

use std::{
    fs,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
};

use tempfile::TempDir;
use tests::{faults::Faults, http::Client, process::Program, wait::until};

use crate::{
    faults::{assert_readable, try_to_place},
    installation::{program, support},
};

/// Returns the orders that were acknowledged so far.
fn so_far(acknowledged: &Mutex<Vec<String>>) -> Vec<String> {
    acknowledged.lock().expect("no test has panicked").clone()
}

/// Places orders in parallel until it is told to stop, and collects the ids of the acknowledged ones.
async fn load(support: &Client, acknowledged: &Mutex<Vec<String>>, until: &AtomicBool) {
    let one = async || {
        while !until.load(SeqCst) {
            if let Ok(id) = try_to_place(support).await {
                acknowledged.lock().expect("no test has panicked").push(id);
            }
        }
    };
    futures::future::join_all((0..4).map(|_| one())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_is_killed_at_any_moment_loses_nothing_that_was_acknowledged() {
    let folder = TempDir::new().unwrap();
    let program = program(folder.path());
    let acknowledged = Mutex::new(Vec::new());
    for round in 1..=4 {
        let server = program.serve(&[]).await;
        let support = support(&program, &server).await;
        assert_readable(&support, &so_far(&acknowledged)).await;
        let stop = AtomicBool::new(false);
        let kill = async {
            until("some orders", async || (so_far(&acknowledged).len() >= 15 * round).then_some(())).await;
            server.kill().await;
            stop.store(true, SeqCst);
        };
        tokio::join!(load(&support, &acknowledged, &stop), kill);
    }
    let server = program.serve(&[]).await;
    let support = support(&program, &server).await;
    assert_readable(&support, &so_far(&acknowledged)).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loss_of_power_at_any_moment_loses_nothing_that_was_acknowledged() {
    let (folder, faults) = (TempDir::new().unwrap(), Faults::new());
    faults.keep();
    let program = faults.within(program(folder.path()));
    let server = program.serve(&[]).await;
    let support = support(&program, &server).await;
    let (acknowledged, stop) = (Mutex::new(Vec::<String>::new()), AtomicBool::new(false));
    let cuts = async {
        for cut in 1..=5 {
            until("some orders", async || (so_far(&acknowledged).len() >= 40 * cut).then_some(())).await;
            let left = TempDir::new().unwrap();
            let before = so_far(&acknowledged);
            faults.lose_power(left.path()).await;
            assert_kept(left.path(), &program, folder.path(), &before).await;
        }
        stop.store(true, SeqCst);
    };
    tokio::join!(load(&support, &acknowledged, &stop), cuts);
    server.stop().await;
}

/// Starts a server on the files that remained after the loss of power, and checks that it has these orders.
async fn assert_kept(left: &Path, original: &Program, folder: &Path, orders: &[String]) {
    let secret = "milepost.db.jwt-secret";
    fs::copy(folder.join(secret), left.join(secret)).expect("the secret of the original");
    let token = original.token(&["--role", "support", "--user", "sam"]).await;
    let server = program(left).serve(&[]).await;
    assert_readable(&Client::new(&server, &token), orders).await;
    server.stop().await;
}
