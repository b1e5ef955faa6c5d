//! DHL's Unified Push API, as far as it is called: a new subscription begins when its secret is said back.
//!
//! The webhook job calls this. The address is made of the setting and of the subscription's id, and of nothing else
//! that a message says; redirects are not followed. Nothing here knows the domain or the database.

use std::time::Duration;

use carriers::is_subscription_id;
use reqwest::{Client, Response, StatusCode, Url, header::HeaderValue, redirect};
use serde_json::json;

/// The whole call. Well within the lease of the webhook.
const PATIENCE: Duration = Duration::from_secs(10);
/// Carries the key.
const KEY: &str = "DHL-API-Key";
/// As much of an answer is looked at, in bytes, and as much of it is told, in characters.
const MAX_READ: usize = 4096;
const MAX_TOLD: usize = 200;

/// Where DHL's subscriptions are activated. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Dhl(Option<Api>);

#[derive(Clone, Debug)]
struct Api {
    http: Client,
    base: Url,
    key: HeaderValue,
}

/// A key or client with which nothing can be called.
#[derive(Debug, thiserror::Error)]
pub enum DhlSettingError {
    /// The key cannot stand in a header.
    #[error("the key has characters that no HTTP header can carry")]
    Key,
    /// There is no way to call anything.
    #[error("no HTTP client can be made")]
    Client(#[source] reqwest::Error),
}

/// Why a subscription does not begin.
#[derive(Debug)]
pub(crate) struct NotActivated {
    /// For the person who looks at the webhook. Holds neither key nor secret.
    pub reason: String,
    /// Whether it may begin when it is tried again.
    pub retryable: bool,
}

impl Dhl {
    /// With the merchant's key. The process must have chosen its TLS provider.
    ///
    /// # Errors
    /// [`DhlSettingError`].
    pub fn new(key: &str, base: Url) -> Result<Self, DhlSettingError> {
        let key = header(key)?;
        // Wherever a redirect led, the key would go along.
        let client = Client::builder().timeout(PATIENCE).redirect(redirect::Policy::none());
        let http = client.build().map_err(DhlSettingError::Client)?;
        Ok(Self(Some(Api { http, base, key })))
    }

    /// Without a key: nothing is called, and no subscription begins.
    pub fn without_key() -> Self {
        Self(None)
    }

    /// Says its secret back to DHL, upon which the subscription begins. Saying it twice is harmless.
    pub(crate) async fn activate(&self, subscription: &str, secret: &str) -> Result<(), NotActivated> {
        let for_good = |reason: String| NotActivated { reason, retryable: false };
        let odd = || for_good("the subscription has an id that DHL would not give".to_owned());
        if !is_subscription_id(subscription) {
            return Err(odd());
        }
        let Some(Api { http, base, key }) = &self.0 else {
            let reason =
                format!("MILEPOST_DHL_API_KEY is not set: subscription {subscription} is not activated");
            return Err(for_good(reason));
        };
        let address = address(base, subscription).ok_or_else(odd)?;
        let call = http.post(address).header(KEY, key.clone()).json(&json!({ "secret": secret }));
        let answer = call.send().await.map_err(|error| {
            let reason = format!("DHL did not answer: {}", innermost(&error.without_url()));
            NotActivated { reason, retryable: true }
        })?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let words = read_excerpt(answer).await.replace(secret, "***");
        let words = key.to_str().map_or(words.clone(), |key| words.replace(key, "***"));
        let words: String = words.chars().take(MAX_TOLD).collect();
        let reason = format!("DHL answered {status}: {words}");
        Err(NotActivated {
            reason: reason.trim_end_matches([':', ' ']).to_owned(),
            retryable: may_pass(status),
        })
    }
}

/// The key as the header that carries it, which no log prints.
fn header(key: &str) -> Result<HeaderValue, DhlSettingError> {
    let mut key = HeaderValue::from_str(key).map_err(|_| DhlSettingError::Key)?;
    key.set_sensitive(true);
    Ok(key)
}

/// Whether DHL may think better of it.
fn may_pass(status: StatusCode) -> bool {
    status.is_server_error() || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
}

/// The address of a subscription, below ours.
fn address(base: &Url, subscription: &str) -> Option<Url> {
    let mut address = base.clone();
    address.path_segments_mut().ok()?.pop_if_empty().extend(["subscription", subscription]);
    Some(address)
}

/// The beginning of an answer on one line. One that breaks off says what came until then.
async fn read_excerpt(mut answer: Response) -> String {
    let mut read = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        read.extend_from_slice(&chunk);
        if read.len() >= MAX_READ {
            read.truncate(MAX_READ);
            break;
        }
    }
    let text = String::from_utf8_lossy(&read);
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

/// Of the client's nested errors the one that says what happened.
fn innermost(error: &dyn std::error::Error) -> String {
    let last = std::iter::successors(Some(error), |error| error.source()).last();
    last.map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_below_ours() {
        for base in ["https://dhl.example/push/v1", "https://dhl.example/push/v1/"] {
            let address = address(&base.parse().unwrap(), "3f0c-9_A").unwrap();
            assert_eq!(address.as_str(), "https://dhl.example/push/v1/subscription/3f0c-9_A");
        }
    }

    #[tokio::test]
    async fn an_id_that_dhl_would_not_give_is_not_called() {
        for (id, reason) in [
            ("..", "the subscription has an id that DHL would not give"),
            ("3f0c", "MILEPOST_DHL_API_KEY is not set: subscription 3f0c is not activated"),
        ] {
            let refused = Dhl::without_key().activate(id, "secret").await.unwrap_err();
            assert_eq!((refused.reason.as_str(), refused.retryable), (reason, false));
        }
    }

    #[test]
    fn the_key_is_not_printed_and_cannot_end_its_header() {
        let key = header("hush").unwrap();
        assert_eq!(key, "hush");
        assert!(!format!("{key:?}").contains("hush"), "{key:?}");
        assert!(matches!(header("a\nb"), Err(DhlSettingError::Key)));
    }

    #[test]
    fn what_may_pass_is_tried_again() {
        for (status, again) in
            [(500, true), (503, true), (429, true), (408, true), (401, false), (302, false)]
        {
            assert_eq!(may_pass(StatusCode::from_u16(status).unwrap()), again, "{status}");
        }
    }
}
