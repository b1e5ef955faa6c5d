//! Tests of a whole server over HTTP, on a SQLite file of its own.

use carriers::{Secrets, Sender};
use persistence::Store;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::*;

mod bounds;

struct Running {
    address: String,
    stop: CancellationToken,
    task: JoinHandle<anyhow::Result<()>>,
    _folder: TempDir,
}

async fn start(role: Role) -> Running {
    start_with(role, HttpLimits::default()).await
}

async fn start_with(role: Role, http: HttpLimits) -> Running {
    crate::install_tls_provider();
    let folder = tempfile::tempdir().unwrap();
    let store =
        Store::connect(&format!("sqlite://{}/x.db?mode=rwc", folder.path().display()), 2).await.unwrap();
    store.migrate().await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let secrets = Secrets::new(["hush".to_owned()]).unwrap();
    let senders = Sender::ALL.into_iter().map(|sender| (sender, secrets.clone())).collect();
    let policy = Policy { senders, ..Policy::default() };
    let mailer = Arc::new(Mailer::mailbox(store.clone(), "orders@localhost").unwrap());
    let server = Server {
        role,
        listener,
        http,
        store,
        feed: Feed::memory(),
        policy,
        tokens: Tokens::new(&[7; 32]).unwrap(),
        graphiql: true,
        limits: Limits::default(),
        mailbox: true,
        queues: Queues::memory(),
        mailer,
        activator: Activator::default(),
    };
    let stop = CancellationToken::new();
    let task = tokio::spawn(server.run(stop.clone()));
    Running { address, stop, task, _folder: folder }
}

impl Running {
    async fn status(&self, path: &str) -> u16 {
        reqwest::get(format!("{}{path}", self.address)).await.unwrap().status().as_u16()
    }

    async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
        assert!(reqwest::get(&self.address).await.is_err(), "it still listens");
    }
}

#[tokio::test]
async fn an_api_answers_and_stops_when_told() {
    let server = start(Role::Api).await;
    for path in ["/livez", "/readyz", "/mailbox"] {
        assert_eq!(server.status(path).await, 200, "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_worker_answers_health_questions_only() {
    let server = start(Role::Worker).await;
    assert_eq!(server.status("/livez").await, 200);
    assert_eq!(server.status("/graphql").await, 404);
    assert_eq!(server.status("/webhooks/fedex").await, 404);
    server.stop().await;
}

#[tokio::test]
async fn a_composed_scan_is_taken_and_a_wrongly_signed_one_is_not() {
    use clap::Parser;

    let server = start(Role::All).await;
    let scan = async |secret: &str| {
        let line =
            ["milepost", "scan", "--carrier", "fedex", "--tracking", "794600000001", "--status", "delivered"];
        let line = line.into_iter().chain(["--secret", secret, "--to", &server.address, "--repeat", "2"]);
        let Some(crate::cli::Command::Scan(arguments)) = crate::cli::Cli::parse_from(line).command else {
            panic!("it is no scan")
        };
        crate::commands::scan::run(|| unreachable!("the arguments say all"), arguments).await
    };
    scan("hush").await.unwrap();
    let refused = scan("wrong").await.unwrap_err().to_string();
    assert!(refused.contains("refused it: 401"), "{refused}");
    server.stop().await;
}
