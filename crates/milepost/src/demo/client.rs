//! A small GraphQL client: what any program of the merchant would use.

use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::Client as Http;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// One caller with their token.
#[derive(Clone)]
pub struct Client {
    http: Http,
    url: String,
    token: String,
}

impl Client {
    /// A caller of the server at that address.
    pub fn new(url: &str, token: String) -> anyhow::Result<Self> {
        let http =
            Http::builder().no_proxy().timeout(PATIENCE).build().context("no HTTP client can be made")?;
        Ok(Self { http, url: url.to_owned(), token })
    }

    /// The token, for whoever wants to be this caller.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Asks by GraphQL and reads the `data`. Errors in the answer are errors here.
    pub async fn ask<T: DeserializeOwned>(&self, query: &str, variables: Value) -> anyhow::Result<T> {
        let asked = self.http.post(format!("{}/graphql", self.url)).bearer_auth(&self.token);
        let asked = asked.json(&json!({ "query": query, "variables": variables }));
        let mut answer: Value = asked.send().await?.json().await.context("the answer is no JSON")?;
        if let Some(error) = answer.pointer("/errors/0") {
            bail!("the API answered {error} to {query}");
        }
        serde_json::from_value(answer["data"].take()).with_context(|| format!("the answer to {query}"))
    }

    /// Opens a page as a browser would, without the token.
    pub async fn page(&self, address: &str) -> anyhow::Result<String> {
        let page = self.http.get(address).send().await?.error_for_status()?;
        Ok(page.text().await?)
    }
}
