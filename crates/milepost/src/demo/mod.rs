//! `milepost demo`: everything in one process, and a story that plays in it.
//!
//! The server is the one of `serve --role all`. All else stands outside of it: a shop and its people who call
//! GraphQL with tokens, carriers who post signed webhooks, and a spectator who looks everything up again.

mod assertion;
mod carrier;
mod invitation;
mod print;
mod scenes;
mod script;
mod server;
mod shop;
mod simulation;
mod snapshot;
mod story;
#[cfg(test)]
mod tests;

use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use tokio::time::Instant;

use crate::{settings::Settings, shutdown, telemetry};
use carrier::Carriers;
use print::Screen;
use server::Embedded;
use shop::Shop;
use story::Stage;

/// Shown below the help.
pub const EXAMPLES: &str = "\
Needs no service and no setting, and leaves nothing behind.

Examples:
  milepost demo
  milepost demo --speed 3
  milepost demo --once";

/// Between two steps of the story, and between two scans after it.
const STEP: Duration = Duration::from_millis(1200);
const SCAN: Duration = Duration::from_secs(4);

/// The arguments of `milepost demo`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Play so many times as fast
    #[arg(long, value_name = "N", default_value = "1", value_parser = speed)]
    pub speed: f64,
    /// Play the story without pauses, check all it assertions, and exit: with 1 if a assertion does not hold
    #[arg(long, conflicts_with = "speed")]
    pub once: bool,
}

/// Plays the story; then, without `--once`, goes on until it is told to stop.
pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    telemetry::init(&quiet()?)?;
    let stop = shutdown::on_signal()?;
    let demo = Embedded::start().await?;
    let mut screen = Screen::stdout();
    let played = tokio::select! {
        biased;
        () = stop.cancelled() => None,
        () = demo.stopping() => None,
        played = perform(&demo, &arguments, &mut screen) => Some(played),
    };
    // Only now: whoever plays must never meet a server that is gone.
    demo.end().await?;
    match played {
        Some(played) => played,
        None if arguments.once => bail!("interrupted before the end"),
        None => Ok(()),
    }
}

/// The story, and what comes after it.
async fn perform(demo: &Embedded, arguments: &Arguments, screen: &mut Screen) -> anyhow::Result<()> {
    let shop = Shop::open(&demo.url, &demo.tokens)?;
    let carriers = Carriers::new(demo)?;
    invitation::welcome(screen, demo, &shop)?;
    let pause = if arguments.once { Duration::ZERO } else { STEP.div_f64(arguments.speed) };
    let mailbox = format!("{}/mailbox", demo.url);
    let started = Instant::now();
    let tally = story::play(&Stage { shop: &shop, carriers: &carriers, mailbox, pause }, screen).await?;
    let (seconds, story::Tally { scenes, steps, assertions }) = (started.elapsed().as_secs_f64(), tally);
    screen.line(&format!(
        "\n   {scenes} scenes, {steps} steps, {assertions} claims: all of them hold. {seconds:.1} s"
    ))?;
    if arguments.once {
        return Ok(());
    }
    go_on(demo, &shop, &carriers, screen, SCAN.div_f64(arguments.speed)).await
}

/// Says what to try, and keeps orders moving for ever.
async fn go_on(
    demo: &Embedded,
    shop: &Shop,
    carriers: &Carriers,
    screen: &mut Screen,
    pause: Duration,
) -> anyhow::Result<()> {
    let waiting = simulation::labelled(shop, "D-1006", 1).await?;
    let parcel = waiting.parcels.first().context("an order without parcels")?;
    invitation::your_turn(screen, demo, shop, &waiting, carriers.secret(parcel.carrier)?)?;
    let mut order = simulation::to_watch(shop, 1).await?;
    invitation::watch(screen, demo, shop, &order)?;
    for number in 2.. {
        simulation::deliver(carriers, &order, pause).await?;
        order = simulation::to_watch(shop, number).await?;
        invitation::watch_next(screen, &order)?;
    }
    Ok(())
}

/// Settings of which only the log's are used. A forged webhook is part of the story and no news.
fn quiet() -> anyhow::Result<Settings> {
    let log = ("MILEPOST_LOG".to_owned(), "warn,api::webhooks=error".to_owned());
    Ok(Settings::read([log], None, |path| std::fs::read_to_string(path))?)
}

/// Reads how many times as fast something is to be played.
pub fn speed(text: &str) -> Result<f64, String> {
    let speed = text.parse::<f64>().ok().filter(|speed| (0.01..=1000.0).contains(speed));
    speed.ok_or_else(|| "a number from 0.01 to 1000 is needed".to_owned())
}
