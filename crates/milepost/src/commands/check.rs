//! `milepost check`: connects to everything configured and says what is wrong, one line each.

use anyhow::bail;
use app::feed::{Feed, FeedError};
use worker::mail::Mailer;

use super::{say, serve::Role};
use crate::{
    address, database,
    failure::line,
    keys::{Origin, sqlite_file},
    settings::{Settings, webhook_secret_variable},
};

/// What is well, or what is wrong; one line.
type Finding = Result<String, String>;

/// Prints one line for each thing it looked at; fails when any of them is wrong.
pub async fn run(settings: &Settings) -> anyhow::Result<()> {
    let findings = [
        (
            "settings",
            settings.check_serving(Role::All).map(|()| "readable".to_owned()).map_err(|e| e.to_string()),
        ),
        ("tokens", Ok(tokens(settings))),
        ("webhooks", Ok(webhooks(settings))),
        ("dhl", Ok(dhl(settings))),
        ("database", database(settings).await),
        ("redis", redis(settings).await),
        ("mail", mail(settings).await),
    ];
    for (name, finding) in &findings {
        let (verdict, text) = match finding {
            Ok(text) => ("ok", text),
            Err(text) => ("wrong", text),
        };
        say(format!("{verdict:5}  {name:8}  {text}"))?;
    }
    match findings.iter().filter(|(_, finding)| finding.is_err()).count() {
        0 => Ok(()),
        1 => bail!("1 thing is wrong"),
        wrong => bail!("{wrong} things are wrong"),
    }
}

fn tokens(settings: &Settings) -> String {
    match Origin::of(settings) {
        Origin::Setting => "MILEPOST_JWT_SECRET is set".to_owned(),
        Origin::File(path) => {
            format!("MILEPOST_JWT_SECRET is unset; a made-up secret is kept in {}", path.display())
        }
        Origin::Memory => "MILEPOST_JWT_SECRET is unset; each start makes up a secret of its own".to_owned(),
    }
}

fn webhooks(settings: &Settings) -> String {
    let sender = |sender| match settings.proof_of(sender) {
        Some(proof) => format!("{sender} {proof}"),
        None => format!("{sender} off ({} is unset)", webhook_secret_variable(sender)),
    };
    carriers::Sender::ALL.map(sender).join(", ")
}

/// Only what is set: DHL would have to be asked for something.
fn dhl(settings: &Settings) -> String {
    match &settings.dhl_api_key {
        Some(_) => format!("subscriptions are activated at {}", settings.dhl_api_url),
        None => "MILEPOST_DHL_API_KEY is unset; new subscriptions are not activated".to_owned(),
    }
}

async fn database(settings: &Settings) -> Finding {
    let url = settings.database_url.expose();
    let shown = address::shown(url);
    if let Some(file) = sqlite_file(url).filter(|file| !file.exists()) {
        return match url.contains("mode=rwc") {
            true => Ok(format!("{shown}: no file yet; serve and migrate make it")),
            false => {
                Err(format!("MILEPOST_DATABASE_URL: there is no file {}; ?mode=rwc makes it", file.display()))
            }
        };
    }
    let named = |problem: String| format!("MILEPOST_DATABASE_URL: {shown}: {problem}");
    if sqlite_file(url).is_none() {
        address::answers(url).await.map_err(named)?;
    }
    let store = database::connect(settings).await.map_err(|error| line(&error))?;
    store.ping().await.map_err(|error| named(database::root(&error)))?;
    let migrations = store.migrations().await.map_err(|error| named(database::root(&error)))?;
    store.close().await.map_err(|error| named(database::root(&error)))?;
    match migrations.iter().filter(|(_, applied)| !applied).count() {
        0 => Ok(format!("{shown}: answers, up to date")),
        pending => {
            Err(named(format!("{pending} of {} migrations are pending: milepost migrate", migrations.len())))
        }
    }
}

async fn redis(settings: &Settings) -> Finding {
    let Some(url) = &settings.redis_url else {
        return Ok("MILEPOST_REDIS_URL is unset; queue and live feed inside the process".to_owned());
    };
    let shown = address::shown(url.expose());
    let named = |problem: String| format!("MILEPOST_REDIS_URL: {shown}: {problem}");
    address::answers(url.expose()).await.map_err(named)?;
    let feed = Feed::redis(url.expose(), "milepost").map_err(|error| named(line(&error.into())))?;
    match feed.ping().await {
        // Only a running server subscribes.
        Ok(()) | Err(FeedError::NotSubscribed) => Ok(format!("{shown}: answers")),
        Err(error) => Err(named(line(&error.into()))),
    }
}

async fn mail(settings: &Settings) -> Finding {
    let Some(url) = &settings.smtp_url else {
        return Ok("MILEPOST_SMTP_URL is unset; mails are kept in the mailbox".to_owned());
    };
    let shown = address::shown(url.expose());
    let named = |problem: String| format!("MILEPOST_SMTP_URL: {shown}: {problem}");
    let mailer = Mailer::smtp(url.expose(), &settings.mail_from).map_err(|error| named(error.to_string()))?;
    match mailer.check().await {
        Ok(()) => Ok(format!("{shown}: answers")),
        Err(error) => Err(named(error.reason().to_owned())),
    }
}
