//! Webhooks, posted as a sender posts them. `milepost scan`, its stories and the demo call this.

use std::{error::Error, time::Duration};

use anyhow::Context;
use carriers::{Secrets, Sender, SimulatedHistory, SimulatedScan};
use chrono::{DateTime, Utc};
use domain::Carrier;
use reqwest::{Client, ClientBuilder, StatusCode, Url, header::CONTENT_TYPE};

use crate::failure::BadUsage;

/// How long to wait for the server's answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// A webhook, ready to be posted.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// Who sends it.
    pub sender: Sender,
    /// What proves that.
    pub headers: Vec<(String, String)>,
    /// What it says.
    pub body: Vec<u8>,
}

impl Webhook {
    /// What the sender writes of one shipment, signed now. Nothing where it has no way to say that.
    pub fn simulate(
        sender: Sender,
        carrier: Carrier,
        tracking_number: &str,
        told: SimulatedScan<'_>,
        secrets: &Secrets,
        now: DateTime<Utc>,
    ) -> Option<Self> {
        let scans = &[told];
        let history =
            SimulatedHistory { carrier, tracking_number, scans, estimated_delivery: None, sent_at: now };
        let body = sender.simulate(&history).pop()?;
        Some(Self { sender, headers: sender.sign(secrets, &body, now), body })
    }
}

/// What a server answered.
#[derive(Clone, Debug)]
pub struct HttpAnswer {
    /// The status.
    pub status: StatusCode,
    /// The text, without blanks around it.
    pub text: String,
}

/// The way to one server.
#[derive(Clone, Debug)]
pub struct Post {
    /// What sends.
    pub http: Client,
    to: Place,
}

#[derive(Clone, Debug)]
enum Place {
    /// The server's address, without a slash at the end.
    Server(String),
    /// The webhook itself.
    Webhook(Url),
}

impl Post {
    /// To the webhooks of that server; an address with a path is the webhook itself.
    pub fn to(address: &Url) -> anyhow::Result<Self> {
        let place = if address.path() == "/" { server(address) } else { Place::Webhook(address.clone()) };
        Self::at(address, place)
    }

    /// To the webhooks of that server, which may be reached below a path.
    pub fn to_server(address: &Url) -> anyhow::Result<Self> {
        Self::at(address, server(address))
    }

    /// To the webhooks of a server on this machine, which no proxy is asked for.
    pub fn without_proxy(url: &str) -> anyhow::Result<Self> {
        Ok(Self { http: client(Client::builder().no_proxy())?, to: Place::Server(url.to_owned()) })
    }

    fn at(address: &Url, to: Place) -> anyhow::Result<Self> {
        if !matches!(address.scheme(), "http" | "https") {
            let problem = format!("{address} is not a web address, as in http://127.0.0.1:8080");
            return Err(BadUsage { argument: "--to", problem }.into());
        }
        Ok(Self { http: client(Client::builder())?, to })
    }

    /// The address of a sender's webhook.
    pub fn address(&self, sender: Sender) -> String {
        match &self.to {
            Place::Server(server) => format!("{server}/webhooks/{sender}"),
            Place::Webhook(webhook) => webhook.to_string(),
        }
    }

    /// Posts it once. No answer at all is an error; any answer is one.
    pub async fn send(&self, webhook: &Webhook) -> anyhow::Result<HttpAnswer> {
        let to = self.address(webhook.sender);
        let unanswered = || format!("no answer from {to}");
        let mut request = self.http.post(&to).header(CONTENT_TYPE, "application/json");
        for (name, value) in &webhook.headers {
            request = request.header(name, value);
        }
        let answer = request.body(webhook.body.clone()).send().await;
        let answer = answer.map_err(innermost).with_context(unanswered)?;
        let status = answer.status();
        let text = answer.text().await.map_err(innermost).with_context(unanswered)?;
        Ok(HttpAnswer { status, text: text.trim().to_owned() })
    }
}

fn client(builder: ClientBuilder) -> anyhow::Result<Client> {
    builder.timeout(PATIENCE).build().context("no HTTP client can be made")
}

fn server(address: &Url) -> Place {
    Place::Server(address.as_str().trim_end_matches('/').to_owned())
}

/// Of the client's nested errors the one that says what happened.
pub fn innermost(error: reqwest::Error) -> anyhow::Error {
    let mut cause: &dyn Error = &error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    anyhow::Error::msg(cause.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_the_server_or_the_webhook_itself() {
        crate::choose_tls();
        let address =
            |url: &str| Post::to(&url.parse().unwrap()).map(|post| post.address(Sender::Ups).to_string());
        assert_eq!(address("http://127.0.0.1:8080").unwrap(), "http://127.0.0.1:8080/webhooks/ups");
        assert_eq!(address("https://h/behind/proxy").unwrap(), "https://h/behind/proxy");
        let below = Post::to_server(&"https://h/behind/proxy/".parse().unwrap()).unwrap();
        assert_eq!(below.address(Sender::Ups), "https://h/behind/proxy/webhooks/ups");
        assert!(address("ftp://h").unwrap_err().to_string().starts_with("--to: "));
    }
}
