//! The benchmark: measures Milepost against bare PostgreSQL, with the same work, on the same machine, in one run.
//!
//! `just bench` starts a PostgreSQL (and a Redis) for this program. pgbench works on one database, and
//! `milepost serve` on a clone of it. The cases take turns, in rounds, so that noise of the machine affects all
//! cases alike. The table shows medians over the rounds. docs/benchmarks.md explains the cases.
//!
//! `bench hostile` attacks the server instead: see [`hostile`].

mod cases;
mod database;
mod figures;
mod hostile;
mod http;
mod load;
mod machine;
mod pgbench;
mod report;
mod server;
mod usage;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    cases::Case,
    database::{Databases, Plan},
    figures::Results,
    server::{Server, Setup},
    usage::Meter,
};

/// The environment variable with the address of PostgreSQL: it names a database, and a role that may create databases.
const POSTGRES: &str = "MILEPOST_TEST_DATABASE_URL";
/// The environment variable with the address of Redis. Without it, queue and feed are inside the process of Milepost.
const REDIS: &str = "MILEPOST_TEST_REDIS_URL";

/// Measures Milepost against bare PostgreSQL, whose address scripts/services gives.
#[derive(Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// A short run, for a first look: less than a minute.
    #[arg(long)]
    quick: bool,
    /// How often every case is measured.
    #[arg(long)]
    rounds: Option<u32>,
    /// How long a case takes in one round, in seconds. Webhooks take as long as their number needs.
    #[arg(long)]
    seconds: Option<u32>,
    /// Only the cases whose names contain one of these words.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// A `milepost` to measure instead of a fresh build of this one.
    #[arg(long)]
    milepost: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Attacks the server as a stranger or a customer would, and fails where a bound does not hold.
    Hostile(hostile::Arguments),
}

// The client uses one thread, because it must leave the cores to the programs that are measured.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    // Dropping the future also ends the processes that it has started.
    let done = tokio::select! {
        done = run(Arguments::parse()) => done,
        signal = interrupted() => signal.and_then(|name| bail!("ended by {name}")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn interrupted() -> Result<&'static str> {
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed.map(|()| "Ctrl-C").map_err(Into::into),
        _ = terminated.recv() => Ok("SIGTERM"),
    }
}

async fn run(arguments: Arguments) -> Result<()> {
    match arguments.command {
        Some(Command::Hostile(arguments)) => hostile::run(arguments).await,
        None => measure(arguments).await,
    }
}

async fn measure(arguments: Arguments) -> Result<()> {
    let (rounds, seconds) = if arguments.quick { (1, 3) } else { (3, 5) };
    let plan = Plan::new(arguments.rounds.unwrap_or(rounds), arguments.seconds.unwrap_or(seconds));
    let postgres = std::env::var(POSTGRES)
        .with_context(|| format!("{POSTGRES} is not set: run `just bench`, which starts PostgreSQL"))?;
    let redis = std::env::var(REDIS).ok();
    let folder = tempfile::tempdir()?;
    let binary = match arguments.milepost {
        Some(path) => path,
        None => server::build().await?,
    };

    let databases = Databases::create(&postgres, &binary, &plan).await?;
    let setup =
        Setup { database: Some(&databases.milepost_url), redis: redis.as_deref(), ..Setup::default() };
    let server = Server::start(&binary, setup, folder.path()).await?;
    let mut meter = Meter::new(server.pid(), databases.postmaster().await?);
    print!("{}", report::heading(&plan, &databases, &binary, redis.is_some()).await?);

    let wanted = |case: &Case| {
        arguments.only.is_empty() || arguments.only.iter().any(|word| case.name().contains(word))
    };
    let mut results = Results::default();
    for round in 0..plan.rounds {
        for case in Case::ALL.into_iter().filter(wanted) {
            let measured = case.run(round, &plan, &databases, &server, &mut meter, folder.path());
            let measured = measured.await.with_context(|| format!("round {}: {}", round + 1, case.name()))?;
            eprintln!("round {}: {:<34} {:>8.0}/s", round + 1, case.name(), measured.rate());
            results.add(case, measured);
            // Wait for the work that the case has left, so that it does not slow down the next case.
            let waited = databases.wait_until_idle(Duration::from_secs(60)).await?;
            results.add_afterwork(case, waited);
        }
    }
    print!("{}", report::tables(&results));
    server.stop().await?;
    databases.drop().await
}
