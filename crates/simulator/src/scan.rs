//! Posts one webhook with one scan, as a carrier would: `milepost scan` without `--story`.
//!
//! Called by `milepost::commands::scan::run`. A scan that the format of the sender cannot express is bad usage of
//! `--status`.

use anyhow::bail;
use app::Clock;
use carriers::{Secrets, Sender, SimulatedScan};
use chrono::{DateTime, FixedOffset};
use console::{BadUsage, print_line};
use domain::{Carrier, Meaning};

use crate::{
    values,
    webhook::{Post, Webhook},
};

/// A scan to report.
#[derive(Clone, Debug)]
pub struct Scan {
    /// The sender that reports the scan.
    pub sender: Sender,
    /// The tracking number, as the user typed it.
    pub tracking: String,
    /// Who carries the parcel. Unset: the sender itself, or FedEx if the sender reports for many carriers.
    pub carrier: Option<Carrier>,
    /// The status or condition that the scan reports.
    pub meaning: Meaning,
    /// When the parcel was scanned. Unset: now.
    pub at: Option<DateTime<FixedOffset>>,
    /// Where the parcel was scanned.
    pub location: Option<String>,
    /// How many times the same bytes are posted.
    pub repeat: u32,
}

/// Posts the webhook and prints the server's answers. Fails at the first answer whose status is not 2xx. `secrets`
/// returns the secrets with which a sender signs.
pub async fn run(
    scan: &Scan,
    post: &Post,
    secrets: impl Fn(Sender) -> anyhow::Result<Secrets>,
) -> anyhow::Result<()> {
    let Scan { sender, meaning, .. } = *scan;
    let carrier = match (sender.carrier(), scan.carrier) {
        (Some(own), Some(other)) if own != other => {
            let problem = format!("{sender} reports on its own parcels only");
            bail!(BadUsage { argument: "--parcel-carrier", problem });
        }
        (Some(own), Some(_) | None) => own,
        (None, carrier) => carrier.unwrap_or(Carrier::FEDEX),
    };
    let number = values::parse_tracking_number(carrier, &scan.tracking)
        .map_err(|problem| BadUsage { argument: "--tracking", problem })?;
    let secrets = secrets(sender)?;
    let now = Clock::System.now();
    let told = SimulatedScan {
        meaning,
        at: scan.at.unwrap_or_else(|| now.fixed_offset()),
        location: scan.location.as_deref(),
    };
    let Some(webhook) = Webhook::simulate(sender, carrier, &number, told, &secrets, now) else {
        let problem = format!("{sender} has no way to say {meaning}");
        bail!(BadUsage { argument: "--status", problem });
    };
    for _ in 0..scan.repeat {
        let answer = post.send(&webhook).await?;
        let line = format!("{} {}", answer.status, answer.text);
        if !answer.status.is_success() {
            bail!("{} refused it: {}", post.address_for(sender), line.trim_end());
        }
        print_line(line.trim_end())?;
    }
    Ok(())
}
