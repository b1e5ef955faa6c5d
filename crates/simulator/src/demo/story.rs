//! Plays the scenes of the demo against the server, and checks all their assertions from outside.
//!
//! `demo::play_demo` calls `play_all_scenes`. For each step of a scene:
//!
//! 1. `send_requests` sends the requests, and collects the answers. Refusals are answers, not errors.
//! 2. `wait_for_assertions` looks up the state until `check_assertions` returns `Ok`, at most 15 seconds. That is `Err`
//!    also while the server has not processed a webhook.
//! 3. The step and the lines of its assertions are printed. If an assertion stays false, the whole play ends with an
//!    error.
//!
//! `check_mail_counts` comes once, after the last scene. Its `Ok` is the line to print.

use std::time::Duration;

use anyhow::{anyhow, bail};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{
    carrier::Carriers,
    print::Screen,
    scenes,
    script::{Action, Assertion, Scene, Step},
    shop::{Shop, Who},
    snapshot::{Answers, Nodes, Notification, Snapshot},
};
use crate::api_client::Placed;

/// How long an assertion may take to become true.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often the state is looked up while waiting.
const LOOK_EVERY: Duration = Duration::from_millis(15);

/// The parts that a play needs.
pub struct Stage<'a> {
    /// The API clients of people and systems.
    pub shop: &'a Shop,
    pub carriers: &'a Carriers,
    /// The address of the mailbox.
    pub mailbox: String,
    /// The pause after each step, so that the spectator can read it.
    pub pause: Duration,
}

/// How much was played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlayedCount {
    pub scenes: usize,
    pub steps: usize,
    /// The assertions that were checked. All of them were true, because a play stops at the first that is false.
    pub assertions: usize,
}

/// Plays all scenes. Fails at the first assertion that is false, and names it.
pub async fn play_all_scenes(stage: &Stage<'_>, screen: &mut Screen) -> anyhow::Result<PlayedCount> {
    let mut played = PlayedCount::default();
    for scene in scenes::build_all_scenes() {
        played.scenes += 1;
        screen.print_scene_heading(played.scenes, scene.title, &scene.order.reference)?;
        play_scene(stage, screen, &scene, &mut played).await?;
    }
    screen.print_heading("All orders together", "")?;
    screen.print_passed_check(&check_mail_counts(stage).await?)?;
    played.assertions += 1;
    Ok(played)
}

async fn play_scene(
    stage: &Stage<'_>,
    screen: &mut Screen,
    scene: &Scene,
    played: &mut PlayedCount,
) -> anyhow::Result<()> {
    sleep(stage.pause).await;
    let order = stage.shop.place_order(&scene.order).await?;
    let mut before = String::new();
    for step in &scene.steps {
        let answers = send_requests(stage, &order, step).await?;
        let settled = wait_for_assertions(stage, &order, step, &answers).await?;
        let (status, told) =
            settled.map_err(|wrong| anyhow!("in scene {}, {:?}: {wrong}", played.scenes, step.line))?;
        screen.print_step(&status, status != before, step.line)?;
        for line in &told {
            screen.print_passed_check(line)?;
        }
        before = status;
        played.steps += 1;
        played.assertions += step.assertions.len();
        sleep(stage.pause).await;
    }
    Ok(())
}

/// Sends the requests of a step one after the other, and collects the answers.
async fn send_requests(stage: &Stage<'_>, order: &Placed, step: &Step) -> anyhow::Result<Answers> {
    let (shop, mut answers) = (stage.shop, Answers::default());
    for action in &step.actions {
        match action {
            Action::Ask(who, to) => answers.mutations.push(shop.request_transition(*who, order, *to).await?),
            Action::Race(competitors, to) => {
                answers.mutations.extend(shop.race_for_transition(*competitors, order, *to).await?)
            }
            Action::Cancel(who, reason) => {
                answers.mutations.push(shop.cancel_order(*who, order, reason).await?)
            }
            Action::CancelShipment(parcel, reason) => {
                answers.mutations.push(shop.cancel_shipment(order, parcel, reason).await?);
            }
            Action::Register(parcel, units) => {
                answers.mutations.push(shop.register_shipment(order, parcel, *units).await?);
            }
            Action::Post(push) => answers.webhooks.push(stage.carriers.post_webhook(push).await?),
            Action::Look(who) => answers.looks.push(can_see_order(shop, *who, order).await?),
        }
    }
    Ok(answers)
}

/// Waits until every assertion of the step is true. Returns the order's status and the lines to print, or, after
/// [`PATIENCE`], the reason why the first failing assertion is false. The outer error means that the look-up failed.
async fn wait_for_assertions(
    stage: &Stage<'_>,
    order: &Placed,
    step: &Step,
    answers: &Answers,
) -> anyhow::Result<Result<(String, Vec<String>), String>> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let snapshot = Snapshot::fetch(stage.shop.client(Who::Sam), &stage.mailbox, order, answers).await?;
        match check_assertions(step, &snapshot) {
            Ok(told) => return Ok(Ok((snapshot.order.status, told))),
            Err(wrong) if Instant::now() > deadline => return Ok(Err(wrong)),
            Err(_) => sleep(LOOK_EVERY).await,
        }
    }
}

/// Checks all assertions of a step. Returns the lines to print, or why the first failing assertion is false.
fn check_assertions(step: &Step, snapshot: &Snapshot) -> Result<Vec<String>, String> {
    // Assertions also say that webhooks did not change something. This is known only when all webhooks are read.
    if snapshot.webhooks.iter().any(|webhook| webhook.state == "PENDING") {
        return Err("a webhook is not read yet".to_owned());
    }
    let check = |assertion: &Assertion| {
        assertion.check(snapshot).map_err(|wrong| format!("the claim {assertion:?} does not hold: {wrong}"))
    };
    let told = step.assertions.iter().map(check).collect::<Result<Vec<_>, _>>()?;
    Ok(told.into_iter().flatten().collect())
}

async fn can_see_order(shop: &Shop, who: Who, order: &Placed) -> anyhow::Result<bool> {
    let query = "query($id: ID!) { order(id: $id) { id } }";
    let data: Value = shop.client(who).execute(query, json!({ "id": order.id })).await?;
    Ok(!data["order"].is_null())
}

/// Checks that the mailbox has exactly one mail for each notification that was sent, and that all others are
/// suppressed.
async fn check_mail_counts(stage: &Stage<'_>) -> anyhow::Result<String> {
    #[derive(Deserialize)]
    struct Data {
        orders: Nodes<Owed>,
    }
    #[derive(Deserialize)]
    struct Owed {
        notifications: Vec<Notification>,
    }
    let query = "{ orders(first: 100) { nodes { notifications { status state reason } } } }";
    let support = stage.shop.client(Who::Sam);
    let data: Data = support.execute(query, json!({})).await?;
    let notifications: Vec<_> = data.orders.nodes.into_iter().flat_map(|order| order.notifications).collect();
    let count = |state: &str| notifications.iter().filter(|notification| notification.state == state).count();
    let (sent, held) = (count("SENT"), count("SUPPRESSED"));
    let caught = support.fetch_page(&stage.mailbox).await?.matches("href=\"/mailbox/").count();
    if sent != caught || sent + held != notifications.len() {
        let owed = notifications.len();
        bail!("the mails do not add up: {owed} owed, {sent} sent, {held} held back, {caught} caught");
    }
    Ok(format!("{caught} mails owed and caught, none twice; {held} held back as stale"))
}
