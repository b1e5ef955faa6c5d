//! Plays a file of scans against a server, so that merchants can test their own installation: `milepost scan --story`.
//!
//! Called by `milepost::commands::scan::run`. The steps of [`run`]:
//!
//! 1. `read_story` and `replace_tracking_numbers` here, with `file.rs`, `fields.rs` and `request.rs`: read the file. A
//!    parcel without a number gets a random one of `generate_tracking_number`; `--tracking` replaces numbers.
//! 2. `Story::check_webhooks`, with `request.rs` has the requests that the merchant makes between the webhooks.
//! - `tamper.rs`: compose all webhooks once, before anything is sent.
//! 3. `orders.rs`, with `--orders` only: place the order of the story and register its parcels.
//! 4. `play.rs`: post the webhooks, and make the merchant's requests.
//! 5. `orders.rs` again: compare the final statuses.
//!
//! `CheckCount` counts the answers of step 4 and the statuses of step 5. No checks at all count as passed.

mod fields;
mod file;
mod orders;
mod play;
mod request;
mod tamper;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::bail;
use app::Clock;
use carriers::{Secrets, Sender};
use chrono::{DateTime, SubsecRound, Utc};
use console::{BadUsage, pluralize, print_line, suggest_name};
use domain::Carrier;
use reqwest::Url;

pub use fields::BadStory;
pub(crate) use tamper::Tampering;

use crate::{api_client::Client, values, webhook::Post};
use file::{Story, StoryParcel};
use orders::Shop;

/// The arguments of a play.
pub struct Options {
    /// The file to play, in TOML.
    pub file: PathBuf,
    /// The address of the server.
    pub to: Url,
    /// Tracking numbers that replace those of the file, as `parcel=number`: `mug=794600000001`.
    pub tracking: Vec<String>,
    /// How many times faster to play: pauses are divided by it.
    pub speed: f64,
    /// Places the order of the story first. Unset: the merchant has already registered the shipments.
    pub merchant: Option<Merchant>,
}

/// The API caller who places the order of the story.
pub struct Merchant {
    /// A bearer token with the role support or system.
    pub token: String,
    /// The customer's address. The notifications of the order go there.
    pub email: String,
}

/// Plays a story. Fails if an answer or a final status differs from what the story expects. `secrets` returns the
/// secrets with which a sender signs.
pub async fn run(
    options: Options,
    secrets: impl Fn(Sender) -> anyhow::Result<Secrets>,
) -> anyhow::Result<()> {
    // Carriers write whole seconds. With fractions, a repeated scan could differ from the first one.
    let begin = Clock::System.now().trunc_subsecs(0);
    let mut story = read_story(&options.file, begin)?;
    replace_tracking_numbers(&mut story, &options.tracking)?;
    let secrets: BTreeMap<Sender, Secrets> =
        story.senders().map(|sender| Ok((sender, secrets(sender)?))).collect::<anyhow::Result<_>>()?;
    story.check_webhooks(&options.file, &secrets, begin)?;

    let post = Post::to_server(&options.to)?;
    print_line(&story.title)?;
    for parcel in &story.parcels {
        print_line(format!("  {}: {} {}", parcel.name, parcel.carrier.display_name(), parcel.tracking))?;
    }
    let shop = match &options.merchant {
        Some(merchant) => {
            let url = options.to.as_str().trim_end_matches('/');
            let client = Client::with_http(post.http.clone(), url, merchant.token.clone());
            Some(Shop::place_order(client, &story, &merchant.email, begin).await?)
        }
        None => None,
    };
    if let Some(shop) = &shop {
        print_line(format!("  order {}, packed: {}", shop.order.id, shop.order.page))?;
    }
    print_line("")?;
    let posts =
        play::play_steps(&story, &secrets, &post, options.speed, shop.as_ref().map(|shop| (shop, begin)))
            .await?;
    let ends = match &shop {
        Some(shop) => Some(shop.compare_final_statuses(&story, begin).await?),
        None => None,
    };
    let ends_told = ends
        .map(|ends| format!("; {}, {} as told", pluralize(ends.total, "end"), ends.passed))
        .unwrap_or_default();
    print_line("")?;
    print_line(format!("{}, {} as expected{ends_told}", pluralize(posts.total, "post"), posts.passed))?;
    if !posts.have_all_passed() || ends.is_some_and(|ends| !ends.have_all_passed()) {
        bail!("not everything was as the story has it");
    }
    Ok(())
}

/// How many checks were made, and how many of them passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct CheckCount {
    total: usize,
    passed: usize,
}

impl CheckCount {
    fn count(&mut self, passed: bool) {
        self.total += 1;
        self.passed += usize::from(passed);
    }

    fn have_all_passed(self) -> bool {
        self.total == self.passed
    }
}

fn read_story(file: &Path, begin: DateTime<Utc>) -> anyhow::Result<Story> {
    let text = fs::read_to_string(file).map_err(|error| BadUsage {
        argument: "--story",
        problem: format!("{} cannot be read: {error}", file.display()),
    })?;
    Ok(Story::parse(file, &text, begin, generate_tracking_number)?)
}

/// Replaces the tracking numbers of the file by those of the command line.
fn replace_tracking_numbers(story: &mut Story, given_numbers: &[String]) -> Result<(), BadUsage> {
    let wrong = |problem| BadUsage { argument: "--tracking", problem };
    for given in given_numbers {
        let example = || wrong(format!("`{given}` is not like mug=794600000001"));
        let (name, number) = given.split_once('=').ok_or_else(example)?;
        let names: Vec<&str> = story.parcels.iter().map(|parcel| parcel.name.as_str()).collect();
        let place = names.iter().position(|known| *known == name);
        let unknown = || wrong(format!("the story has no parcel `{name}`; {}", suggest_name(name, &names)));
        let place = place.ok_or_else(unknown)?;
        let parcel = &mut story.parcels[place];
        parcel.tracking = values::parse_tracking_number(parcel.carrier, number).map_err(wrong)?;
    }
    for (one, place) in story.parcels.iter().zip(1..) {
        let same = |other: &&StoryParcel| (other.carrier, &other.tracking) == (one.carrier, &one.tracking);
        if let Some(other) = story.parcels[place..].iter().find(same) {
            return Err(wrong(format!("parcels {} and {} have the same number", one.name, other.name)));
        }
    }
    Ok(())
}

/// Generates a random tracking number, in a format of the carrier if it is one of the built-in carriers.
fn generate_tracking_number(carrier: Carrier) -> String {
    let digits = rand::random::<u64>() % 10_000_000_000;
    match carrier {
        Carrier::FEDEX => format!("79{digits:010}"),
        Carrier::UPS => format!("1Z999AA1{digits:010}"),
        Carrier::USPS => format!("940010000000{digits:010}"),
        Carrier::DHL => format!("JD0146{digits:014}"),
        _ => format!("MP{digits:010}"),
    }
}
