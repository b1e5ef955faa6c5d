//! The command `milepost check`: reads the settings, connects to the database, Redis and the mail server, and prints
//! the result of each check in a line. Called by `main`.
//!
//! - `describe_…` functions read the settings only, and their lines are always "ok". Texts in them say what is unset.
//! - `check_…` functions connect. `Ok` also means that the setting is unset, so that there is nothing to connect to.
//! - `run` returns an error at the end if one of the lines is "wrong". A wrong line does not stop the other checks.
//! - `describe_short_secret` is empty if the secrets are long enough. Only for USPS is there a minimum.

use anyhow::bail;
use app::feed::FeedError;
use carriers::Sender;
use chrono::TimeDelta;
use console::{pluralize, print_line};
use worker::{mail::Mailer, redis_feed};

use crate::{
    address, database,
    failure::format_line,
    files,
    keys::Origin,
    role::Role,
    settings::{Settings, webhook_secret_variable},
};

/// The minimum length of a secret for USPS, in characters.
const USPS_LEAST: usize = 32;

/// The result of a check, as one line: what is right, or what is wrong.
type Finding = Result<String, String>;

/// Runs all checks and prints a line for each. Fails if any of them fails.
pub async fn run(settings: &Settings) -> anyhow::Result<()> {
    let findings = [
        (
            "settings",
            settings.check_serving(Role::All).map(|()| "readable".to_owned()).map_err(|e| e.to_string()),
        ),
        ("files", files::describe_limits(settings.http)),
        ("tokens", Ok(describe_tokens(settings))),
        ("webhooks", Ok(describe_webhooks(settings))),
        ("dhl", Ok(describe_dhl(settings))),
        ("carriers", Ok(describe_carriers(settings))),
        ("codes", Ok(describe_codes(settings))),
        ("database", check_database(settings).await),
        ("redis", check_redis(settings).await),
        ("mail", check_mail(settings).await),
        ("notify", Ok(describe_max_age(settings))),
    ];
    for (name, finding) in &findings {
        let (verdict, text) = match finding {
            Ok(text) => ("ok", text),
            Err(text) => ("wrong", text),
        };
        print_line(format!("{verdict:5}  {name:8}  {text}"))?;
    }
    match findings.iter().filter(|(_, finding)| finding.is_err()).count() {
        0 => Ok(()),
        wrong => bail!("{} {} wrong", pluralize(wrong, "thing"), if wrong == 1 { "is" } else { "are" }),
    }
}

fn describe_tokens(settings: &Settings) -> String {
    match Origin::from_settings(settings) {
        Origin::Setting => "MILEPOST_JWT_SECRET is set".to_owned(),
        Origin::File(path) => {
            format!("MILEPOST_JWT_SECRET is unset; a made-up secret is kept in {}", path.display())
        }
        Origin::Memory => "MILEPOST_JWT_SECRET is unset; each start makes up a secret of its own".to_owned(),
    }
}

fn describe_webhooks(settings: &Settings) -> String {
    let sender = |sender| match settings.describe_authentication(sender) {
        Some(proof) => format!("{sender} {proof}{}", describe_short_secret(settings, sender)),
        None => describe_disabled(sender),
    };
    Sender::ALL.map(sender).join(", ")
}

/// Warns about a secret that is too short: the sender does not accept it, so the server could verify no webhook.
fn describe_short_secret(settings: &Settings, sender: Sender) -> String {
    let least = match sender {
        Sender::Usps => USPS_LEAST,
        Sender::Fedex | Sender::Ups | Sender::Dhl | Sender::Easypost | Sender::Shippo | Sender::Aftership => {
            return String::new();
        }
    };
    let secrets = settings.webhook_secrets.get(&sender).into_iter().flatten();
    match secrets.map(|secret| secret.expose().chars().count()).min() {
        Some(short) if short < least => {
            format!(" (a secret has {}, and {sender} asks for {least})", pluralize(short, "character"))
        }
        Some(_) | None => String::new(),
    }
}

fn describe_disabled(sender: Sender) -> String {
    format!("{sender} off ({} is unset)", webhook_secret_variable(sender))
}

/// Reports only the settings. To check the key, it would have to send a real request to DHL's API.
fn describe_dhl(settings: &Settings) -> String {
    match (settings.describe_authentication(Sender::Dhl), &settings.dhl_api_key) {
        (Some(_), Some(_)) => format!("subscriptions are activated at {} (not asked)", settings.dhl_api_url),
        (Some(_), None) => "MILEPOST_DHL_API_KEY is unset; new subscriptions are not activated".to_owned(),
        (None, Some(_)) => format!("{}, though MILEPOST_DHL_API_KEY is set", describe_disabled(Sender::Dhl)),
        (None, None) => "off".to_owned(),
    }
}

/// Lists the merchant's own carriers.
fn describe_carriers(settings: &Settings) -> String {
    let describe = |(carrier, name, url): (domain::Carrier, &str, Option<&str>)| {
        format!("{carrier} ({name}, {})", url.unwrap_or("no tracking page"))
    };
    let own: Vec<String> = settings.carriers.list_own_carriers().map(describe).collect();
    match own.is_empty() {
        true => "MILEPOST_CARRIERS is unset; docs/carriers.md lists the well-known carriers".to_owned(),
        false => own.join(", "),
    }
}

/// Lists the merchant's mappings of codes.
fn describe_codes(settings: &Settings) -> String {
    match &settings.carrier_codes {
        none if none.is_empty() => {
            "MILEPOST_CARRIER_CODES is unset; docs/carriers.md says what codes mean".to_owned()
        }
        codes => codes.to_string(),
    }
}

async fn check_database(settings: &Settings) -> Finding {
    let redacted = address::redact_url(settings.database_url.expose());
    if database::find_missing_file(settings).is_some() && database::creates_missing_file(settings) {
        return Ok(format!("{redacted}: no file yet; serve and migrate make it"));
    }
    let store = database::open_up_to_date(settings).await.map_err(|error| format_line(&error))?;
    store
        .close()
        .await
        .map_err(|error| format!("MILEPOST_DATABASE_URL: {redacted}: {}", error.root_message()))?;
    Ok(format!("{redacted}: answers, up to date"))
}

async fn check_redis(settings: &Settings) -> Finding {
    let Some(url) = &settings.redis_url else {
        return Ok("MILEPOST_REDIS_URL is unset; queue and live feed inside the process".to_owned());
    };
    let redacted = address::redact_url(url.expose());
    let named = |problem: String| format!("MILEPOST_REDIS_URL: {redacted}: {problem}");
    address::check_reachable(url.expose()).await.map_err(named)?;
    let feed = redis_feed(url.expose(), "milepost").map_err(|error| named(format_line(&error.into())))?;
    match feed.ping().await {
        // `NotSubscribed` is no problem here: only a running server subscribes to the live feed.
        Ok(()) | Err(FeedError::NotSubscribed) => Ok(format!("{redacted}: answers")),
        Err(error) => Err(named(format_line(&error.into()))),
    }
}

/// Says which events are too old for a mail.
fn describe_max_age(settings: &Settings) -> String {
    let age = settings.notification_max_age.0;
    let age = match age.num_hours() {
        hours if age == TimeDelta::days(hours / 24) => pluralize((hours / 24) as usize, "day"),
        hours if age == TimeDelta::hours(hours) => pluralize(hours as usize, "hour"),
        _ => pluralize(age.num_seconds() as usize, "second"),
    };
    format!("customers are not mailed about events that are recorded more than {age} late")
}

async fn check_mail(settings: &Settings) -> Finding {
    let Some(url) = &settings.smtp_url else {
        return Ok("MILEPOST_SMTP_URL is unset; mails are kept in the mailbox".to_owned());
    };
    let redacted = address::redact_url(url.expose());
    let named = |problem: String| format!("MILEPOST_SMTP_URL: {redacted}: {problem}");
    let mailer = Mailer::smtp(url.expose(), &settings.mail_from).map_err(|error| named(error.to_string()))?;
    match mailer.check().await {
        Ok(()) => Ok(format!("{redacted}: answers")),
        Err(error) => Err(named(error.reason().to_owned())),
    }
}
