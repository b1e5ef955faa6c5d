//! The carriers: they write webhooks in their own formats, sign them, and post them to the server.

use anyhow::Context;
use app::Clock;
use carriers::{Secrets, Sender, SimulatedScan};
use chrono::TimeDelta;
use domain::{Carrier, Meaning, ShipmentStatus};
use reqwest::StatusCode;

use super::server::Embedded;
use crate::webhook::{Post, Webhook};

/// Where the demo's parcels travel.
const PLACE: &str = "Holbrook, NY, US";

/// A parcel: its carrier and the carrier's number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoParcel {
    /// Who carries it and reports on it.
    pub carrier: Sender,
    /// The tracking number.
    pub number: String,
}

/// One webhook: a carrier says how far a parcel was at some time.
#[derive(Clone, Debug)]
pub struct Push {
    /// The parcel.
    pub parcel: DemoParcel,
    /// How far it was.
    pub status: ShipmentStatus,
    /// How long ago by the carrier's clock.
    pub minutes_ago: i64,
    /// How often the carrier sends the same bytes.
    pub times: u32,
    /// Whether it is signed with a secret that is not the carrier's.
    pub forged: bool,
}

/// All carriers of the demo.
pub struct Carriers {
    post: Post,
    secrets: [(Sender, String); Sender::ALL.len()],
}

impl Carriers {
    /// The carriers that push to this server.
    pub fn new(demo: &Embedded) -> anyhow::Result<Self> {
        Ok(Self { post: Post::without_proxy(&demo.url)?, secrets: demo.secrets.clone() })
    }

    /// Posts a webhook as often as it says, and gives the last answer.
    pub async fn push(&self, push: &Push) -> anyhow::Result<StatusCode> {
        let DemoParcel { carrier: sender, number } = &push.parcel;
        let now = Clock::System.now();
        let told = SimulatedScan {
            meaning: Meaning::Status(push.status),
            at: (now - TimeDelta::minutes(push.minutes_ago)).fixed_offset(),
            location: Some(PLACE),
        };
        let secret = if push.forged { "not the carrier's secret" } else { self.secret(*sender)? };
        let secrets = Secrets::new([secret.to_owned()])?;
        let carrier = sender.carrier().unwrap_or(Carrier::Fedex);
        let webhook = Webhook::simulate(*sender, carrier, number, told, &secrets, now)
            .with_context(|| format!("{sender} has no way to say {}", push.status))?;
        let mut answer = StatusCode::OK;
        for _ in 0..push.times {
            answer = self.post.send(&webhook).await?.status;
        }
        Ok(answer)
    }

    /// What a carrier proves its webhooks with.
    pub fn secret(&self, carrier: Sender) -> anyhow::Result<&str> {
        let known = self.secrets.iter().find(|(sender, _)| *sender == carrier);
        Ok(&known.with_context(|| format!("{carrier} has no secret"))?.1)
    }
}
