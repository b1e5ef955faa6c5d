//! The command `milepost scan`: posts a webhook as a carrier would, or plays a story of many, to test an installation.
//!
//! `main` calls `run`, which gives the work to `simulator::scan::run` or, with `--story`, to `simulator::story::run`.
//! They call the closure `secrets` for each sender that they need:
//!
//! - `secret_from_arguments`: the last `--secret` of the sender. `None` if there is none, so the settings decide. With
//!   `names_sender` each text must be like `fedex=SECRET`, and texts of other senders are left out.
//! - `find_configured_secrets`: the sender's secrets in the settings. An error if there are none.
//!
//! `find_configured_address` returns `PUBLIC_URL`, or else `LISTEN` as a URL. `build_scan` returns bad usage for an
//! argument that is missing. `parse_time` needs an offset.

use std::path::PathBuf;

use anyhow::{Context, bail};
use carriers::{Secrets, Sender};
use chrono::{DateTime, FixedOffset};
use clap::{Args, value_parser};
use console::BadUsage;
use domain::{Carrier, Meaning};
use simulator::{
    Post,
    scan::{self, Scan},
    story, values,
};
use url::Url;

use super::{list_sender_names, parse_speed};
use crate::settings::{BadSettings, Settings, webhook_secret_variable};

/// The examples below the command's help.
pub const EXAMPLES: &str = "\
The secret is the one in the settings (MILEPOST_WEBHOOK_SECRET_FEDEX, …) unless --secret is given.

Examples:
  milepost scan --carrier fedex --tracking 794600000001 --status out_for_delivery
  milepost scan --carrier ups --tracking 1Z9999990000000001 --status delivered \\
    --at 2026-01-15T07:02:09-05:00 --location 'Holbrook, NY, US' --to https://track.example.org
  milepost scan --story stories/forged.toml --orders --token \"$(milepost token --role system)\"";

/// The arguments of `milepost scan`.
#[derive(Args, Debug)]
pub struct Arguments {
    #[arg(long, help = format!("Who sends it: {}", list_sender_names()), required_unless_present = "story",
        conflicts_with = "story")]
    pub carrier: Option<Sender>,
    /// The parcel's tracking number; with --story NAME=NUMBER, for a parcel of the story
    #[arg(long, value_name = "NUMBER", required_unless_present = "story")]
    pub tracking: Vec<String>,
    /// Who carries the parcel, where the sender reports for many: fedex, canada_post, … [default: fedex]
    #[arg(long, value_name = "CARRIER", value_parser = Carrier::parse, conflicts_with = "story")]
    pub parcel_carrier: Option<Carrier>,
    /// How far the parcel is, or what is wrong with it: picked_up, in_transit, out_for_delivery, delivered,
    /// delivery_attempt_failed, delayed, …
    #[arg(long, value_parser = values::parse_meaning, required_unless_present = "story", conflicts_with = "story")]
    pub status: Option<Meaning>,
    /// When it was scanned, with the offset of the place [default: now]
    #[arg(long, value_name = "TIME", value_parser = parse_time, conflicts_with = "story")]
    pub at: Option<DateTime<FixedOffset>>,
    /// Where it was scanned: 'Holbrook, NY, US', 'Berlin, DE'
    #[arg(long, value_name = "PLACE", conflicts_with = "story")]
    pub location: Option<String>,
    /// The server, or the full address of the webhook [default: MILEPOST_PUBLIC_URL, or MILEPOST_LISTEN]
    #[arg(long, value_name = "URL")]
    pub to: Option<Url>,
    /// What to sign with; with --story SENDER=SECRET
    #[arg(long)]
    pub secret: Vec<String>,
    /// Post the same webhook so many times; only the first may change anything
    #[arg(long, value_name = "N", default_value = "1", value_parser = value_parser!(u32).range(1..),
        conflicts_with = "story")]
    pub repeat: u32,
    /// Play a file of scans: see docs/stories.md
    #[arg(long, value_name = "FILE")]
    pub story: Option<PathBuf>,
    /// With --story: make the pauses so many times as short
    #[arg(long, value_name = "N", default_value = "1", value_parser = parse_speed, requires = "story",
        conflicts_with = "carrier")]
    pub speed: f64,
    /// With --story: place its order and register its parcels first, and compare how they end
    #[arg(long, requires = "story", requires = "token", conflicts_with = "carrier")]
    pub orders: bool,
    /// With --orders: a bearer token of support or a system
    #[arg(long, requires = "orders", conflicts_with = "carrier")]
    pub token: Option<String>,
    /// With --orders: where the customer's mails go
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = "customer@example.invalid",
        requires = "orders",
        conflicts_with = "carrier"
    )]
    pub email: String,
}

/// Posts the webhook, or plays the story. Reads the settings only if the arguments leave something open.
pub async fn run(
    settings: impl Fn() -> Result<Settings, BadSettings>,
    arguments: Arguments,
) -> anyhow::Result<()> {
    let secrets = |sender| match secret_from_arguments(&arguments.secret, sender, arguments.story.is_some())?
    {
        // Only the settings know in which header DHL sends the secret.
        Some(secrets) if sender == Sender::Dhl => Ok(secrets.with_header(settings()?.dhl_webhook_header)),
        Some(secrets) => Ok(secrets),
        None => find_configured_secrets(&settings()?, sender),
    };
    let Some(file) = arguments.story.clone() else {
        let post = match &arguments.to {
            Some(to) => Post::to_server_or_route(to)?,
            None => Post::to_server(&find_configured_address(&settings()?)?)?,
        };
        return scan::run(&build_scan(&arguments)?, &post, secrets).await;
    };
    let to = match arguments.to {
        Some(to) => to,
        None => find_configured_address(&settings()?)?,
    };
    let merchant = arguments.token.map(|token| story::Merchant { token, email: arguments.email });
    let options = story::Options { file, to, tracking: arguments.tracking, speed: arguments.speed, merchant };
    story::run(options, secrets).await
}

/// Builds the scan of the command without `--story`.
fn build_scan(arguments: &Arguments) -> Result<Scan, BadUsage> {
    let (Some(sender), Some(meaning)) = (arguments.carrier, arguments.status) else {
        let problem = "are needed without --story".to_owned();
        return Err(BadUsage { argument: "--carrier, --status", problem });
    };
    let [tracking] = &arguments.tracking[..] else {
        let problem = "is needed once without --story".to_owned();
        return Err(BadUsage { argument: "--tracking", problem });
    };
    Ok(Scan {
        sender,
        tracking: tracking.clone(),
        carrier: arguments.parcel_carrier,
        meaning,
        at: arguments.at,
        location: arguments.location.clone(),
        repeat: arguments.repeat,
    })
}

/// Returns the sender's secret from the command line. In a story with many senders (`names_sender`) each `--secret`
/// begins with the sender's name, as in `fedex=SECRET`.
fn secret_from_arguments(
    given: &[String],
    sender: Sender,
    names_sender: bool,
) -> anyhow::Result<Option<Secrets>> {
    let wrong = |problem: String| BadUsage { argument: "--secret", problem };
    let mut found = None;
    for text in given {
        let (name, secret) = match text.split_once('=').filter(|_| names_sender) {
            Some((name, secret)) => (values::parse_sender(name).map_err(wrong)?, secret),
            None if names_sender => bail!(wrong("in a story it is like fedex=SECRET".to_owned())),
            None => (sender, text.as_str()),
        };
        if name == sender {
            found = Some(Secrets::new([secret.to_owned()]).map_err(|problem| wrong(problem.to_string()))?);
        }
    }
    Ok(found)
}

/// Returns the sender's secrets from the settings, which the server uses too.
fn find_configured_secrets(settings: &Settings, sender: Sender) -> anyhow::Result<Secrets> {
    settings.build_sender_secrets()?.remove(&sender).ok_or_else(|| {
        let problem = format!("is needed: {} is not set", webhook_secret_variable(sender));
        BadUsage { argument: "--secret", problem }.into()
    })
}

fn find_configured_address(settings: &Settings) -> anyhow::Result<Url> {
    let url = settings.public_url.clone().unwrap_or_else(|| format!("http://{}", settings.listen));
    Url::parse(&url).context("--to: is needed")
}

fn parse_time(text: &str) -> Result<DateTime<FixedOffset>, String> {
    let wrong = |error| format!("it is not a time with an offset, as in 2026-01-15T07:02:09-05:00 ({error})");
    DateTime::parse_from_rfc3339(text).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_needs_its_offset() {
        assert!(parse_time("2026-01-15T07:02:09-05:00").is_ok());
        assert!(parse_time("2026-01-15T07:02:09").unwrap_err().contains("as in 2026-01-15T07:02:09-05:00"));
    }

    #[test]
    fn a_missing_secret_is_named() {
        let settings = Settings::read([], None, |_| unreachable!("there is no file")).unwrap();
        let error = find_configured_secrets(&settings, Sender::Fedex).unwrap_err();
        assert_eq!(error.to_string(), "--secret: is needed: MILEPOST_WEBHOOK_SECRET_FEDEX is not set");
    }

    #[test]
    fn in_a_story_a_secret_names_its_sender() {
        let given = ["fedex=a=b".to_owned()];
        assert!(secret_from_arguments(&given, Sender::Fedex, true).unwrap().is_some());
        assert!(secret_from_arguments(&given, Sender::Ups, true).unwrap().is_none());
        assert!(secret_from_arguments(&given, Sender::Ups, false).unwrap().is_some());
        let error = secret_from_arguments(&["fedx=a".to_owned()], Sender::Ups, true).unwrap_err();
        assert_eq!(error.to_string(), "--secret: `fedx` is no sender of webhooks; did you mean fedex?");
        assert!(secret_from_arguments(&["a".to_owned()], Sender::Ups, true).is_err());
    }
}
