//! What one test installs: the program with a database, a Redis and a mail server of its own.

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

/// The customer whose orders these are.
pub const CUSTOMER: &str = "018f4e9e-5d5c-7b6e-9a51-0d6f1f2c3b4a";
/// The statuses after the placement, up to the customer's door.
pub const SEQUENCE: [&str; 6] =
    ["PAYMENT_CONFIRMED", "PROCESSING", "AWAITING_PICKUP", "SHIPPED", "OUT_FOR_DELIVERY", "DELIVERED"];

const JWT_SECRET: &str = "a-secret-for-tests-of-32-bytes-or-more";

/// The program, with FedEx's webhooks and nothing else set.
pub fn program(folder: &Path) -> Program {
    let program = Program::new(env!("CARGO_BIN_EXE_milepost"), folder);
    program.set("MILEPOST_WEBHOOK_SECRET_FEDEX", &shop::secret(Sender::Fedex))
}

/// With every sender's secret set.
pub fn with_all_senders(program: Program) -> Program {
    Sender::ALL.into_iter().fold(program, with_secret)
}

/// With the secret of one sender set.
pub fn with_secret(program: Program, sender: Sender) -> Program {
    let variable = format!("MILEPOST_WEBHOOK_SECRET_{}", sender.as_str().to_ascii_uppercase());
    program.set(&variable, &shop::secret(sender))
}

/// The program on PostgreSQL, for a single process.
pub fn on_postgres(folder: &Path, database_url: &str) -> Program {
    program(folder).set("MILEPOST_DATABASE_URL", database_url).set("MILEPOST_JWT_SECRET", JWT_SECRET)
}

/// A caller from support.
pub async fn support(program: &Program, server: &Server) -> Client {
    Client::new(server, &program.token(&["--role", "support", "--user", "sam"]).await)
}

/// A customer.
pub async fn customer(program: &Program, server: &Server, user: &str) -> Client {
    Client::new(server, &program.token(&["--role", "customer", "--user", user]).await)
}

/// What FedEx writes when a parcel was this far, so many minutes ago.
pub fn fedex(number: &str, status: ShipmentStatus, minutes_ago: i64) -> Vec<u8> {
    shop::fedex(number, status, Clock::System.now() - TimeDelta::minutes(minutes_ago))
}

/// An installation in several processes: PostgreSQL, Redis, SMTP. The processes are started by the test.
pub struct Split {
    /// Nobody else uses it.
    pub database: Database,
    /// Nobody else uses it: processes on one Redis believe that they share a database.
    pub redis: Redis,
    /// Takes every mail.
    pub smtp: SmtpServer,
    /// Set up for all of these.
    pub program: Program,
    _folder: TempDir,
}

impl Split {
    /// The services. Without PostgreSQL or Redis on this machine there is nothing to test on.
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

    /// One more api process.
    pub async fn api(&self) -> Server {
        self.program.serve(&["--role", "api"]).await
    }

    /// One more worker process.
    pub async fn worker(&self) -> Server {
        self.program.serve(&["--role", "worker"]).await
    }

    /// A caller from support.
    pub async fn support(&self, server: &Server) -> Client {
        support(&self.program, server).await
    }

    /// The customer.
    pub async fn customer(&self, server: &Server) -> Client {
        customer(&self.program, server, CUSTOMER).await
    }
}
