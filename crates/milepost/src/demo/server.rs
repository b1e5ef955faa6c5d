//! The server of the demo: what `serve --role all` runs, on a SQLite file in a folder of its own.
//!
//! Nothing is read from the environment, and nothing is left behind when it ends.

use std::{io::ErrorKind, net::Ipv4Addr, path::Path, sync::Arc};

use anyhow::Context;
use api::{auth::Tokens, graphql::limits::Limits, listener::HttpLimits};
use app::{App, Clock, Policy, feed::Feed};
use carriers::{CodeMap, Secrets, Sender};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use persistence::Store;
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use worker::{Dhl, Queues, mail::Mailer};

use crate::{role::Role, server::Server};

/// The port of `milepost serve`; another one where it is taken.
const PORT: u16 = 8080;
/// The demo's shop, as its customers know it.
const MAIL_FROM: &str = "Corner Shop <orders@example.org>";
/// Connections to the database: a few readers beside the one writer.
const CONNECTIONS: u32 = 4;

/// A running server with everything in it.
pub struct Embedded {
    /// Where it is reached: `http://127.0.0.1:8080`.
    pub url: String,
    /// Whether another process has the usual port.
    pub usual_port_is_taken: bool,
    /// Signs tokens that it accepts.
    pub tokens: Tokens,
    /// What each carrier proves its webhooks with.
    pub secrets: [(Sender, String); Sender::ALL.len()],
    folder: TempDir,
    stop: CancellationToken,
    running: JoinHandle<anyhow::Result<()>>,
}

impl Embedded {
    /// Starts it on the loopback address.
    pub async fn start() -> anyhow::Result<Self> {
        let BoundListener { listener, usual_port_is_taken } = bind_listener().await?;
        let address = listener.local_addr().context("the system does not tell the port")?;
        let url = format!("http://{address}");
        let folder = tempfile::Builder::new()
            .prefix("milepost-demo-")
            .tempdir()
            .context("no temporary folder can be made")?;
        let store = database(folder.path()).await.context("the database cannot be made")?;
        let tokens = Tokens::new(secret().as_bytes()).context("no tokens can be signed")?;
        let secrets = Sender::ALL.map(|sender| (sender, secret()));
        let mailer = Mailer::mailbox(store.clone(), MAIL_FROM).context("the mailbox cannot be made")?;
        let server = Server {
            role: Role::All,
            listener,
            http: HttpLimits::default(),
            app: App::new(store, Clock::System, Feed::memory(), policy(&url, &secrets)?),
            tokens: tokens.clone(),
            graphiql: true,
            limits: Limits::default(),
            mailbox: true,
            queues: Queues::memory(),
            mailer: Arc::new(mailer),
            dhl: Dhl::without_key(),
        };
        let stop = CancellationToken::new();
        let running = tokio::spawn(server.run(stop.clone()));
        Ok(Self { url, usual_port_is_taken, tokens, secrets, folder, stop, running })
    }

    /// The folder that holds the database while the demo runs.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Waits until it stops by itself, because a part failed.
    pub async fn stopping(&self) {
        self.stop.cancelled().await;
    }

    /// Stops it, waits for its end and removes the folder. Fails as the part did that failed.
    pub async fn end(self) -> anyhow::Result<()> {
        self.stop.cancel();
        let ended = self.running.await.context("the server broke off")?;
        self.folder.close().context("the temporary folder cannot be removed")?;
        ended
    }
}

/// A listener, and whether the usual port was taken, so that it listens on another one.
struct BoundListener {
    listener: TcpListener,
    usual_port_is_taken: bool,
}

/// Binds the usual port, or any free one where somebody else has the usual one.
async fn bind_listener() -> anyhow::Result<BoundListener> {
    let bind = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    match bind(PORT).await {
        Ok(listener) => Ok(BoundListener { listener, usual_port_is_taken: false }),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            let listener = bind(0).await.context("no port of this machine is free")?;
            Ok(BoundListener { listener, usual_port_is_taken: true })
        }
        Err(error) => Err(error).with_context(|| format!("127.0.0.1:{PORT} cannot be listened on")),
    }
}

async fn database(folder: &Path) -> anyhow::Result<Store> {
    let file = folder.join("milepost.db");
    let file = file.to_str().context("the path of the temporary folder is no text")?;
    let file = utf8_percent_encode(file, NON_ALPHANUMERIC);
    let store = Store::connect(&format!("sqlite://{file}?mode=rwc"), CONNECTIONS).await?;
    store.migrate().await?;
    Ok(store)
}

fn policy(url: &str, secrets: &[(Sender, String)]) -> anyhow::Result<Policy> {
    let known = |(sender, secret): &(Sender, String)| Ok((*sender, Secrets::new([secret.clone()])?));
    Ok(Policy {
        public_url: url.to_owned(),
        link_secret: secret().into_bytes(),
        senders: secrets.iter().map(known).collect::<anyhow::Result<_>>()?,
        codes: CodeMap::default(),
        customers_place_orders: false,
        customer_orders_per_minute: None,
    })
}

/// 128 random bits as text, the 32 bytes that a token's secret needs at least.
fn secret() -> String {
    format!("{:032x}", rand::random::<u128>())
}
