//! Attacks the server as a stranger or a customer would, and asserts the bounds.
//!
//! `just bench hostile` starts the release build of `milepost serve` on its default settings, with SQLite, fills a
//! shop, and plays one [`Attack`] after the other. A [`Watch`] beside it asks `/livez` and for the page of an order, and
//! reads the memory of the server. A line of the report fails when the server did not answer as it should, or when one
//! of the three bounds did not hold. After a failure the server is started anew, so that each attack is judged by
//! itself. The files beside this one hold a group of attacks each.

mod attack;
mod bodies;
mod client;
mod customers;
mod documents;
mod floods;
mod frames;
mod introspection;
mod lists;
mod logs;
mod requests;
mod seed;
mod slow;
mod sockets;
mod target;
mod watch;
mod wire;

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use clap::Args;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::time::{sleep, timeout};

use self::{
    attack::{Attack, Line},
    target::{Attacked, Target},
    watch::{MIB, Seen, Watch},
};
use crate::{machine, server, usage};

/// The arguments of `bench hostile`.
#[derive(Args)]
pub struct Arguments {
    /// A `milepost` to attack instead of a fresh release build of this one.
    #[arg(long, value_name = "PATH")]
    milepost: Option<PathBuf>,
    /// Only the attacks whose names contain one of these words.
    #[arg(long, value_delimiter = ',', value_name = "WORDS")]
    only: Vec<String>,
    /// Lists the attacks.
    #[arg(long)]
    list: bool,
}

/// Every attack, in the order in which they are played.
fn attacks() -> Vec<Attack> {
    [
        introspection::attacks(),
        lists::attacks(),
        documents::attacks(),
        requests::attacks(),
        logs::attacks(),
        bodies::attacks(),
        sockets::attacks(),
        customers::attacks(),
        floods::attacks(),
        slow::attacks(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Plays the attacks and prints the report. Fails when a line fails.
pub async fn run(arguments: Arguments) -> Result<()> {
    let wanted = |attack: &Attack| {
        arguments.only.is_empty() || arguments.only.iter().any(|word| attack.name.contains(word.as_str()))
    };
    let attacks: Vec<_> = attacks().into_iter().filter(wanted).collect();
    if arguments.list {
        attacks.iter().for_each(|attack| println!("{}", attack.name));
        return Ok(());
    }
    let start = Instant::now();
    let folder = tempfile::tempdir()?;
    let milepost = match arguments.milepost {
        Some(path) => path.canonicalize().with_context(|| path.display().to_string())?,
        None => server::build().await?,
    };
    let mut attacked = Attacked::start(&milepost, folder.path()).await?;
    // Only now: the server has the limit that its own start gave it.
    raise_file_limit()?;
    println!("- {}", machine::describe());
    println!("- before the attacks: {}\n", before(&attacked.target().await?).await?);
    println!("{HEADING}");
    let (mut lines, mut failed) = (0, 0);
    for attack in &attacks {
        let target = attacked.target().await?;
        let played = play(attack, &target).await.with_context(|| attack.name)?;
        played.rows().for_each(|row| println!("{row}"));
        lines += played.lines.len();
        failed += played.failed();
        if played.failed() > 0 {
            attacked.kill().await?;
        } else {
            wait_until_calm(&target).await;
        }
    }
    attacked.stop().await.context("after the attacks")?;
    let took = start.elapsed().as_secs();
    println!("\n{} of {lines} lines passed, in {took} s.", lines - failed);
    if failed > 0 {
        bail!("{failed} of {lines} lines failed");
    }
    Ok(())
}

const HEADING: &str = "| attack | answered by | bound | slowest end | peak memory | worst `/livez` | worst query | |\n\
    |---|---|---|--:|--:|--:|--:|---|";

/// An attack that was played.
struct Played {
    lines: Vec<Line>,
    seen: Seen,
}

impl Played {
    /// The lines that failed. A bound that did not hold fails all of them, because they were tried together.
    fn failed(&self) -> usize {
        let broken = !self.seen.faults().is_empty();
        self.lines.iter().filter(|line| broken || line.fault().is_some()).count()
    }

    fn rows(&self) -> impl Iterator<Item = String> {
        self.lines.iter().map(|line| {
            let faults: Vec<_> = line.fault().into_iter().chain(self.seen.faults()).collect();
            let verdict =
                if faults.is_empty() { "PASS".to_owned() } else { format!("FAIL: {}", faults.join("; ")) };
            format!(
                "| {} | {} | {} | {} ms | {} MiB | {} ms | {} ms | {verdict} |",
                line.what,
                line.answers(),
                line.bound,
                line.slowest.as_millis(),
                self.seen.memory / MIB,
                self.seen.livez.as_millis(),
                self.seen.query.as_millis(),
            )
        })
    }
}

/// Plays an attack under watch. One that takes too long, or all memory, is broken off and fails.
async fn play(attack: &Attack, target: &Target) -> Result<Played> {
    eprintln!("{} …", attack.name);
    let watch = Watch::start(target)?;
    let mut lines = tokio::select! {
        played = timeout(Attack::TIME, attack.play(target.clone())) => match played {
            // A server that does not even take a connection: the report goes on with the next attack.
            Ok(lines) => lines.unwrap_or_else(|error| vec![broken_off(attack, &format!("{error:#}"))]),
            Err(_) => vec![broken_off(attack, "it took too long")],
        },
        () = watch.tripped() => vec![broken_off(attack, "the server's memory ran away")],
    };
    // What an attack sets off may begin only after it.
    sleep(Duration::from_millis(300)).await;
    let seen = watch.finish()?;
    for line in &mut lines {
        line.expect(usage::own(target.pid).is_some(), "the server has ended");
        line.expect(seen.answered > 0, "no question beside it was answered");
    }
    Ok(Played { lines, seen })
}

fn broken_off(attack: &Attack, why: &str) -> Line {
    let mut line = Line::new(attack.name, "");
    line.expect(false, why);
    line
}

/// The bounds without an attack: what a slow machine does to them.
async fn before(target: &Target) -> Result<String> {
    let watch = Watch::start(target)?;
    sleep(Duration::from_secs(2)).await;
    let seen = watch.finish()?;
    if let Some(fault) = seen.faults().first() {
        bail!("the bounds do not hold before the first attack: {fault}");
    }
    let (memory, livez, query) = (seen.memory / MIB, seen.livez.as_millis(), seen.query.as_millis());
    Ok(format!(
        "memory {memory} MiB, `/livez` {livez} ms, query {query} ms, the watch late by {} ms",
        seen.lag.as_millis()
    ))
}

/// Waits until the server does nothing, so that the next attack is not blamed for this one; ten seconds at most.
async fn wait_until_calm(target: &Target) {
    const LOOK: Duration = Duration::from_millis(250);
    for _ in 0..40 {
        let before = usage::own(target.pid).unwrap_or(0.0);
        sleep(LOOK).await;
        if usage::own(target.pid).unwrap_or(0.0) - before < LOOK.as_secs_f64() / 10.0 {
            return;
        }
    }
}

/// Thousands of connections need as many open files.
fn raise_file_limit() -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).context("the limit on open files")
}
