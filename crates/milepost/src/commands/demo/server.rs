//! Runs the server of the demo: the one of `serve --role all`, with a SQLite file in a temporary folder.
//!
//! It reads no environment variable. `commands::demo::run` calls [`Embedded::start`], [`Embedded::wait_until_stopping`]
//! beside the play, and [`Embedded::end`], which removes the folder. The other functions build the parts for `start`;
//! `issue_token` becomes a part of [`Installation`], and the simulator calls it.
//! `bind_listener` takes the port 8080, or any free port if another process has that one.

use std::{io::ErrorKind, net::Ipv4Addr, path::Path, sync::Arc};

use anyhow::Context;
use api::{
    auth::{Claims, Tokens},
    graphql::limits::Limits,
    listener::HttpLimits,
};
use app::{Clock, Policy, feed::Feed};
use carriers::{CodeMap, Secrets, Sender};
use chrono::TimeDelta;
use domain::{Actor, CarrierDirectory, NotificationMaxAge};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use persistence::Store;
use simulator::demo::Installation;
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use worker::{Activator, Queues, mail::Mailer};

use crate::{role::Role, server::Server};

/// The default port of `milepost serve`. If it is taken, the system chooses another one.
const PORT: u16 = 8080;
/// The sender of the demo's mails.
const MAIL_FROM: &str = "Corner Shop <orders@example.org>";
/// The maximum number of database connections for reading. The writer has one more.
const CONNECTIONS: u32 = 4;
/// The lifetime of the demo's tokens.
const TOKENS_FOR: TimeDelta = TimeDelta::hours(24);

/// A running server with all its parts.
pub struct Embedded {
    /// What the simulator needs to know of the server.
    pub installation: Installation,
    /// The folder that holds the database. [`Self::end`] removes it.
    folder: TempDir,
    stop: CancellationToken,
    running: JoinHandle<anyhow::Result<()>>,
}

impl Embedded {
    /// Starts the server on the loopback address.
    pub async fn start() -> anyhow::Result<Self> {
        let BoundListener { listener, usual_port_is_taken } = bind_listener().await?;
        let address = listener.local_addr().context("the system does not tell the port")?;
        let url = format!("http://{address}");
        let folder = tempfile::Builder::new()
            .prefix("milepost-demo-")
            .tempdir()
            .context("no temporary folder can be made")?;
        let store = create_database(folder.path()).await.context("the database cannot be made")?;
        let tokens = Tokens::new(generate_secret().as_bytes()).context("no tokens can be signed")?;
        let secrets = Sender::ALL.map(|sender| (sender, generate_secret()));
        let mailer = Mailer::mailbox(store.clone(), MAIL_FROM).context("the mailbox cannot be made")?;
        let server = Server {
            role: Role::All,
            listener,
            http: HttpLimits::default(),
            store,
            feed: Feed::memory(),
            policy: build_policy(&url, &secrets)?,
            tokens: tokens.clone(),
            graphiql: true,
            limits: Limits::default(),
            mailbox: true,
            queues: Queues::memory(),
            mailer: Arc::new(mailer),
            activator: Activator::default(),
        };
        let stop = CancellationToken::new();
        let running = tokio::spawn(server.run(stop.clone()));
        let installation = Installation {
            url,
            usual_port_is_taken,
            folder: folder.path().to_owned(),
            secrets,
            issue_token: Box::new(move |actor| issue_token(&tokens, actor)),
        };
        Ok(Self { installation, folder, stop, running })
    }

    /// Waits until the server begins to stop because a part of it failed.
    pub async fn wait_until_stopping(&self) {
        self.stop.cancelled().await;
    }

    /// Stops the server, waits for its end, and removes the folder. Returns the error of the part that failed, if one
    /// did.
    pub async fn end(self) -> anyhow::Result<()> {
        self.stop.cancel();
        let ended = self.running.await.context("the server broke off")?;
        self.folder.close().context("the temporary folder cannot be removed")?;
        ended
    }
}

/// A bound listener. The flag says that the usual port was taken.
struct BoundListener {
    listener: TcpListener,
    usual_port_is_taken: bool,
}

/// Binds the usual port. If another process has it, binds any free port.
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

async fn create_database(folder: &Path) -> anyhow::Result<Store> {
    let file = folder.join("milepost.db");
    let file = file.to_str().context("the path of the temporary folder is no text")?;
    let file = utf8_percent_encode(file, NON_ALPHANUMERIC);
    let store = Store::connect(&format!("sqlite://{file}?mode=rwc"), CONNECTIONS).await?;
    store.migrate().await?;
    Ok(store)
}

fn build_policy(url: &str, secrets: &[(Sender, String)]) -> anyhow::Result<Policy> {
    let known = |(sender, secret): &(Sender, String)| Ok((*sender, Secrets::new([secret.clone()])?));
    Ok(Policy {
        public_url: url.to_owned(),
        link_secret: generate_secret().into_bytes(),
        senders: secrets.iter().map(known).collect::<anyhow::Result<_>>()?,
        codes: CodeMap::default(),
        carriers: CarrierDirectory::default(),
        customers_place_orders: false,
        customer_orders_per_minute: None,
        notification_max_age: NotificationMaxAge::default(),
    })
}

/// Issues a token that the server accepts.
fn issue_token(tokens: &Tokens, actor: &Actor) -> anyhow::Result<String> {
    let role = actor.kind.as_str().to_owned();
    let exp = (Clock::System.now() + TOKENS_FOR).timestamp();
    Ok(tokens.issue(&Claims { sub: actor.id.clone(), role, exp, ..Claims::default() })?)
}

/// Returns 128 random bits as 32 hexadecimal digits: the minimum length, in bytes, of a secret for tokens.
fn generate_secret() -> String {
    format!("{:032x}", rand::random::<u128>())
}
