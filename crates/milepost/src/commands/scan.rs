//! `milepost scan`: one webhook as a carrier would send it, to try an installation.

use std::{error::Error, time::Duration};

use anyhow::{Context, bail};
use app::Clock;
use carriers::{Compose, Secrets, Sender, Told};
use chrono::{DateTime, FixedOffset};
use clap::{Args, value_parser};
use domain::{Carrier, Meaning, ShipmentStatus};
use reqwest::{Client, Url, header::CONTENT_TYPE};

use super::say;
use crate::{
    failure::BadUsage,
    settings::{BadSettings, Hidden, Settings, webhook_secret_variable},
};

/// Shown below the help.
pub const EXAMPLES: &str = "\
The secret is the one in the settings (MILEPOST_WEBHOOK_SECRET_FEDEX, …) unless --secret is given.

Examples:
  milepost scan --carrier fedex --tracking 794600000001 --status out_for_delivery
  milepost scan --carrier ups --tracking 1Z9999990000000001 --status delivered \\
    --at 2026-01-15T07:02:09-05:00 --location 'Holbrook, NY, US' --to https://track.example.org";

/// How long to wait for the server's answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The arguments of `milepost scan`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Who sends it: fedex or ups
    #[arg(long)]
    pub carrier: Sender,
    /// The parcel's tracking number
    #[arg(long, value_name = "NUMBER")]
    pub tracking: String,
    /// How far the parcel is: label_created, picked_up, in_transit, out_for_delivery, available_for_pickup,
    /// delivered, returned_to_sender or cancelled
    #[arg(long)]
    pub status: ShipmentStatus,
    /// When it was scanned, with the offset of the place [default: now]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub at: Option<DateTime<FixedOffset>>,
    /// Where it was scanned: 'Holbrook, NY, US', 'Berlin, DE'
    #[arg(long, value_name = "PLACE")]
    pub location: Option<String>,
    /// The server, or the full address of the webhook [default: MILEPOST_PUBLIC_URL, or MILEPOST_LISTEN]
    #[arg(long, value_name = "URL")]
    pub to: Option<Url>,
    /// What to sign with
    #[arg(long)]
    pub secret: Option<String>,
    /// Post the same webhook so many times; only the first may change anything
    #[arg(long, value_name = "N", default_value = "1", value_parser = value_parser!(u32).range(1..))]
    pub repeat: u32,
}

/// Posts the webhook and prints the server's answer. Settings are read only for what the arguments leave open.
pub async fn run(
    settings: impl Fn() -> Result<Settings, BadSettings>,
    arguments: Arguments,
) -> anyhow::Result<()> {
    let carrier = arguments.carrier;
    let secret = match arguments.secret.as_deref() {
        Some(secret) => secret.into(),
        None => configured_secret(&settings()?, carrier)?,
    };
    let server = match arguments.to {
        Some(to) => to,
        None => own_address(&settings()?)?,
    };
    let to = webhook_address(server, carrier)?;
    let now = Clock::System.now();
    let told = Told {
        meaning: Meaning::Status(arguments.status),
        at: arguments.at.unwrap_or_else(|| now.fixed_offset()),
        location: arguments.location.as_deref(),
    };
    let history = Compose {
        carrier: carrier.carrier().unwrap_or(Carrier::Fedex),
        tracking_number: &arguments.tracking,
        scans: &[told],
        estimated_delivery: None,
        sent_at: now,
    };
    let Some(body) = carrier.compose(&history).pop() else {
        let problem = format!("{carrier} has no way to say {}", arguments.status);
        bail!(BadUsage { argument: "--status", problem });
    };
    let secrets = Secrets::new([secret.expose().to_owned()])
        .map_err(|problem| BadUsage { argument: "--secret", problem: problem.to_string() })?;
    let headers = carrier.sign(&secrets, &body, now);
    for _ in 0..arguments.repeat {
        post(&to, &headers, &body).await?;
    }
    Ok(())
}

/// Posts once and prints the answer; one other than 2xx is a failure.
async fn post(to: &Url, headers: &[(String, String)], body: &[u8]) -> anyhow::Result<()> {
    let client = Client::builder().timeout(PATIENCE).build().context("no HTTP client can be made")?;
    let mut request = client.post(to.clone()).header(CONTENT_TYPE, "application/json").body(body.to_vec());
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let unanswered = || format!("--to: no answer from {to}");
    let answer = request.send().await.map_err(innermost).with_context(unanswered)?;
    let status = answer.status();
    let text = answer.text().await.map_err(innermost).with_context(unanswered)?;
    let line = format!("{status} {}", text.trim());
    if !status.is_success() {
        bail!("{to} refused it: {}", line.trim_end());
    }
    say(line.trim_end())
}

/// Of the client's nested errors the one that says what happened.
fn innermost(error: reqwest::Error) -> anyhow::Error {
    let mut cause: &dyn Error = &error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    anyhow::Error::msg(cause.to_string())
}

/// The first secret of the carrier, which the server knows too.
fn configured_secret(settings: &Settings, carrier: Sender) -> Result<Hidden, BadUsage> {
    let secret = settings.webhook_secrets.get(&carrier).and_then(|secrets| secrets.first());
    secret.cloned().ok_or_else(|| {
        let problem = format!("is needed: {} is not set", webhook_secret_variable(carrier));
        BadUsage { argument: "--secret", problem }
    })
}

fn own_address(settings: &Settings) -> anyhow::Result<Url> {
    let url = settings.public_url.clone().unwrap_or_else(|| format!("http://{}", settings.listen));
    Url::parse(&url).context("--to: is needed")
}

/// The address of the carrier's webhook; one that has a path already is taken as it is.
fn webhook_address(mut url: Url, carrier: Sender) -> Result<Url, BadUsage> {
    if !matches!(url.scheme(), "http" | "https") {
        let problem = format!("{url} is not a web address, as in http://127.0.0.1:8080");
        return Err(BadUsage { argument: "--to", problem });
    }
    if url.path() == "/" {
        url.set_path(&format!("/webhooks/{carrier}"));
    }
    Ok(url)
}

fn time(text: &str) -> Result<DateTime<FixedOffset>, String> {
    let wrong = |error| format!("it is not a time with an offset, as in 2026-01-15T07:02:09-05:00 ({error})");
    DateTime::parse_from_rfc3339(text).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_the_server_or_the_webhook_itself() {
        let address = |url: &str| webhook_address(url.parse().unwrap(), Sender::Ups).map(String::from);
        assert_eq!(address("http://127.0.0.1:8080").unwrap(), "http://127.0.0.1:8080/webhooks/ups");
        assert_eq!(address("https://h/behind/proxy").unwrap(), "https://h/behind/proxy");
        assert!(address("ftp://h").unwrap_err().to_string().starts_with("--to: "));
    }

    #[test]
    fn a_time_needs_its_offset() {
        assert!(time("2026-01-15T07:02:09-05:00").is_ok());
        assert!(time("2026-01-15T07:02:09").unwrap_err().contains("as in 2026-01-15T07:02:09-05:00"));
    }

    #[test]
    fn a_missing_secret_is_named() {
        let settings = Settings::read([], None, |_| unreachable!("there is no file")).unwrap();
        let error = configured_secret(&settings, Sender::Fedex).unwrap_err();
        assert_eq!(error.to_string(), "--secret: is needed: MILEPOST_WEBHOOK_SECRET_FEDEX is not set");
    }
}
