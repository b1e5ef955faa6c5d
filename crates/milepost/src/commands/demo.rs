//! The command `milepost demo`: runs a whole installation in one process, and lets the simulator play a story against
//! it. Called by `main`.
//!
//! 1. `demo/server.rs` starts the server, which is the same as in `serve --role all`.
//! 2. The simulator calls it from outside, over HTTP, until the story has ended, a signal comes, or the server fails.
//! 3. The server is stopped, and its folder removed.
//!
//! The error is that of the server, or else that of the play. With `--once`, a signal is an error too.

mod server;
#[cfg(test)]
mod tests;

use anyhow::bail;
use clap::Args;
use simulator::demo::{Mode, Screen, play_demo};

use super::parse_speed;
use crate::{settings::Settings, shutdown, telemetry};
use server::Embedded;

/// The text below the help of the command.
pub const EXAMPLES: &str = "\
Needs no service and no setting, and leaves nothing behind.

Examples:
  milepost demo
  milepost demo --speed 3
  milepost demo --once";

/// The arguments of `milepost demo`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Play so many times as fast
    #[arg(long, value_name = "N", default_value = "1", value_parser = parse_speed)]
    pub speed: f64,
    /// Play the story without pauses, check every assertion, and exit: with 1 if one does not hold
    #[arg(long, conflicts_with = "speed")]
    pub once: bool,
}

/// Plays the story. Without `--once`, keeps orders moving afterwards until a signal or a failure stops it.
pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    telemetry::init(&quiet_log_settings()?)?;
    let stop = shutdown::cancel_on_signal()?;
    let demo = Embedded::start().await?;
    let mut screen = Screen::stdout();
    let mode = if arguments.once { Mode::Once } else { Mode::Endless { speed: arguments.speed } };
    let played = tokio::select! {
        biased;
        () = stop.cancelled() => None,
        () = demo.wait_until_stopping() => None,
        played = play_demo(&demo.installation, mode, &mut screen) => Some(played),
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

/// Returns the settings for logging; nothing else of them is used. Warnings about webhooks are off, because the story
/// posts a forged webhook on purpose.
fn quiet_log_settings() -> anyhow::Result<Settings> {
    let log = ("MILEPOST_LOG".to_owned(), "warn,api::webhooks=error".to_owned());
    Ok(Settings::read([log], None, |path| std::fs::read_to_string(path))?)
}
