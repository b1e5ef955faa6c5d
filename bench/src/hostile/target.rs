//! The server under attack: a release build on its default settings, with the shop of `seed`.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Result;

use super::seed::{self, CUSTOMER, Shop};
use crate::server::{self, Server, Setup};

/// What UPS shows here.
pub const UPS_SECRET: &str = "hostile-ups-secret";

/// The server runs on its defaults. Only the senders have secrets, because without one a sender's route is closed.
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

/// What an attacker knows of the server.
#[derive(Clone)]
pub struct Target {
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
    /// Its process.
    pub pid: u32,
    /// Its log, and what else it keeps.
    pub folder: Arc<PathBuf>,
    /// Tokens of all kinds.
    pub tokens: Arc<Tokens>,
    /// Orders to ask for.
    pub shop: Arc<Shop>,
}

/// Values of an `Authorization` header.
pub struct Tokens {
    /// May do everything. What is measured beside an attack uses it.
    pub system: String,
    /// The customer whose orders the shop has.
    pub customer: String,
    /// Reads everything.
    pub support: String,
}

/// The server and what is needed to start it again.
pub struct Attacked {
    milepost: PathBuf,
    folder: PathBuf,
    server: Option<Server>,
    tokens: Arc<Tokens>,
    shop: Arc<Shop>,
}

impl Attacked {
    /// Starts the server in an empty folder, fills its shop, and starts it again, so that the memory for filling it
    /// does not count.
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

    /// What the attacks need to know. Starts the server where it is not running.
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

    /// Ends the server at once: an attack has succeeded, and the next one has to find a server that works.
    pub async fn kill(&mut self) -> Result<()> {
        match self.server.take() {
            Some(server) => server.kill().await,
            None => Ok(()),
        }
    }

    /// Asks the server to stop, and waits until it has.
    pub async fn stop(mut self) -> Result<()> {
        match self.server.take() {
            Some(server) => server.stop().await,
            None => Ok(()),
        }
    }
}
