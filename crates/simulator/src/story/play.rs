//! Posts the webhooks of a story step by step, and prints a line for every answer. Called by `story::run`.
//!
//! `Ok` is the count of posted webhooks and of answers with the expected HTTP status; an unexpected status is no error.
//! `Err` means that the server did not answer, that a request of the merchant had another answer than the story
//! expects, or that nothing can be printed. Without `shop`, the merchant's requests are not made, and the line says so.
//! `describe_answer` shows at most 40 characters of the answer.

use std::{collections::BTreeMap, time::Duration};

use app::Clock;
use carriers::{Secrets, Sender};
use chrono::{DateTime, Utc};
use console::print_line;
use reqwest::StatusCode;
use tokio::time::sleep;

use super::{
    CheckCount,
    file::{ParcelUpdate, Step, Story},
    orders::Shop,
    tamper,
};
use crate::webhook::{HttpAnswer, Post};

/// How many characters of an answer's text are printed.
const MAX_SHOWN: usize = 40;

/// Plays the story, and counts how many answers have the expected status. `speed` divides the pauses. Only with a shop
/// are the merchant's requests made.
pub async fn play_steps(
    story: &Story,
    secrets: &BTreeMap<Sender, Secrets>,
    post: &Post,
    speed: f64,
    shop: Option<(&Shop, DateTime<Utc>)>,
) -> anyhow::Result<CheckCount> {
    let names = story.parcels.iter().map(|parcel| parcel.name.chars().count()).max().unwrap_or_default();
    let told = story
        .steps
        .iter()
        .flat_map(|step| step.updates.iter().map(|update| describe_update(step, update).len()));
    let width = told.max().unwrap_or_default();
    let mut checks = CheckCount::default();
    for step in &story.steps {
        sleep(step.after.to_std().unwrap_or(Duration::ZERO).div_f64(speed)).await;
        for update in &step.updates {
            let parcel = &story.parcels[update.parcel];
            let Some(secrets) = secrets.get(&parcel.sender) else { continue };
            let webhooks =
                tamper::compose_webhooks(parcel, update, step.tampering, secrets, Clock::System.now())?;
            for webhook in &webhooks {
                for copy in 0..step.repeat {
                    let answer = post.send(webhook).await?;
                    let right = answer.status.as_u16() == step.expect;
                    checks.count(right);
                    let told =
                        if copy == 0 { describe_update(step, update) } else { "the same again".to_owned() };
                    let verdict = describe_answer(&answer, step.expect);
                    print_line(format!(
                        "{:>4}  {:<9}  {:<names$}  {told:<width$}  {verdict}",
                        checks.total, parcel.sender, parcel.name
                    ))?;
                }
            }
        }
        for request in &step.requests {
            let told = match shop {
                Some((shop, begin)) => shop.perform_request(request, story, begin).await?,
                None => "left to the shop".to_owned(),
            };
            print_line(format!("      {:<9}  {}: {told}", "merchant", request.mutation))?;
        }
    }
    Ok(checks)
}

/// Describes the scans that a step reports for one parcel, and how they are forged.
fn describe_update(step: &Step, update: &ParcelUpdate) -> String {
    let said: Vec<_> = update.scans.iter().map(|scan| scan.meaning.as_str()).collect();
    let forged = step.tampering.map(|tampering| format!(" (forged: {tampering})")).unwrap_or_default();
    format!("{}{forged}", said.join(", "))
}

/// Describes an answer, and compares its status with the expected one.
fn describe_answer(answer: &HttpAnswer, expected: u16) -> String {
    let text: String = answer.text.lines().next().unwrap_or_default().chars().take(MAX_SHOWN).collect();
    let status = answer.status;
    if status.as_u16() == expected {
        return format!("✓ {} {text}", status.as_u16()).trim_end().to_owned();
    }
    let hint = match status {
        StatusCode::NOT_FOUND => "; has the server a secret for this sender?",
        StatusCode::UNAUTHORIZED => "; has the server the same secret?",
        _ => "",
    };
    format!("✗ {} {text}, {expected} was expected{hint}", status.as_u16())
}
