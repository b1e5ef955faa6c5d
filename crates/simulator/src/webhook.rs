//! Composes webhooks as a sender does, and posts them to a server.
//!
//! Called by `scan`, `story` and `demo::carrier`. The tests of the product call [`Webhook::simulate`], `milepost scan`
//! calls [`Post::to_server_or_route`] and [`Post::to_server`], `story` calls `to_server`.
//!
//! 1. [`Webhook::simulate`] writes and signs one webhook with one scan. `None` means that the sender's format cannot
//!    express it. It sends nothing.
//! 2. A [`Post`] knows the address. [`Post::to_server_or_route`] and [`Post::to_server`] send nothing either; `Err`
//!    means that the address is not `http` or `https`, or that no HTTP client can be made. A path in the address is the
//!    route of one sender for `to_server_or_route`, and a prefix of all routes for `to_server`.
//! 3. `Post::send` posts a webhook once. Any HTTP status is `Ok`, also 401. `Err` means: no answer within ten seconds.
//!
//! `find_innermost_cause` is for errors of `reqwest`, whose outer texts say little. `api_client` uses it too.

use std::{error::Error, time::Duration};

use anyhow::Context;
use carriers::{Secrets, Sender, SimulatedHistory, SimulatedScan};
use chrono::{DateTime, Utc};
use console::BadUsage;
use domain::Carrier;
use reqwest::{Client, ClientBuilder, StatusCode, Url, header::CONTENT_TYPE};

/// How long to wait for the server's answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// A webhook, ready to be posted.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// The sender whose format and signature the webhook has.
    pub sender: Sender,
    /// The headers that authenticate the sender, such as a signature.
    pub headers: Vec<(String, String)>,
    /// The body, in the sender's own format.
    pub body: Vec<u8>,
}

impl Webhook {
    /// Composes and signs a webhook that reports one scan. `None` if the sender's format cannot express the scan.
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

/// The server's answer to a webhook.
#[derive(Clone, Debug)]
pub(crate) struct HttpAnswer {
    pub status: StatusCode,
    /// The text of the body, without blanks around it.
    pub text: String,
}

/// Posts webhooks to one server.
#[derive(Clone, Debug)]
pub struct Post {
    /// The HTTP client; it may be used for other requests to the server too.
    pub(crate) http: Client,
    to: Place,
}

#[derive(Clone, Debug)]
enum Place {
    /// The address of the server, without a slash at the end. The sender's route is appended.
    Server(String),
    /// The complete address of the webhook's route.
    Webhook(Url),
}

impl Post {
    /// Posts to the routes for webhooks of a server. If the address has a path, it is the complete address of one
    /// route.
    pub fn to_server_or_route(address: &Url) -> anyhow::Result<Self> {
        let place =
            if address.path() == "/" { build_server_place(address) } else { Place::Webhook(address.clone()) };
        Self::with_place(address, place)
    }

    /// Posts to the routes for webhooks of a server. The path of the address is a prefix of the routes.
    pub fn to_server(address: &Url) -> anyhow::Result<Self> {
        Self::with_place(address, build_server_place(address))
    }

    /// Posts to a server on this machine, without a proxy.
    pub(crate) fn without_proxy(url: &str) -> anyhow::Result<Self> {
        Ok(Self { http: build_client(Client::builder().no_proxy())?, to: Place::Server(url.to_owned()) })
    }

    fn with_place(address: &Url, to: Place) -> anyhow::Result<Self> {
        if !matches!(address.scheme(), "http" | "https") {
            let problem = format!("{address} is not a web address, as in http://127.0.0.1:8080");
            return Err(BadUsage { argument: "--to", problem }.into());
        }
        Ok(Self { http: build_client(Client::builder())?, to })
    }

    /// Returns the address to which webhooks of the sender are posted.
    pub(crate) fn address_for(&self, sender: Sender) -> String {
        match &self.to {
            Place::Server(server) => format!("{server}/webhooks/{sender}"),
            Place::Webhook(webhook) => webhook.to_string(),
        }
    }

    /// Posts the webhook once. Returns the answer whatever its status is; no answer is an error.
    pub(crate) async fn send(&self, webhook: &Webhook) -> anyhow::Result<HttpAnswer> {
        let to = self.address_for(webhook.sender);
        let unanswered = || format!("no answer from {to}");
        let mut request = self.http.post(&to).header(CONTENT_TYPE, "application/json");
        for (name, value) in &webhook.headers {
            request = request.header(name, value);
        }
        let answer = request.body(webhook.body.clone()).send().await;
        let answer = answer.map_err(find_innermost_cause).with_context(unanswered)?;
        let status = answer.status();
        let text = answer.text().await.map_err(find_innermost_cause).with_context(unanswered)?;
        Ok(HttpAnswer { status, text: text.trim().to_owned() })
    }
}

fn build_client(builder: ClientBuilder) -> anyhow::Result<Client> {
    builder.timeout(PATIENCE).build().context("no HTTP client can be made")
}

fn build_server_place(address: &Url) -> Place {
    Place::Server(address.as_str().trim_end_matches('/').to_owned())
}

/// Returns the innermost cause of the client's error, which says what happened.
pub fn find_innermost_cause(error: reqwest::Error) -> anyhow::Error {
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
        // The error says that a provider is installed already; that is fine.
        rustls::crypto::ring::default_provider().install_default().ok();
        let address = |url: &str| {
            Post::to_server_or_route(&url.parse().unwrap())
                .map(|post| post.address_for(Sender::Ups).to_string())
        };
        assert_eq!(address("http://127.0.0.1:8080").unwrap(), "http://127.0.0.1:8080/webhooks/ups");
        assert_eq!(address("https://h/behind/proxy").unwrap(), "https://h/behind/proxy");
        let below = Post::to_server(&"https://h/behind/proxy/".parse().unwrap()).unwrap();
        assert_eq!(below.address_for(Sender::Ups), "https://h/behind/proxy/webhooks/ups");
        assert!(address("ftp://h").unwrap_err().to_string().starts_with("--to: "));
    }
}
