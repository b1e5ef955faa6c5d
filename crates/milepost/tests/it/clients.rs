//! Tests the GraphQL clients that storefronts use. They follow orders while their sockets are cut a hundred times and
//! the server restarts once. Each client receives every order event once and in order.
//!
//! The code of the clients is in `tests/clients/follow`; docs/api.md shows it.

use std::{collections::BTreeMap, process::Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{node, process::Program, proxy::Proxy, wait::within};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    sync::watch,
};

use crate::installation::{CUSTOMER, SEQUENCE, customer, program, support};

const CUTS: usize = 100;
const ORDERS: usize = 16;
/// The last statuses of each order. `RETURNED` is final, so the client's subscription ends there.
const RETURN: [&str; 2] = ["RETURN_INITIATED", "RETURNED"];

/// The messages that a client has printed.
#[derive(Clone, Debug, Default)]
struct Seen {
    connections: usize,
    /// For each order, how often its current state was received.
    states: BTreeMap<String, usize>,
    /// For each order, the versions and statuses of its events, in the sequence in which they were received.
    events: BTreeMap<String, Vec<(i64, String)>>,
    /// For each order, how often the end of its subscription was received.
    ends: BTreeMap<String, usize>,
}

/// A client process with a proxy of its own, so that the test can cut its connection.
struct Follower {
    name: &'static str,
    wire: Proxy,
    child: Child,
    seen: watch::Receiver<Seen>,
}

impl Follower {
    async fn start(
        mut command: Command,
        name: &'static str,
        server: &str,
        token: &str,
        orders: &[String],
    ) -> Self {
        let wire = Proxy::start(server).await.expect("a free port");
        let url = format!("ws://{}/graphql", wire.address());
        let command = command.arg(name).arg(url).arg(token).args(orders);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("Node.js runs");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let (printed, seen) = watch::channel(Seen::default());
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let line: Value = serde_json::from_str(&line).expect("lines are JSON");
                printed.send_modify(|seen| seen.note(&line));
            }
        });
        Self { name, wire, child, seen }
    }

    /// Waits until `is_so` holds for the messages of the client.
    async fn sees(&mut self, what: &str, is_so: impl FnMut(&Seen) -> bool) {
        let what = format!("{}: {what}", self.name);
        assert!(within(&what, self.seen.wait_for(is_so)).await.is_ok(), "{what}: the client ended");
    }

    fn connections(&self) -> usize {
        self.seen.borrow().connections
    }
}

impl Seen {
    fn note(&mut self, line: &Value) {
        let Some(order) = line["order"].as_str().map(str::to_owned) else {
            assert_eq!(line["connected"], true, "{line}");
            self.connections += 1;
            return;
        };
        match (line["version"].as_i64(), line["ended"].as_bool()) {
            (Some(version), _) => {
                let status = line["status"].as_str().expect("an event has a status").to_owned();
                self.events.entry(order).or_default().push((version, status));
            }
            (None, Some(_)) => *self.ends.entry(order).or_default() += 1,
            (None, None) => *self.states.entry(order).or_default() += 1,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_client_sees_every_event_once_through_cuts_and_a_restart() {
    let names = ["graphql-ws", "apollo", "urql"];
    let commands: Option<Vec<Command>> = names.iter().map(|_| node::command("follow/main.js")).collect();
    let Some(commands) = commands else { return };
    let folder = TempDir::new().unwrap();
    let program = program(folder.path());
    let mut server = program.serve(&[]).await;
    let address = server.url().trim_start_matches("http://").to_owned();
    let mover = support(&program, &server).await;
    let mut orders = Vec::new();
    for _ in 0..ORDERS {
        orders.push(mover.place(CUSTOMER, 1).await);
    }
    let token = customer(&program, &server, CUSTOMER).await.token().to_owned();
    let mut followers = Vec::new();
    for (command, name) in commands.into_iter().zip(names) {
        followers.push(Follower::start(command, name, &address, &token, &orders).await);
    }
    for follower in &mut followers {
        follower.sees("the present state of every order", |seen| seen.states.len() == ORDERS).await;
    }

    // Move the orders in turn, so that all of them are between two statuses at every cut.
    let steps: Vec<&str> = SEQUENCE.into_iter().chain(RETURN).collect();
    let mut moves = steps.iter().flat_map(|step| orders.iter().map(move |order| (order, *step)));
    for cut in 0..CUTS {
        let before: Vec<usize> = followers.iter().map(Follower::connections).collect();
        let (order, step) = moves.next().unwrap();
        // Half of the events happen just before the cut, half of them while no client is connected.
        if cut % 2 == 0 {
            mover.move_order(order, &[step]).await;
        }
        followers.iter_mut().for_each(|follower| follower.wire.cut());
        if cut % 2 == 1 {
            mover.move_order(order, &[step]).await;
        }
        if cut == CUTS / 2 {
            server.stop().await;
            server = restarted(&program, &address).await;
        }
        for (follower, before) in followers.iter_mut().zip(before) {
            follower.wire.mend().await.unwrap();
            follower.sees("a new connection", |seen| seen.connections > before).await;
        }
    }
    for (order, step) in moves {
        mover.move_order(order, &[step]).await;
    }

    let all: Vec<_> = (2..).zip(&steps).map(|(version, step)| (version, (*step).to_owned())).collect();
    for mut follower in followers {
        follower.sees("the end of every order", |seen| seen.ends.len() == ORDERS).await;
        let status = within("the end of a client", follower.child.wait()).await.unwrap();
        assert!(status.success(), "{}: {status}", follower.name);
        let seen = follower.seen.borrow();
        assert!(seen.connections > CUTS, "{}: {} connections", follower.name, seen.connections);
        for order in &orders {
            assert_eq!(seen.events[order], all, "{}: the events of {order}", follower.name);
            assert_eq!(seen.ends[order], 1, "{}: the end of {order}", follower.name);
        }
    }
    assert_eq!(mover.order(&orders[0], "status").await, json!({"status": "RETURNED"}));
    server.stop().await;
}

/// Starts the server again at its previous address.
async fn restarted(program: &Program, address: &str) -> tests::process::Server {
    program.clone().set("MILEPOST_LISTEN", address).serve(&[]).await
}
