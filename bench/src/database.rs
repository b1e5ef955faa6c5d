//! The two databases of the benchmark, with the same orders: one for pgbench, one for Milepost.

use std::{
    ops::RangeInclusive,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement, TryGetable,
};
use tokio::time::sleep;
use uuid::Uuid;

use crate::server::milepost_command;

/// How much is measured, and which orders each case uses. Orders have numbers, from 1 on.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How many times each case is measured.
    pub rounds: u32,
    /// How long a case is measured, unless it ends with its orders.
    pub time: Duration,
    /// Delivered orders, which are read.
    pub delivered: RangeInclusive<u64>,
    /// Placed orders, which change their status.
    pub placed: Shares,
    /// Orders whose shipment waits for the carrier. They have no email address.
    pub waiting: Shares,
    /// The same as `waiting`, with an email address, so that the customers get a mail.
    pub mailed: Shares,
}

/// Orders that are divided between the rounds, because each order can change only once.
#[derive(Clone, Copy, Debug)]
pub struct Shares {
    first: u64,
    each: u64,
    rounds: u32,
}

impl Shares {
    /// The orders of one round.
    pub fn of(&self, round: u32) -> RangeInclusive<u64> {
        let first = self.first + u64::from(round) * self.each;
        first..=first + self.each - 1
    }

    /// The orders of all rounds.
    pub fn all(&self) -> RangeInclusive<u64> {
        self.first..=self.last()
    }

    fn last(&self) -> u64 {
        self.first + u64::from(self.rounds) * self.each - 1
    }
}

impl Plan {
    /// Makes a plan with this many rounds, and this many seconds for each case.
    pub fn new(rounds: u32, seconds: u32) -> Self {
        let delivered = 20_000;
        // Each order changes twice, so this is enough for 6,000 changes a second. The machines in question do fewer.
        let placed = Shares { first: delivered + 1, each: u64::from(seconds) * 3_000, rounds };
        let waiting = Shares { first: placed.last() + 1, each: u64::from(seconds) * 1_500, rounds };
        let mailed = Shares { first: waiting.last() + 1, each: u64::from(seconds) * 300, rounds };
        let time = Duration::from_secs(seconds.into());
        Self { rounds, time, delivered: 1..=delivered, placed, waiting, mailed }
    }

    /// The number of orders.
    pub fn orders(&self) -> u64 {
        self.mailed.last()
    }
}

/// The id of an order. `bench_order` in seed.sql computes the same id.
pub fn order_id(n: u64) -> Uuid {
    Uuid::from_u128(0x7000_8000_0000_0000_0000 | u128::from(n))
}

/// The id of a customer. `bench_user` in seed.sql computes the same id.
pub fn user_id(n: u64) -> Uuid {
    Uuid::from_u128(0x7000_a000_0000_0000_0000 | u128::from(n % USERS))
}

/// The tracking number of an order's shipment.
pub fn tracking_number(n: u64) -> String {
    (790_000_000_000 + n).to_string()
}

/// The number of customers.
pub const USERS: u64 = 2000;

/// The two databases, and a connection to Milepost's one, with which the benchmark checks the results.
pub struct Databases {
    /// The address of pgbench's database.
    pub bare_url: String,
    /// The address of Milepost's database.
    pub milepost_url: String,
    admin: DatabaseConnection,
    look: DatabaseConnection,
    names: [String; 2],
}

impl Databases {
    /// Creates, migrates and seeds pgbench's database, and then clones it for Milepost.
    pub async fn create(server_url: &str, milepost: &Path, plan: &Plan) -> Result<Self> {
        let (base, _) =
            server_url.rsplit_once('/').context("the address of PostgreSQL ends in a database")?;
        let admin = connect(server_url).await.context("PostgreSQL does not answer")?;
        let names = ["bare", "milepost"].map(|side| format!("bench_{side}_{}", std::process::id()));
        let [bare, served] = &names;
        let [bare_url, milepost_url] = [bare, served].map(|name| format!("{base}/{name}"));

        admin.execute_unprepared(&format!("CREATE DATABASE {bare}")).await?;
        let migrate = milepost_command(milepost)
            .arg("migrate")
            .env("MILEPOST_DATABASE_URL", &bare_url)
            .stdout(std::process::Stdio::null())
            .status()
            .await?;
        if !migrate.success() {
            bail!("`milepost migrate` failed");
        }
        eprintln!("seeding {} orders", plan.orders());
        let seed = connect(&bare_url).await?;
        seed_orders(&seed, plan).await?;
        seed.close().await?;
        admin.execute_unprepared(&format!("CREATE DATABASE {served} TEMPLATE {bare}")).await?;
        let look = connect(&milepost_url).await?;
        Ok(Self { bare_url, milepost_url, admin, look, names })
    }

    /// Removes both databases. It does not use `FORCE`, which needs the right to end an autovacuum. An autovacuum ends
    /// by itself.
    pub async fn drop(self) -> Result<()> {
        self.look.close().await?;
        for name in &self.names {
            self.admin.execute_unprepared(&format!("DROP DATABASE {name}")).await?;
        }
        Ok(())
    }

    /// Runs a query in Milepost's database, and returns the first column of the first row.
    pub async fn query_one<T: TryGetable>(&self, sql: &str) -> Result<T> {
        let statement = Statement::from_string(DbBackend::Postgres, sql);
        let row = self.look.query_one_raw(statement).await?.context("a question without an answer")?;
        row.try_get_by_index(0).map_err(|error| anyhow::anyhow!("{error:?}"))
    }

    /// The process id of PostgreSQL's parent process. `None`: PostgreSQL does not run on this machine.
    pub async fn postmaster(&self) -> Result<Option<u32>> {
        let backend: i32 = self.query_one("SELECT pg_backend_pid()").await?;
        Ok(crate::usage::parent_of_postgres(backend))
    }

    /// Waits until all webhooks are processed. The query is cheap, because an index contains only the webhooks that are
    /// due.
    pub async fn wait_until_webhooks_are_read(&self) -> Result<()> {
        let patience = Instant::now() + Duration::from_secs(60);
        while self
            .query_one::<bool>("SELECT EXISTS (SELECT 1 FROM webhooks WHERE due_at IS NOT NULL)")
            .await?
        {
            if Instant::now() > patience {
                bail!("webhooks are still unread after a minute");
            }
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Waits until nothing is due: no webhook, no notification, no row of the outbox. Returns how long that took.
    pub async fn wait_until_idle(&self, patience: Duration) -> Result<Duration> {
        let start = Instant::now();
        let busy = "SELECT EXISTS (SELECT 1 FROM webhooks WHERE due_at IS NOT NULL) \
                    OR EXISTS (SELECT 1 FROM notifications WHERE due_at IS NOT NULL) OR EXISTS (SELECT 1 FROM outbox)";
        while self.query_one::<bool>(busy).await? {
            if start.elapsed() > patience {
                bail!("work is left over after {} s", patience.as_secs());
            }
            sleep(Duration::from_millis(50)).await;
        }
        Ok(start.elapsed())
    }
}

async fn seed_orders(seed: &DatabaseConnection, plan: &Plan) -> Result<()> {
    seed.execute_unprepared(include_str!("../sql/seed.sql")).await?;
    let ranges = [
        (plan.delivered.clone(), "delivered", "NULL"),
        (plan.placed.all(), "placed", "'jane@example.org'"),
        (plan.waiting.all(), "awaiting_pickup", "NULL"),
        (plan.mailed.all(), "awaiting_pickup", "'jane@example.org'"),
    ];
    for (range, status, email) in ranges {
        let (first, last) = range.into_inner();
        seed.execute_unprepared(&format!("SELECT bench_seed({first}, {last}, '{status}', {email})")).await?;
    }
    seed.execute_unprepared("VACUUM ANALYZE").await?;
    Ok(())
}

async fn connect(url: &str) -> Result<DatabaseConnection> {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    Ok(Database::connect(options).await?)
}
