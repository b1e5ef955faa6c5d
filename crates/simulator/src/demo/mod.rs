//! Plays a fixed story against an installation. Called by `milepost demo` (`milepost::commands::demo`), which starts
//! the server, and by its tests.
//!
//! Everything calls the server from outside, as in production: people and a shop system call GraphQL with tokens,
//! carriers post signed webhooks, and after each step the demo looks up whether everything is as the story says.
//!
//! 1. `invitation` prints the addresses.
//! 2. `story` plays `scenes`, with `shop` (people), `carrier` (webhooks), `snapshot` (look-up) and `assertion`
//!    (checks).
//! 3. `keep_orders_moving`, with [`Mode::Endless`] only, places orders (`simulation`) until an error or until the
//!    caller drops it.

mod assertion;
mod carrier;
mod invitation;
mod print;
mod scenes;
mod script;
mod shop;
mod simulation;
mod snapshot;
mod story;

use std::{path::PathBuf, time::Duration};

use anyhow::Context;
use carriers::Sender;
use domain::Actor;
use tokio::time::Instant;

pub use print::Screen;

use carrier::Carriers;
use shop::Shop;
use story::Stage;

/// `STEP` is the pause between two steps of the story, `SCAN` the pause before each scan after the story.
const STEP: Duration = Duration::from_millis(1200);
const SCAN: Duration = Duration::from_secs(4);

/// The installation against which the demo plays. The program that starts the server describes it here.
pub struct Installation {
    /// The address of the server, such as `http://127.0.0.1:8080`.
    pub url: String,
    /// Whether the usual port was taken, so that the server listens on another one.
    pub usual_port_is_taken: bool,
    /// The folder that holds the database, to print it for the user.
    pub folder: PathBuf,
    /// The secret with which each sender signs its webhooks.
    pub secrets: [(Sender, String); Sender::ALL.len()],
    /// Issues the tokens of the demo's callers.
    pub issue_token: IssueToken,
}

/// Issues a bearer token for an actor. The server accepts it.
pub type IssueToken = Box<dyn Fn(&Actor) -> anyhow::Result<String> + Send + Sync>;

/// What to play, and how fast.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mode {
    /// The story without pauses.
    Once,
    /// The story, and then orders that keep moving without end.
    Endless {
        /// How many times faster to play: pauses are divided by it.
        speed: f64,
    },
}

/// Plays the story and, with [`Mode::Endless`], what follows it. Fails at the first assertion that is false.
pub async fn play_demo(demo: &Installation, mode: Mode, screen: &mut Screen) -> anyhow::Result<()> {
    let shop = Shop::new(demo)?;
    let carriers = Carriers::new(demo)?;
    invitation::print_welcome(screen, demo, &shop)?;
    let pause = match mode {
        Mode::Once => Duration::ZERO,
        Mode::Endless { speed } => STEP.div_f64(speed),
    };
    let mailbox = format!("{}/mailbox", demo.url);
    let started = Instant::now();
    let played =
        story::play_all_scenes(&Stage { shop: &shop, carriers: &carriers, mailbox, pause }, screen).await?;
    let (seconds, story::PlayedCount { scenes, steps, assertions }) =
        (started.elapsed().as_secs_f64(), played);
    screen.print_line(&format!(
        "\n   {scenes} scenes, {steps} steps, {assertions} claims: all of them hold. {seconds:.1} s"
    ))?;
    match mode {
        Mode::Once => Ok(()),
        Mode::Endless { speed } => {
            keep_orders_moving(demo, &shop, &carriers, screen, SCAN.div_f64(speed)).await
        }
    }
}

/// Prints what to try, and then keeps orders moving without end.
async fn keep_orders_moving(
    demo: &Installation,
    shop: &Shop,
    carriers: &Carriers,
    screen: &mut Screen,
    pause: Duration,
) -> anyhow::Result<()> {
    let waiting = simulation::place_labelled_order(shop, "D-1007", 1).await?;
    let parcel = waiting.parcels.first().context("an order without parcels")?;
    invitation::print_commands_to_try(screen, demo, shop, &waiting, carriers.find_secret(parcel.carrier)?)?;
    let mut order = simulation::place_order_to_watch(shop, 1).await?;
    invitation::print_live_view(screen, demo, shop, &order)?;
    for number in 2.. {
        simulation::post_all_scans(carriers, &order, pause).await?;
        order = simulation::place_order_to_watch(shop, number).await?;
        invitation::print_next_order(screen, &order)?;
    }
    Ok(())
}
