//! Creates and opens the links with which customers follow an order without a login. Links are signed and expire.
//! Nothing is stored: the token of a link contains the order, the expiry and the signature.
//!
//! - `notifications` puts `tracking_url` into mails, and `api` shows it as a field of an order. A link is valid for
//!   `VALID_FOR` from now.
//! - `api::track` calls `open_link`. It checks the signature before it reads anything else, and does not check that the
//!   order exists.
//! - `build_payload`, `sign_payload` and `begin_mac` make the parts of a token. They are pure. The caller
//!   finishes the MAC that `begin_mac` returns: with a signature, or with a comparison.

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use domain::OrderId;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

use crate::{Clock, Policy};

/// How long a link is valid. It is longer than a return may take.
const VALID_FOR: TimeDelta = TimeDelta::days(180);
/// Prefix of the signed data. It makes a link's signature invalid for any other purpose.
const PURPOSE: &[u8] = b"milepost/track/1";

/// Why a link is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadLink {
    /// The link is malformed, or its signature is wrong.
    #[error("this link is not complete or was changed")]
    Forged,
    #[error("this link has expired")]
    Expired,
}

/// Creates and opens links. `notifications` puts them into mails, the tracking page opens them.
#[derive(Clone)]
pub struct Links {
    clock: Clock,
    policy: Arc<Policy>,
}

impl Links {
    pub(crate) fn new(clock: Clock, policy: Arc<Policy>) -> Self {
        Self { clock, policy }
    }

    /// Creates the URL of the page on which the customer follows an order.
    pub fn tracking_url(&self, order: OrderId) -> String {
        let expires = (self.clock.now() + VALID_FOR).timestamp();
        let mut token = build_payload(order, expires);
        token.extend(self.sign_payload(&token));
        format!("{}/track/{}", self.policy.public_url, BASE64_URL_SAFE_NO_PAD.encode(token))
    }

    /// Checks the token of a link and returns its order.
    ///
    /// # Errors
    /// [`BadLink`].
    pub fn open_link(&self, token: &str) -> Result<OrderId, BadLink> {
        let token = BASE64_URL_SAFE_NO_PAD.decode(token).map_err(|_| BadLink::Forged)?;
        let (payload, signature) = token.split_at_checked(24).ok_or(BadLink::Forged)?;
        self.begin_mac(payload).verify_slice(signature).map_err(|_| BadLink::Forged)?;
        let (order, expires) = payload.split_at(16);
        let order = Uuid::from_slice(order).map_err(|_| BadLink::Forged)?;
        let expires = i64::from_be_bytes(expires.try_into().map_err(|_| BadLink::Forged)?);
        let expires = DateTime::<Utc>::from_timestamp(expires, 0).ok_or(BadLink::Forged)?;
        if expires < self.clock.now() { Err(BadLink::Expired) } else { Ok(OrderId(order)) }
    }

    fn sign_payload(&self, payload: &[u8]) -> Vec<u8> {
        self.begin_mac(payload).finalize().into_bytes().to_vec()
    }

    fn begin_mac(&self, payload: &[u8]) -> Hmac<Sha256> {
        // HMAC takes keys of any length (RFC 2104, section 2).
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.policy.link_secret)
            .unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
        mac.update(PURPOSE);
        mac.update(payload);
        mac
    }
}

fn build_payload(order: OrderId, expires: i64) -> Vec<u8> {
    [order.0.as_bytes().as_slice(), &expires.to_be_bytes()].concat()
}
