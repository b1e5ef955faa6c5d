//! Plays the carriers of the demo: composes webhooks in their own formats, signs them, and posts them to the server.
//!
//! `demo::story` and `demo::simulation` call `post_webhook`. Any HTTP status is `Ok`: the caller judges it. Copies of a
//! push are identical, and only the status of the last answer is returned. `demo` prints the secret of `find_secret`.

use anyhow::Context;
use app::Clock;
use carriers::{Secrets, Sender, SimulatedScan};
use chrono::TimeDelta;
use domain::{Carrier, Meaning, ShipmentStatus};
use reqwest::StatusCode;

use super::Installation;
use crate::webhook::{Post, Webhook};

/// The place of every scan in the demo.
const PLACE: &str = "Holbrook, NY, US";

/// A parcel of the demo: a carrier and a tracking number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoParcel {
    /// The carrier, which also sends the webhooks about the parcel.
    pub carrier: Sender,
    pub number: String,
}

/// A webhook to post. It reports one scan of one parcel.
#[derive(Clone, Debug)]
pub struct Push {
    pub parcel: DemoParcel,
    /// The status that the scan reports.
    pub status: ShipmentStatus,
    /// How many minutes ago the parcel was scanned, by the carrier's clock.
    pub minutes_ago: i64,
    /// How many times the carrier sends the same bytes.
    pub times: u32,
    /// Whether to sign it with a wrong secret.
    pub forged: bool,
}

/// Posts webhooks in the name of all carriers.
pub struct Carriers {
    post: Post,
    secrets: [(Sender, String); Sender::ALL.len()],
}

impl Carriers {
    pub fn new(demo: &Installation) -> anyhow::Result<Self> {
        Ok(Self { post: Post::without_proxy(&demo.url)?, secrets: demo.secrets.clone() })
    }

    /// Posts the webhook `push.times` times, and returns the status of the last answer.
    pub async fn post_webhook(&self, push: &Push) -> anyhow::Result<StatusCode> {
        let DemoParcel { carrier: sender, number } = &push.parcel;
        let now = Clock::System.now();
        let told = SimulatedScan {
            meaning: Meaning::Status(push.status),
            at: (now - TimeDelta::minutes(push.minutes_ago)).fixed_offset(),
            location: Some(PLACE),
        };
        let secret = if push.forged { "not the carrier's secret" } else { self.find_secret(*sender)? };
        let secrets = Secrets::new([secret.to_owned()])?;
        let carrier = sender.carrier().unwrap_or(Carrier::FEDEX);
        let webhook = Webhook::simulate(*sender, carrier, number, told, &secrets, now)
            .with_context(|| format!("{sender} has no way to say {}", push.status))?;
        let mut answer = StatusCode::OK;
        for _ in 0..push.times {
            answer = self.post.send(&webhook).await?.status;
        }
        Ok(answer)
    }

    /// Returns the secret with which the carrier signs its webhooks.
    pub fn find_secret(&self, sender: Sender) -> anyhow::Result<&str> {
        let known = self.secrets.iter().find(|(known, _)| *known == sender);
        Ok(&known.with_context(|| format!("{sender} has no secret"))?.1)
    }
}
