//! The command `milepost replay`: reads stored webhooks again with today's meanings of the carriers' codes. It changes
//! orders only with `--apply`.
//!
//! `main` calls `run`. It prints a line for each shipment that changes and for each order that cannot be changed, then
//! a summary. `Err` at the end if an order could not be changed; the others are changed all the same. `changed` is the
//! number of shipments. `Moment` is a time of the command line; clap calls `parse_moment`.

use anyhow::bail;
use app::{
    App, Caller, Clock, Policy,
    feed::Feed,
    webhooks::{Finding, Replay, ReplayChange, Replayed},
};
use carriers::Sender;
use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use console::{
    BadUsage,
    duration::{BadDuration, parse_duration},
    pluralize, print_line,
};
use domain::NotificationKind;

use super::list_sender_names;
use crate::{database, settings::Settings, telemetry};

/// The explanation and examples below the command's help.
pub const EXAMPLES: &str = "\
Says what would change; --apply changes it, and owes the customers the mails that are listed. It works on the
database: a server that runs meanwhile is not disturbed. Codes mean what MILEPOST_CARRIER_CODES says to this process,
whatever the server was started with.
Exits with 1 when an order could not be changed; that keeps none of the others back.

Examples:
  milepost replay --since 7d
  MILEPOST_CARRIER_CODES=fedex.OC=label_created milepost replay --since 2026-11-01T00:00:00Z --carrier fedex --apply";

/// The arguments of `milepost replay`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Webhooks received then or later: a time with an offset, or how long ago (30m, 12h, 7d)
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    pub since: Moment,
    /// Webhooks received before [default: now]
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    pub until: Option<Moment>,
    #[arg(long, help = format!("Of this sender only: {}", list_sender_names()))]
    pub carrier: Option<Sender>,
    /// Make the changes
    #[arg(long)]
    pub apply: bool,
}

/// A time, absolute or relative to now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    At(DateTime<Utc>),
    /// How long before now.
    Ago(TimeDelta),
}

/// Replays the webhooks and prints a line for each shipment that changes.
pub async fn run(settings: Settings, arguments: Arguments) -> anyhow::Result<()> {
    telemetry::init(&settings)?;
    let replay = build_replay(&arguments, Clock::System.now())?;
    let store = database::open_up_to_date(&settings).await?;
    let policy = Policy {
        codes: settings.carrier_codes.clone(),
        carriers: settings.carriers.clone(),
        notification_max_age: settings.notification_max_age,
        ..Policy::default()
    };
    let app = App::new(store.clone(), Clock::System, Feed::memory(), policy);
    let (mut changed, mut failed, mut said) = (0_usize, 0_usize, Ok(()));
    let tell = |finding: Finding| {
        let line = match finding {
            Finding::Changes(change) => {
                changed += 1;
                format_change(&change)
            }
            Finding::Fails(order) => {
                failed += 1;
                format!("order {} cannot be changed: {}", order.order_id, order.error)
            }
        };
        if said.is_ok() {
            said = print_line(line);
        }
    };
    let replayed = app.replays().replay(&Caller::system(), &replay, tell).await?;
    said?;
    print_line(format_summary(&replayed, changed))?;
    store.close().await?;
    if failed > 0 {
        bail!("{} could not be changed", pluralize(failed, "order"));
    }
    Ok(())
}

/// Converts the arguments to a replay. Relative times count back from `now`.
fn build_replay(arguments: &Arguments, now: DateTime<Utc>) -> Result<Replay, BadUsage> {
    let since = arguments.since.resolve_before(now);
    let until = arguments.until.map(|until| until.resolve_before(now));
    if until.is_some_and(|until| until < since) {
        return Err(BadUsage { argument: "--until", problem: "is before --since".to_owned() });
    }
    Ok(Replay { since, until, sender: arguments.carrier, apply: arguments.apply, most: None })
}

fn format_change(change: &ReplayChange) -> String {
    let order = &change.order;
    let name = order.reference.clone().unwrap_or_else(|| order.id.to_string());
    let shipment =
        format!("{} {}", change.shipment.carrier().display_name(), change.shipment.tracking_number);
    let moved = match change.from == change.to {
        true => format!("{} with other times or another condition", change.to),
        false => format!("{} → {}", change.from, change.to),
    };
    let told: Vec<&str> = change.notifications.iter().copied().map(NotificationKind::as_str).collect();
    let mail = if told.is_empty() { "none".to_owned() } else { told.join(", ") };
    format!("order {name}, {shipment}: {moved}; order: {}; mail: {mail}", change.order_to)
}

fn format_summary(replayed: &Replayed, changed: usize) -> String {
    let Replayed { examined, scans, applied } = replayed;
    let done = match (applied, changed) {
        (true, _) => "changed",
        (false, 0) => "would change",
        (false, 1) => "would change (--apply changes it)",
        (false, _) => "would change (--apply changes them)",
    };
    let (webhooks, scans) = (pluralize(*examined, "webhook"), pluralize(*scans, "scan"));
    format!("{webhooks} read, {scans} read differently, {} {done}", pluralize(changed, "parcel"))
}

impl Moment {
    fn resolve_before(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::At(at) => at,
            Self::Ago(ago) => now - ago,
        }
    }
}

fn parse_moment(text: &str) -> Result<Moment, String> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(Moment::At(at.to_utc()));
    }
    parse_duration(text).map(Moment::Ago).map_err(|bad| match bad {
        BadDuration::Unreadable(_) => {
            "neither a time like 2026-11-01T00:00:00Z nor how long ago, like 30m, 12h or 7d".to_owned()
        }
        BadDuration::TooLong(_) => bad.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_time_or_how_long_ago() {
        assert_eq!(parse_moment("30m"), Ok(Moment::Ago(TimeDelta::minutes(30))));
        assert_eq!(parse_moment("12h"), Ok(Moment::Ago(TimeDelta::hours(12))));
        assert_eq!(parse_moment("7d"), Ok(Moment::Ago(TimeDelta::days(7))));
        let at = "2026-11-01T00:00:00Z".parse().unwrap();
        assert_eq!(parse_moment("2026-11-01T02:00:00+02:00"), Ok(Moment::At(at)));
        for wrong in ["", "d", "-1d", "1w", "2026-11-01", "2026-11-01T00:00:00"] {
            assert!(parse_moment(wrong).unwrap_err().starts_with("neither a time like "), "{wrong}");
        }
        assert!(parse_moment("4000000000d").unwrap_err().contains("is too long"));
    }

    #[test]
    fn the_end_is_not_before_the_beginning() {
        let now = "2026-11-08T00:00:00Z".parse().unwrap();
        let asked = |since, until| {
            let [since, until] = [since, until].map(|text| parse_moment(text).unwrap());
            let arguments = Arguments { since, until: Some(until), carrier: None, apply: false };
            build_replay(&arguments, now).map(|replay| (replay.since, replay.until))
        };
        let (since, until) =
            ("2026-11-01T00:00:00Z".parse().unwrap(), "2026-11-07T00:00:00Z".parse().unwrap());
        assert_eq!(asked("7d", "1d").unwrap(), (since, Some(until)));
        assert_eq!(asked("7d", "2026-11-01T00:00:00Z").unwrap(), (since, Some(since)));
        assert_eq!(asked("1d", "7d").unwrap_err().to_string(), "--until: is before --since");
    }

    #[test]
    fn the_last_line_counts_as_one_speaks() {
        let replayed = Replayed { examined: 1, scans: 2, ..Replayed::default() };
        assert_eq!(
            format_summary(&replayed, 0),
            "1 webhook read, 2 scans read differently, 0 parcels would change"
        );
        let replayed = Replayed { applied: true, ..replayed };
        assert_eq!(
            format_summary(&replayed, 0),
            "1 webhook read, 2 scans read differently, 0 parcels changed"
        );
    }
}
