//! The server under attack: `milepost serve` with its default settings, and the shop of `seed`.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Result;

use super::seed::{self, CUSTOMER, Shop};
use crate::server::{self, Server, Setup};

/// The secret with which UPS authenticates its webhooks here.
pub const UPS_SECRET: &str = "hostile-ups-secret";

/// The settings of the server. Only secrets of senders are set, because the route of a sender without one is closed.
const SETTINGS: [(&str, &str); 8] = [
    ("MILEPOST_WEBHOOK_SECRET_UPS", UPS_SECRET),
    ("MILEPOST_WEBHOOK_SECRET_USPS", "hostile-usps-secret"),
    ("MILEPOST_WEBHOOK_SECRET_DHL", "hostile-dhl-secret"),
    ("MILEPOST_WEBHOOK_SECRET_EASYPOST", "hostile-easypost-secret"),
    ("MILEPOST_WEBHOOK_SECRET_SHIPPO", "hostile-shippo-secret"),
    ("MILEPOST_WEBHOOK_SECRET_AFTERSHIP", "hostile-aftership-secret"),
    ("MILEPOST_UPS_CLIENT_ID", "hostile"),
    ("MILEPOST_UPS_CLIENT_SECRET", "hostile-client-secret"),
];

/// What an attack knows about the server.
#[derive(Clone)]
pub struct Target {
    /// The port on 127.0.0.1 on which the server listens.
    pub port: u16,
    /// The process id of the server.
    pub pid: u32,
    /// The working folder of the server, with its log.
    pub folder: Arc<PathBuf>,
    /// `Authorization` values with tokens of three roles.
    pub tokens: Arc<Tokens>,
    /// The orders that an attack can request.
    pub shop: Arc<Shop>,
}

/// Values of an `Authorization` header.
pub struct Tokens {
    /// The role `system`, which may do everything. The watch uses it.
    pub system: String,
    /// The customer to whom the orders of the shop belong.
    pub customer: String,
    /// The role `support`, which may read everything.
    pub support: String,
}

/// The server, and the data with which it can be started again.
pub struct Attacked {
    milepost: PathBuf,
    folder: PathBuf,
    server: Option<Server>,
    tokens: Arc<Tokens>,
    shop: Arc<Shop>,
}

impl Attacked {
    /// Starts the server in an empty folder, fills its shop, and starts it again, so that the memory that the filling
    /// has used is not measured.
    pub async fn start(milepost: &Path, folder: &Path) -> Result<Self> {
        let token = async |role: &str, user: &str| {
            server::authorization(milepost, &["--role", role, "--user", user]).await
        };
        let tokens = Tokens {
            system: token("system", "bench").await?,
            customer: token("customer", CUSTOMER).await?,
            support: token("support", "ada").await?,
        };
        let setup = Setup { settings: &SETTINGS, ..Setup::default() };
        let server = Server::start(milepost, setup, folder).await?;
        let shop = seed::fill(server.port, &tokens).await?;
        server.stop().await?;
        let server = Server::start(milepost, setup, folder).await?;
        Ok(Self {
            milepost: milepost.to_owned(),
            folder: folder.to_owned(),
            server: Some(server),
            tokens: Arc::new(tokens),
            shop: Arc::new(shop),
        })
    }

    /// The target for an attack. Starts the server if it is not running.
    pub async fn target(&mut self) -> Result<Target> {
        let server = match self.server.take() {
            Some(server) => server,
            None => {
                let setup = Setup { settings: &SETTINGS, ..Setup::default() };
                Server::start(&self.milepost, setup, &self.folder).await?
            }
        };
        let target = Target {
            port: server.port,
            pid: server.pid(),
            folder: Arc::new(self.folder.clone()),
            tokens: self.tokens.clone(),
            shop: self.shop.clone(),
        };
        self.server = Some(server);
        Ok(target)
    }

    /// Kills the server after a successful attack, so that the next attack gets a new one.
    pub async fn kill(&mut self) -> Result<()> {
        match self.server.take() {
            Some(server) => server.kill().await,
            None => Ok(()),
        }
    }

    /// Asks the server to stop, and waits until it has ended.
    pub async fn stop(mut self) -> Result<()> {
        match self.server.take() {
            Some(server) => server.stop().await,
            None => Ok(()),
        }
    }
}
