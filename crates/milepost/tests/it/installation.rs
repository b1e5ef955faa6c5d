//! Sets up the program for a test, with a database, a Redis and a mail server of its own.

use std::path::Path;

use app::Clock;
use carriers::Sender;
use chrono::TimeDelta;
use domain::ShipmentStatus;
use tempfile::TempDir;
use tests::{
    database::Database,
    http::Client,
    process::{Program, Server},
    redis::Redis,
    shop,
    smtp::{Behaviour, SmtpServer},
};

/// The customer who owns the orders.
pub const CUSTOMER: &str = "018f4e9e-5d5c-7b6e-9a51-0d6f1f2c3b4a";
/// The statuses of an order after the placement, up to the delivery.
pub const SEQUENCE: [&str; 6] =
    ["PAYMENT_CONFIRMED", "PROCESSING", "AWAITING_PICKUP", "SHIPPED", "OUT_FOR_DELIVERY", "DELIVERED"];

const JWT_SECRET: &str = "a-secret-for-tests-of-32-bytes-or-more";

/// Sets up the program with FedEx's secret and no other setting.
pub fn program(folder: &Path) -> Program {
    let program = Program::new(env!("CARGO_BIN_EXE_milepost"), folder);
    program.set("MILEPOST_WEBHOOK_SECRET_FEDEX", &shop::secret(Sender::Fedex))
}

/// Sets the secrets of all senders.
pub fn with_all_senders(program: Program) -> Program {
    Sender::ALL.into_iter().fold(program, with_secret)
}

/// Sets the secret of one sender.
pub fn with_secret(program: Program, sender: Sender) -> Program {
    let variable = format!("MILEPOST_WEBHOOK_SECRET_{}", sender.as_str().to_ascii_uppercase());
    program.set(&variable, &shop::secret(sender))
}

/// Sets up the program on PostgreSQL, for a single process.
pub fn on_postgres(folder: &Path, database_url: &str) -> Program {
    program(folder).set("MILEPOST_DATABASE_URL", database_url).set("MILEPOST_JWT_SECRET", JWT_SECRET)
}

/// Creates an API client with the role support.
pub async fn support(program: &Program, server: &Server) -> Client {
    Client::new(server, &program.token(&["--role", "support", "--user", "sam"]).await)
}

/// Creates an API client of a customer.
pub async fn customer(program: &Program, server: &Server, user: &str) -> Client {
    Client::new(server, &program.token(&["--role", "customer", "--user", user]).await)
}

/// Composes a webhook of FedEx with a scan from `minutes_ago` minutes ago.
pub fn fedex(number: &str, status: ShipmentStatus, minutes_ago: i64) -> Vec<u8> {
    shop::fedex(number, status, Clock::System.now() - TimeDelta::minutes(minutes_ago))
}

/// An installation that runs in several processes with PostgreSQL, Redis and SMTP. The test starts the processes.
pub struct Split {
    /// A database that no other test uses.
    pub database: Database,
    /// A Redis that no other test uses, because all processes on one Redis must share a database.
    pub redis: Redis,
    /// A mail server that accepts every mail.
    pub smtp: SmtpServer,
    /// The program, with the settings for these services.
    pub program: Program,
    _folder: TempDir,
}

impl Split {
    /// Starts the services. Returns `None` if PostgreSQL or Redis is not available on this machine; the test is skipped
    /// then.
    pub async fn start() -> Option<Self> {
        let (database, redis) = (Database::postgres().await?, Redis::start().await?);
        let smtp = SmtpServer::start(Behaviour::Accept).await.expect("a free port");
        let folder = TempDir::new().expect("a folder");
        let program = on_postgres(folder.path(), &database.url)
            .set("MILEPOST_REDIS_URL", &redis.url())
            .set("MILEPOST_SMTP_URL", &smtp.url())
            .set("MILEPOST_PUBLIC_URL", "https://shop.example.org");
        Some(Self { database, redis, smtp, program, _folder: folder })
    }

    /// Starts an api process.
    pub async fn api(&self) -> Server {
        self.program.serve(&["--role", "api"]).await
    }

    /// Starts a worker process.
    pub async fn worker(&self) -> Server {
        self.program.serve(&["--role", "worker"]).await
    }

    /// Creates an API client with the role support.
    pub async fn support(&self, server: &Server) -> Client {
        support(&self.program, server).await
    }

    /// Creates an API client of the customer.
    pub async fn customer(&self, server: &Server) -> Client {
        customer(&self.program, server, CUSTOMER).await
    }
}
