//! The command `milepost demo`: runs a whole installation in one process, and plays a story against it.
//!
//! The server is the same as in `serve --role all`. Everything else calls it from outside, as in production: people and
//! a shop system call GraphQL with tokens, carriers post signed webhooks, and after each step the demo looks up whether
//! everything is as the story says.

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

/// The text below the help of the command.
pub const EXAMPLES: &str = "\
Needs no service and no setting, and leaves nothing behind.

Examples:
  milepost demo
  milepost demo --speed 3
  milepost demo --once";

/// `STEP` is the pause between two steps of the story, `SCAN` the pause before each scan after the story.
const STEP: Duration = Duration::from_millis(1200);
const SCAN: Duration = Duration::from_secs(4);

/// The arguments of `milepost demo`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Play so many times as fast
    #[arg(long, value_name = "N", default_value = "1", value_parser = speed)]
    pub speed: f64,
    /// Play the story without pauses, check every assertion, and exit: with 1 if one does not hold
    #[arg(long, conflicts_with = "speed")]
    pub once: bool,
}

/// Plays the story. Without `--once`, keeps orders moving afterwards until a signal or a failure stops it.
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
    // Stop the server only here, after the play has ended or was dropped, so that the play never calls a stopped
    // server.
    demo.end().await?;
    match played {
        Some(played) => played,
        None if arguments.once => bail!("interrupted before the end"),
        None => Ok(()),
    }
}

/// Plays the story and, without `--once`, what follows it.
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

/// Prints what to try, and then keeps orders moving without end.
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

/// Returns the settings for logging; nothing else of them is used. Warnings about webhooks are off, because the story
/// posts a forged webhook on purpose.
fn quiet() -> anyhow::Result<Settings> {
    let log = ("MILEPOST_LOG".to_owned(), "warn,api::webhooks=error".to_owned());
    Ok(Settings::read([log], None, |path| std::fs::read_to_string(path))?)
}

/// Parses the value of `--speed`: a factor from 0.01 to 1000.
pub fn speed(text: &str) -> Result<f64, String> {
    let speed = text.parse::<f64>().ok().filter(|speed| (0.01..=1000.0).contains(speed));
    speed.ok_or_else(|| "a number from 0.01 to 1000 is needed".to_owned())
}
