//! Parses and validates the value of each setting. An error describes the problem and never repeats a secret.
//!
//! `Settings::read` and `settings::senders` call a function for a setting that is set, or for its default. The
//! functions are pure. They connect to nothing: a URL that is `Ok` may lead nowhere. Each `Err` is a text for the
//! merchant, without the name of the setting, which the caller adds.
//!
//! Limits: `QUERY_TIMEOUT` 1s to 5m, `MAX_ANSWER_BYTES` 64 KiB to 64 MiB, `CUSTOMER_ORDERS_PER_MINUTE` 1 to 10,000,
//! `NOTIFY_MAX_AGE` 1h to 3650d, `DATABASE_CONNECTIONS` 1 to 1,000. A SQLite database must be a file, not in memory.

use std::{net::SocketAddr, num::NonZeroU32, time::Duration};

use carriers::CodeMap;
use chrono::TimeDelta;
use console::duration::parse_duration;
use domain::{NotificationMaxAge, text::is_unsafe};
use http::{HeaderName, HeaderValue};
use tracing_subscriber::{EnvFilter, filter::LevelFilter};
use url::{Host, Url};

use super::{LogFormat, Masked};
use crate::address;

/// The maximum number of database connections of one process. PostgreSQL allows 100 for all clients by default.
const MAX_CONNECTIONS: u32 = 1_000;

/// The minimum and the maximum duration of a GraphQL operation.
const SHORTEST_TIMEOUT: Duration = Duration::from_secs(1);
const LONGEST_TIMEOUT: Duration = Duration::from_mins(5);

/// The minimum and the maximum of the largest GraphQL answer, in bytes. An ordinary page needs some KiB. The process
/// builds at most two large answers at a time, so it needs twice the memory.
const LEAST_ANSWER: usize = 64 * 1024;
const MOST_ANSWER: usize = 64 * 1024 * 1024;

/// The minimum of `NOTIFY_MAX_AGE`. Carriers report most scans within some hours, so with less hardly a mail would be
/// sent.
const SHORTEST_MAX_AGE: TimeDelta = TimeDelta::hours(1);

/// The maximum of `CUSTOMER_ORDERS_PER_MINUTE`. It is limited because each new order of a customer reads the customer's
/// orders of the last minute.
const MAX_ORDERS_PER_MINUTE: u32 = 10_000;

pub fn parse_listen_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| format!("`{text}` is not an address and a port, as in 127.0.0.1:8080"))
}

/// Parses the address at which customers reach the server. Removes slashes at its end.
pub fn parse_public_url(text: &str) -> Result<String, String> {
    let wrong = || format!("`{text}` is not a web address, as in https://track.example.org");
    let url = Url::parse(text).map_err(|_| wrong())?;
    let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !plain || url.password().is_some() {
        return Err(wrong());
    }
    Ok(text.trim_end_matches('/').to_owned())
}

pub fn parse_on_or_off(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(format!("`{text}` is neither on nor off")),
    }
}

/// Parses how long a GraphQL operation may take.
pub fn parse_query_timeout(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is not a duration from 1s to 5m, as in 10s");
    let timeout = parse_duration(text).ok().and_then(|span| span.to_std().ok()).ok_or_else(wrong)?;
    if (SHORTEST_TIMEOUT..=LONGEST_TIMEOUT).contains(&timeout) { Ok(timeout) } else { Err(wrong()) }
}

/// Parses the maximum size of a GraphQL answer, in bytes.
pub fn parse_answer_bytes(text: &str) -> Result<usize, String> {
    let bytes = text.parse().ok().filter(|bytes| (LEAST_ANSWER..=MOST_ANSWER).contains(bytes));
    bytes.ok_or_else(|| format!("`{text}` is not a number of bytes from {LEAST_ANSWER} to {MOST_ANSWER}"))
}

/// Parses how many orders a customer may place a minute.
pub fn parse_orders_per_minute(text: &str) -> Result<NonZeroU32, String> {
    let orders = text.parse::<NonZeroU32>().ok().filter(|orders| orders.get() <= MAX_ORDERS_PER_MINUTE);
    orders.ok_or_else(|| format!("`{text}` is not a number from 1 to {MAX_ORDERS_PER_MINUTE}"))
}

/// Parses how old an event may be when it is recorded so that customers are still notified of it.
pub fn parse_notification_max_age(text: &str) -> Result<NotificationMaxAge, String> {
    let age = parse_duration(text).map_err(|error| error.to_string())?;
    match age >= SHORTEST_MAX_AGE {
        true => Ok(NotificationMaxAge(age)),
        false => Err(format!("`{text}` is not at least 1h, as in 3d")),
    }
}

pub fn parse_database_url(text: &str) -> Result<Masked, String> {
    if text.starts_with("sqlite:") {
        let (file, parameters) = text.split_once('?').unwrap_or((text, ""));
        let in_memory = file.ends_with(":memory:") || parameters.split('&').any(|one| one == "mode=memory");
        return match in_memory || file.trim_start_matches("sqlite:").trim_start_matches('/').is_empty() {
            true => Err("SQLite needs a file here, as in sqlite://milepost.db?mode=rwc".to_owned()),
            false => Ok(text.into()),
        };
    }
    parse_url(
        text,
        &["postgres", "postgresql"],
        "sqlite://milepost.db?mode=rwc or postgres://user:password@host/name",
    )
}

pub fn parse_redis_url(text: &str) -> Result<Masked, String> {
    parse_url(text, &["redis", "rediss"], "redis://127.0.0.1:6379")
}

fn parse_url(text: &str, schemes: &[&str], example: &str) -> Result<Masked, String> {
    match Url::parse(text) {
        Ok(url) if schemes.contains(&url.scheme()) => Ok(text.into()),
        Ok(url) => Err(format!("it cannot begin with {}:, only be like {example}", url.scheme())),
        Err(error) => Err(format!("it is not a URL like {example}: {error}")),
    }
}

pub fn parse_connections(text: &str) -> Result<u32, String> {
    let number = text.parse().ok().filter(|number| (1..=MAX_CONNECTIONS).contains(number));
    number.ok_or_else(|| format!("`{text}` is not a number from 1 to {MAX_CONNECTIONS}"))
}

pub fn parse_jwt_secret(text: &str) -> Result<Masked, String> {
    let least = api::auth::MIN_SECRET_BYTES;
    match text.len() >= least {
        true => Ok(text.into()),
        false => Err(format!("it has {} bytes and needs {least}: openssl rand -hex 32", text.len())),
    }
}

/// Accepts text without blanks around it and without unsafe characters, because the audience is compared with the
/// token's claim character by character.
pub fn parse_jwt_audience(text: &str) -> Result<String, String> {
    if text.trim().is_empty() || text.trim() != text || text.contains(is_unsafe) {
        return Err("it is blank, or has blanks around it or characters that cannot be printed".to_owned());
    }
    Ok(text.to_owned())
}

pub fn parse_webhook_secret(text: &str) -> Result<Masked, String> {
    if text.trim().is_empty() { Err("it is blank".to_owned()) } else { Ok(text.into()) }
}

pub fn parse_client_id(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("it is blank".to_owned()) } else { Ok(text.to_owned()) }
}

pub fn parse_header_name(text: &str) -> Result<String, String> {
    let name = text.parse::<HeaderName>().map_err(|_| format!("`{text}` is no name of an HTTP header"))?;
    Ok(name.as_str().to_owned())
}

/// Accepts only text that an HTTP header can carry, because the key is sent in a header.
pub fn parse_api_key(text: &str) -> Result<Masked, String> {
    match HeaderValue::from_str(text) {
        Ok(_) if !text.trim().is_empty() => Ok(text.into()),
        Ok(_) => Err("it is blank".to_owned()),
        Err(_) => Err("it has characters that no HTTP header can carry".to_owned()),
    }
}

/// Accepts only https addresses (http on this machine), because a secret key is sent to the address.
pub fn parse_api_url(text: &str) -> Result<Url, String> {
    let url = text.parse::<Url>().map_err(|error| format!("`{text}` is not a web address: {error}"))?;
    let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    if !plain || url.password().is_some() {
        return Err(format!("`{}` has more than a host and a path", address::redact_url(text)));
    }
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => Ok(url),
        "http" if loopback => Ok(url),
        _ => Err(format!("`{text}` does not begin with https://")),
    }
}

pub fn parse_carrier_codes(text: &str) -> Result<CodeMap, String> {
    text.parse().map_err(|error: carriers::BadCodeMap| error.to_string())
}

/// Accepts a filter of tracing-subscriber. A single word must be a level: tracing-subscriber would take another word
/// for a module, and log only that module.
pub fn parse_log_filter(text: &str) -> Result<String, String> {
    let wrong = |part: &str| {
        format!("`{part}` is neither a level (error, warn, info, debug, trace, off) nor module=level")
    };
    let lone = |part: &str| !part.contains(['=', '[']);
    for part in text.split(',').map(str::trim) {
        if lone(part) && part.parse::<LevelFilter>().is_err() {
            return Err(wrong(part));
        }
    }
    EnvFilter::try_new(text).map(|_| text.to_owned()).map_err(|_| wrong(text))
}

pub fn parse_log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err(format!("`{text}` is neither text nor json")),
    }
}
