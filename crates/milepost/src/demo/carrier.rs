//! The carriers: they write webhooks in their own formats, sign them, and post them to the server.

use std::time::Duration;

use anyhow::Context;
use app::Clock;
use carriers::{Compose, Secrets, Sender, Told};
use chrono::TimeDelta;
use domain::{Carrier, Meaning, ShipmentStatus};
use reqwest::{Client, StatusCode, header::CONTENT_TYPE};

use super::server::Embedded;

/// How long a carrier waits for an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Where the demo's parcels travel.
const PLACE: &str = "Holbrook, NY, US";

/// A parcel: its carrier and the carrier's number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// Who carries it and reports on it.
    pub carrier: Sender,
    /// The tracking number.
    pub number: String,
}

/// One webhook: a carrier says how far a parcel was at some time.
#[derive(Clone, Debug)]
pub struct Push {
    /// The parcel.
    pub parcel: Parcel,
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
    http: Client,
    url: String,
    secrets: [(Sender, String); Sender::ALL.len()],
}

impl Carriers {
    /// The carriers that push to this server.
    pub fn of(demo: &Embedded) -> anyhow::Result<Self> {
        let http =
            Client::builder().no_proxy().timeout(PATIENCE).build().context("no HTTP client can be made")?;
        Ok(Self { http, url: demo.url.clone(), secrets: demo.secrets.clone() })
    }

    /// Posts a webhook as often as it says, and gives the last answer.
    pub async fn push(&self, push: &Push) -> anyhow::Result<StatusCode> {
        let Parcel { carrier, number } = &push.parcel;
        let now = Clock::System.now();
        let told = Told {
            meaning: Meaning::Status(push.status),
            at: (now - TimeDelta::minutes(push.minutes_ago)).fixed_offset(),
            location: Some(PLACE),
        };
        let history = Compose {
            carrier: carrier.carrier().unwrap_or(Carrier::Fedex),
            tracking_number: number,
            scans: &[told],
            estimated_delivery: None,
            sent_at: now,
        };
        let body = carrier
            .compose(&history)
            .pop()
            .with_context(|| format!("{carrier} has no way to say {}", push.status))?;
        let secret = if push.forged { "not the carrier's secret" } else { self.secret(*carrier)? };
        let secrets = Secrets::new([secret.to_owned()])?;
        let mut request = self
            .http
            .post(format!("{}/webhooks/{carrier}", self.url))
            .header(CONTENT_TYPE, "application/json");
        for (name, value) in carrier.sign(&secrets, &body, now) {
            request = request.header(name, value);
        }
        let request = request.body(body).build()?;
        let mut answer = StatusCode::OK;
        for _ in 0..push.times {
            let again = request.try_clone().context("a request that cannot be repeated")?;
            answer = self.http.execute(again).await?.status();
        }
        Ok(answer)
    }

    /// What a carrier proves its webhooks with.
    pub fn secret(&self, carrier: Sender) -> anyhow::Result<&str> {
        let known = self.secrets.iter().find(|(sender, _)| *sender == carrier);
        Ok(&known.with_context(|| format!("{carrier} has no secret"))?.1)
    }
}
