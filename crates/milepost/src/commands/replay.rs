//! `milepost replay`: reads stored webhooks again under the meanings that codes have today.

use anyhow::{Context, bail};
use app::{
    App, Caller, Clock, Policy,
    feed::Feed,
    webhooks::{Finding, Replay, ReplayChange, Replayed},
};
use carriers::Sender;
use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use domain::OrderStatus;

use super::say;
use crate::{database, settings::Settings, telemetry};

/// Shown below the help.
pub const EXAMPLES: &str = "\
Says what would change; --apply changes it, and owes the customers the mails that are listed. It works on the
database: a server that runs meanwhile is not disturbed.

Examples:
  milepost replay --since 7d
  MILEPOST_CARRIER_CODES=fedex.OC=label_created milepost replay --since 2026-11-01T00:00:00Z --carrier fedex --apply";

/// The arguments of `milepost replay`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Webhooks received then or later: a time with an offset, or how long ago (12h, 7d)
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub since: Moment,
    /// Webhooks received before [default: now]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub until: Option<Moment>,
    /// Of this sender only
    #[arg(long)]
    pub carrier: Option<Sender>,
    /// Make the changes
    #[arg(long)]
    pub apply: bool,
}

/// A time, or how long before now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// A time.
    At(DateTime<Utc>),
    /// How long ago.
    Ago(TimeDelta),
}

/// Replays and prints what changes, one line a parcel.
pub async fn run(settings: Settings, arguments: Arguments) -> anyhow::Result<()> {
    telemetry::init(&settings)?;
    let store = database::connect(&settings).await?;
    let policy = Policy { codes: settings.carrier_codes.clone(), ..Policy::default() };
    let app = App::new(store.clone(), Clock::System, Feed::memory(), policy);
    let now = app.clock.now();
    let replay = Replay {
        since: arguments.since.before(now).context("--since: that is before the first day there is")?,
        until: match arguments.until {
            Some(until) => Some(until.before(now).context("--until: that is before the first day there is")?),
            None => None,
        },
        sender: arguments.carrier,
        apply: arguments.apply,
        most: None,
    };
    let (mut changed, mut failed, mut said) = (0_usize, 0_usize, Ok(()));
    let tell = |finding: Finding| {
        let line = match finding {
            Finding::Changes(change) => {
                changed += 1;
                line(&change)
            }
            Finding::Fails(order) => {
                failed += 1;
                format!("order {} cannot be changed: {}", order.order_id, order.error)
            }
        };
        if said.is_ok() {
            said = say(line);
        }
    };
    let replayed = app.replay(&Caller::system(), &replay, tell).await?;
    said?;
    say(summary(&replayed, changed))?;
    store.close().await?;
    if failed > 0 {
        bail!("{failed} orders could not be changed");
    }
    Ok(())
}

fn line(change: &ReplayChange) -> String {
    let order = &change.order;
    let name = order.reference.clone().unwrap_or_else(|| order.id.to_string());
    let parcel = format!("{} {}", change.shipment.carrier.display_name(), change.shipment.tracking_number);
    let moved = match change.from == change.to {
        true => format!("{} with other times or another condition", change.to),
        false => format!("{} → {}", change.from, change.to),
    };
    let told: Vec<&str> = change.notices.iter().copied().map(OrderStatus::as_str).collect();
    let mail = if told.is_empty() { "none".to_owned() } else { told.join(", ") };
    format!("order {name}, {parcel}: {moved}; order: {}; mail: {mail}", change.order_to)
}

fn summary(replayed: &Replayed, changed: usize) -> String {
    let Replayed { examined, scans, applied } = replayed;
    let done = match applied {
        true => "changed",
        false => "would change (--apply changes them)",
    };
    format!("{examined} webhooks read, {scans} scans read differently, {changed} parcels {done}")
}

impl Moment {
    fn before(self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            Self::At(at) => Some(at),
            Self::Ago(ago) => now.checked_sub_signed(ago),
        }
    }
}

fn moment(text: &str) -> Result<Moment, String> {
    let ago = |unit: fn(i64) -> Option<TimeDelta>, digits: &str| {
        let count = digits.parse::<u32>().ok()?;
        unit(i64::from(count)).map(Moment::Ago)
    };
    let read = match text.as_bytes().last() {
        Some(b'h') => ago(TimeDelta::try_hours, &text[..text.len() - 1]),
        Some(b'd') => ago(TimeDelta::try_days, &text[..text.len() - 1]),
        _ => DateTime::parse_from_rfc3339(text).ok().map(|at| Moment::At(at.to_utc())),
    };
    read.ok_or_else(|| "neither a time like 2026-11-01T00:00:00Z nor how long ago, like 12h or 7d".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_time_or_how_long_ago() {
        assert_eq!(moment("12h"), Ok(Moment::Ago(TimeDelta::hours(12))));
        assert_eq!(moment("7d"), Ok(Moment::Ago(TimeDelta::days(7))));
        let at = "2026-11-01T00:00:00Z".parse().unwrap();
        assert_eq!(moment("2026-11-01T02:00:00+02:00"), Ok(Moment::At(at)));
        for wrong in ["", "d", "-1d", "1w", "2026-11-01", "2026-11-01T00:00:00"] {
            assert!(moment(wrong).is_err(), "{wrong}");
        }
        assert_eq!(Moment::Ago(TimeDelta::days(4_000_000_000)).before(at), None);
    }
}
