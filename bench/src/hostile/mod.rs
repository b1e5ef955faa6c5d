//! Load and abuse tests: attacks the server as a stranger or a customer could, and checks that its limits hold.
//!
//! `just bench hostile` starts `milepost serve`, built with the profile `dist`, with its default settings and SQLite,
//! fills a shop, and runs one [`Attack`] after the other.
//!
//! 1. During each attack, a [`Watch`] requests `/livez` and the page of an order, and reads the server's memory.
//! 2. A line of the report fails when the server did not respond to the attack as it should, or when one of the three
//!    limits of the watch was exceeded: memory, time of `/livez`, time of the page.
//! 3. After a failure the server is started again, so that one attack does not affect the result of the next.
//!
//! Each of the other files has a group of attacks, or a client that they share.

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
    attack::{Attack, Finding},
    target::{Attacked, Target},
    watch::{MIB, Seen, Watch},
};
use crate::{machine, server, usage};

/// The arguments of `bench hostile`.
#[derive(Args)]
pub struct Arguments {
    /// A `milepost` to attack instead of a fresh build of this one.
    #[arg(long, value_name = "PATH")]
    milepost: Option<PathBuf>,
    /// Only the attacks whose names contain one of these words.
    #[arg(long, value_delimiter = ',', value_name = "WORDS")]
    only: Vec<String>,
    /// Lists the attacks.
    #[arg(long)]
    list: bool,
}

/// All attacks, in the order in which they run.
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

/// Runs the attacks and prints the report. Fails when a line fails.
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
    // Raise the limit after the server has started, because the server would inherit it.
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

/// The result of one attack.
struct Played {
    lines: Vec<Finding>,
    seen: Seen,
}

impl Played {
    /// The number of failed lines. When a limit of the watch was exceeded, all lines fail, because they ran together.
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

/// Runs an attack with a watch. An attack is stopped and fails when it takes too long, or when the server uses too much
/// memory.
async fn play(attack: &Attack, target: &Target) -> Result<Played> {
    eprintln!("{} …", attack.name);
    let watch = Watch::start(target)?;
    let mut lines = tokio::select! {
        played = timeout(Attack::TIME, attack.play(target.clone())) => match played {
            // The server may not even accept a connection. The report then goes on with the next attack.
            Ok(lines) => lines.unwrap_or_else(|error| vec![broken_off(attack, &format!("{error:#}"))]),
            Err(_) => vec![broken_off(attack, "it took too long")],
        },
        () = watch.tripped() => vec![broken_off(attack, "the server's memory ran away")],
    };
    // The server may react to an attack only after the end of it.
    sleep(Duration::from_millis(300)).await;
    let seen = watch.finish()?;
    for line in &mut lines {
        line.expect(usage::own(target.pid).is_some(), "the server has ended");
        line.expect(seen.answered > 0, "no question beside it was answered");
    }
    Ok(Played { lines, seen })
}

fn broken_off(attack: &Attack, why: &str) -> Finding {
    let mut line = Finding::new(attack.name, "");
    line.expect(false, why);
    line
}

/// Measures the limits of the watch without an attack, to show how fast the machine is.
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

/// Waits until the server is idle, so that this attack does not affect the next one. It waits at most 10 s.
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

/// Raises the limit on open files, because each connection of an attack needs one.
fn raise_file_limit() -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).context("the limit on open files")
}
