//! The command `milepost serve`: creates a server from the settings and runs it. Called by `main`.
//!
//! `run` checks the settings, starts the log, binds the address, opens the database (`open_database`), and builds the
//! parts with the `build_…` functions, which connect to nothing. Then `Server::run` runs until a signal.
//!
//! - A signal while the database is opened ends `run` without an error.
//! - Without `REDIS_URL`, feed and queues are inside the process; without `SMTP_URL`, mails go to the mailbox; without
//!   `DHL_API_KEY`, the activator activates nothing.
//! - `address` is the bound address, with the real port. `choose_public_url` uses it if `PUBLIC_URL` is unset.
//! - `shows_mailbox` is false if there is a mail server, or if others could reach the mailbox, which needs no token.

use std::{fmt, io, net::SocketAddr, sync::Arc};

use anyhow::Context;
use app::{Policy, feed::Feed};
use carriers::Sender;
use clap::Args;
use persistence::Store;
use tokio::net::{TcpListener, TcpSocket};
use worker::{Activator, Queues, mail::Mailer, redis_feed};

use crate::{
    address, database, files,
    keys::{Keys, Origin},
    role::Role,
    server::Server,
    settings::{BadSettings, Settings},
    shutdown, telemetry,
};

/// The examples below the command's help.
pub const EXAMPLES: &str = "\
Examples:
  milepost serve
  MILEPOST_REDIS_URL=redis://127.0.0.1:6379 milepost serve --role worker";

/// How many connections may wait to be accepted. With tokio's default of 1,024, a burst of 2,000 connections delayed
/// other clients by a second, until the system sent their first packet again. The system may allow fewer:
/// `net.core.somaxconn`.
const BACKLOG: u32 = 4096;
/// The prefix of all keys and channels in Redis.
const NAMESPACE: &str = "milepost";

/// The arguments of `milepost serve`.
#[derive(Args, Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    /// What this process does; a role other than `all` needs MILEPOST_REDIS_URL
    #[arg(long, value_enum, default_value_t)]
    pub role: Role,
    /// Leave the database's schema as it is; it must be up to date
    #[arg(long)]
    pub no_migrate: bool,
}

/// Runs the server until a signal stops it.
pub async fn run(settings: Settings, arguments: Arguments) -> anyhow::Result<()> {
    let role = arguments.role;
    settings.check_serving(role)?;
    telemetry::init(&settings)?;
    let stop = shutdown::cancel_on_signal()?;
    let http = files::raise_limit_and_fit(settings.http);
    let keys = Keys::from_settings(&settings)?;
    // Bind the address before connecting to the database: a taken port is the most common mistake, and is reported at
    // once.
    let listener = bind_listener(settings.listen)
        .with_context(|| format!("MILEPOST_LISTEN: {} cannot be listened on", settings.listen))?;
    let address = listener.local_addr().context("MILEPOST_LISTEN: the system does not tell the port")?;
    let Some(store) = stop.run_until_cancelled(open_database(&settings, arguments.no_migrate)).await else {
        return Ok(());
    };
    let store = store?;
    log_start(&settings, role, address, &keys.origin);
    let (feed, queues) = build_feed_and_queues(&settings)?;
    let mailer = build_mailer(&settings, &store)?;
    let activator = build_activator(&settings)?;
    let policy = build_policy(&settings, address, keys.link_secret)?;
    let server = Server {
        role,
        listener,
        http,
        store,
        feed,
        policy,
        tokens: keys.tokens,
        graphiql: settings.graphiql,
        limits: settings.limits,
        mailbox: shows_mailbox(&settings, address),
        queues,
        mailer,
        activator,
    };
    server.run(stop).await
}

/// Connects to the database, and migrates the schema. With `--no-migrate` it checks only that the schema is up to date.
async fn open_database(settings: &Settings, no_migrate: bool) -> anyhow::Result<Store> {
    if no_migrate {
        return database::wait_and_open_up_to_date(settings).await;
    }
    let store = database::connect(settings).await?;
    database::migrate(&store, settings).await?;
    Ok(store)
}

/// Binds the address like tokio's `TcpListener::bind`, but with a longer queue of connections to accept.
fn bind_listener(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A restarted server can bind its address although connections of the previous process are still in TIME_WAIT.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Creates the live feed and the queues: in Redis, or without `REDIS_URL` inside this process.
fn build_feed_and_queues(settings: &Settings) -> Result<(Feed, Queues), BadSettings> {
    let Some(url) = &settings.redis_url else { return Ok((Feed::memory(), Queues::memory())) };
    let bad = |error: &dyn fmt::Display| BadSettings::one("MILEPOST_REDIS_URL", error);
    let feed = redis_feed(url.expose(), NAMESPACE).map_err(|error| bad(&error))?;
    let queues = Queues::redis(url.expose(), NAMESPACE).map_err(|error| bad(&error))?;
    Ok((feed, queues))
}

fn build_mailer(settings: &Settings, store: &Store) -> Result<Arc<Mailer>, BadSettings> {
    let mailer = match &settings.smtp_url {
        Some(url) => Mailer::smtp(url.expose(), &settings.mail_from),
        None => Mailer::mailbox(store.clone(), &settings.mail_from),
    };
    mailer.map(Arc::new).map_err(|error| BadSettings::one("MILEPOST_SMTP_URL", error))
}

fn build_activator(settings: &Settings) -> anyhow::Result<Activator> {
    match &settings.dhl_api_key {
        Some(key) => Activator::default()
            .with_dhl(key.expose(), settings.dhl_api_url.clone())
            .context("MILEPOST_DHL_API_KEY: cannot be used"),
        None => Ok(Activator::default()),
    }
}

fn build_policy(settings: &Settings, address: SocketAddr, link_secret: Vec<u8>) -> anyhow::Result<Policy> {
    Ok(Policy {
        public_url: choose_public_url(settings, address),
        link_secret,
        senders: settings.build_sender_secrets()?,
        codes: settings.carrier_codes.clone(),
        carriers: settings.carriers.clone(),
        customers_place_orders: settings.customers_place_orders,
        customer_orders_per_minute: Some(settings.customer_orders_per_minute),
        notification_max_age: settings.notification_max_age,
    })
}

fn choose_public_url(settings: &Settings, address: SocketAddr) -> String {
    settings.public_url.clone().unwrap_or_else(|| format!("http://{address}"))
}

/// The mailbox needs no token, so it is shown only if the server listens on a loopback address.
fn shows_mailbox(settings: &Settings, address: SocketAddr) -> bool {
    settings.smtp_url.is_none() && address.ip().is_loopback()
}

/// Logs what the server runs with, and the consequences of settings that are unset.
fn log_start(settings: &Settings, role: Role, address: SocketAddr, origin: &Origin) {
    let url = choose_public_url(settings, address);
    let database = address::redact_url(settings.database_url.expose());
    let redis = settings.redis_url.as_ref().map(|url| address::redact_url(url.expose()));
    let may_push = |sender: &Sender| settings.describe_authentication(*sender).is_some();
    let senders: Vec<_> = Sender::ALL.into_iter().filter(may_push).map(Sender::as_str).collect();
    let version = env!("CARGO_PKG_VERSION");
    tracing::info!(version, %role, %address, database, redis, webhooks = senders.join(","), "milepost starts");
    match origin {
        Origin::Setting => {}
        Origin::File(path) => tracing::warn!(
            "MILEPOST_JWT_SECRET is unset: tokens are signed with a made-up secret, kept in {}",
            path.display()
        ),
        Origin::Memory => {
            tracing::warn!("MILEPOST_JWT_SECRET is unset: tokens and links in mails end with this process");
        }
    }
    if settings.public_url.is_none() && (role == Role::Worker || address.ip().is_unspecified()) {
        tracing::warn!("MILEPOST_PUBLIC_URL is unset: links in mails lead to {url}");
    }
    if settings.carrier_codes.get(Sender::Fedex, "OC").is_none() {
        tracing::info!(
            "a printed FedEx label (OC) counts as shipped; MILEPOST_CARRIER_CODES=fedex.OC=label_created changes that"
        );
    }
    if may_push(&Sender::Dhl) && settings.dhl_api_key.is_none() {
        tracing::warn!("MILEPOST_DHL_API_KEY is unset: new subscriptions at DHL are not activated");
    }
    if role != Role::Worker && shows_mailbox(settings, address) {
        tracing::info!("MILEPOST_SMTP_URL is unset: mails are kept and shown at http://{address}/mailbox");
    } else if settings.smtp_url.is_none() {
        tracing::warn!("MILEPOST_SMTP_URL is unset: mails are kept in the database and sent to nobody");
    }
    if role != Role::Worker {
        tracing::info!("GraphQL at http://{address}/graphql; for a token: milepost token --role support");
    }
}
