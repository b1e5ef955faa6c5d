//! Activates new subscriptions: calls the sender and sends back the secret that it has sent. Only DHL asks for that, in
//! its Unified Push API.
//!
//! `milepost` makes the [`Activator`] of its settings. The webhook job calls `activate_subscription`. The URL is made
//! only from the setting and the id of the subscription, and redirects are not followed, so a webhook cannot direct the
//! call elsewhere. This module does not depend on the domain or the database. A failure says whether a retry may
//! succeed: no answer, 408, 429 and 5xx may pass, every other status does not. Without an API key every activation
//! fails for good.
//!
//! Of an error response [`MAX_READ`] bytes are read, on one line (`read_excerpt`), and [`MAX_TOLD`] characters are
//! stored. Key and secret are replaced by `***`.

use std::time::Duration;

use carriers::{Activation, is_subscription_id};
use reqwest::{Client, Response, StatusCode, Url, header::HeaderValue, redirect};
use serde_json::json;

/// Timeout for the whole call. It is well within the lease of the webhook.
const PATIENCE: Duration = Duration::from_secs(10);
/// Name of the header with the API key.
const KEY: &str = "DHL-API-Key";
/// Largest part of an error response that is read, in bytes, and that is stored, in characters.
const MAX_READ: usize = 4096;
const MAX_TOLD: usize = 200;

/// Activates subscriptions at the senders whose API keys it has. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Activator {
    dhl: Option<DhlApi>,
}

#[derive(Clone, Debug)]
struct DhlApi {
    http: Client,
    base: Url,
    key: HeaderValue,
}

/// Why an API key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ActivationSettingError {
    /// The key has characters that are not allowed in an HTTP header.
    #[error("the key has characters that no HTTP header can carry")]
    Key,
    /// The HTTP client could not be created.
    #[error("no HTTP client can be made")]
    Client(#[source] reqwest::Error),
}

/// Why a subscription was not activated.
#[derive(Debug)]
pub(crate) struct NotActivated {
    /// For the person who looks at the stored webhook. Contains neither the key nor the secret.
    pub reason: String,
    /// Whether a retry may succeed.
    pub retryable: bool,
}

impl Activator {
    /// Adds the merchant's API key at DHL. The process must have chosen its TLS provider before.
    ///
    /// # Errors
    /// [`ActivationSettingError`].
    pub fn with_dhl(self, key: &str, base: Url) -> Result<Self, ActivationSettingError> {
        let key = build_key_header(key)?;
        // A redirect would send the key to its target.
        let client = Client::builder().timeout(PATIENCE).redirect(redirect::Policy::none());
        let http = client.build().map_err(ActivationSettingError::Client)?;
        Ok(Self { dhl: Some(DhlApi { http, base, key }) })
    }

    /// Activates a subscription by sending its secret back. Doing it twice does no harm.
    pub(crate) async fn activate_subscription(&self, activation: &Activation) -> Result<(), NotActivated> {
        let Activation { subscription, secret } = activation;
        let for_good = |reason: String| NotActivated { reason, retryable: false };
        let odd = || for_good("the subscription has an id that DHL would not give".to_owned());
        if !is_subscription_id(subscription) {
            return Err(odd());
        }
        let Some(DhlApi { http, base, key }) = &self.dhl else {
            let reason =
                format!("MILEPOST_DHL_API_KEY is not set: subscription {subscription} is not activated");
            return Err(for_good(reason));
        };
        let address = build_activation_url(base, subscription).ok_or_else(odd)?;
        let call = http.post(address).header(KEY, key.clone()).json(&json!({ "secret": secret }));
        let answer = call.send().await.map_err(|error| {
            let reason = format!("DHL did not answer: {}", innermost_message(&error.without_url()));
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
            retryable: is_retryable_status(status),
        })
    }
}

/// The key as a header value that is marked as sensitive, so that `Debug` does not print it.
fn build_key_header(key: &str) -> Result<HeaderValue, ActivationSettingError> {
    let mut key = HeaderValue::from_str(key).map_err(|_| ActivationSettingError::Key)?;
    key.set_sensitive(true);
    Ok(key)
}

/// Whether a retry may succeed after this status.
fn is_retryable_status(status: StatusCode) -> bool {
    status.is_server_error() || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
}

/// The URL of a subscription, below the base URL.
fn build_activation_url(base: &Url, subscription: &str) -> Option<Url> {
    let mut address = base.clone();
    address.path_segments_mut().ok()?.pop_if_empty().extend(["subscription", subscription]);
    Some(address)
}

/// The beginning of a response, on one line. If the response breaks off, the part that was received.
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

/// The innermost of the client's nested errors, which names the cause.
fn innermost_message(error: &dyn std::error::Error) -> String {
    let last = std::iter::successors(Some(error), |error| error.source()).last();
    last.map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_below_ours() {
        for base in ["https://dhl.example/push/v1", "https://dhl.example/push/v1/"] {
            let address = build_activation_url(&base.parse().unwrap(), "3f0c-9_A").unwrap();
            assert_eq!(address.as_str(), "https://dhl.example/push/v1/subscription/3f0c-9_A");
        }
    }

    #[tokio::test]
    async fn an_id_that_dhl_would_not_give_is_not_called() {
        for (id, reason) in [
            ("..", "the subscription has an id that DHL would not give"),
            ("3f0c", "MILEPOST_DHL_API_KEY is not set: subscription 3f0c is not activated"),
        ] {
            let activation = Activation { subscription: id.to_owned(), secret: "secret".to_owned() };
            let refused = Activator::default().activate_subscription(&activation).await.unwrap_err();
            assert_eq!((refused.reason.as_str(), refused.retryable), (reason, false));
        }
    }

    #[test]
    fn the_key_is_not_printed_and_cannot_end_its_header() {
        let key = build_key_header("hush").unwrap();
        assert_eq!(key, "hush");
        assert!(!format!("{key:?}").contains("hush"), "{key:?}");
        assert!(matches!(build_key_header("a\nb"), Err(ActivationSettingError::Key)));
    }

    #[test]
    fn what_may_pass_is_tried_again() {
        for (status, again) in
            [(500, true), (503, true), (429, true), (408, true), (401, false), (302, false)]
        {
            assert_eq!(is_retryable_status(StatusCode::from_u16(status).unwrap()), again, "{status}");
        }
    }
}
