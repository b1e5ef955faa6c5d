//! Keys under which the same request gets the same answer, however often it is made.

use chrono::TimeDelta;
use domain::Refusal;
use persistence::idempotency;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::{App, error::Result};

/// How long a key is good for: longer than any client retries.
const KEYS_KEPT_FOR: TimeDelta = TimeDelta::days(7);

/// A key under which the same request gets the same answer.
#[derive(Clone, Debug)]
pub struct IdempotencyKey {
    pub(crate) key: String,
    pub(crate) fingerprint: [u8; 32],
}

impl IdempotencyKey {
    /// The key for this request. `input` is all that makes it another request.
    ///
    /// # Errors
    /// [`Refusal::InvalidInput`] for a key that is blank, longer than 200 bytes or not printable.
    pub fn new(key: String, operation: &str, input: &impl Serialize) -> Result<Self, Refusal> {
        if key.trim().is_empty() || key.len() > 200 || key.chars().any(char::is_control) {
            let message = "an idempotency key has 1 to 200 printable characters".to_owned();
            return Err(Refusal::InvalidInput { field: "idempotencyKey".to_owned(), message });
        }
        let input = serde_json::to_vec(input).unwrap_or_default();
        let mut hash = Sha256::new();
        hash.update(operation);
        hash.update([0]);
        hash.update(input);
        Ok(Self { key, fingerprint: hash.finalize().into() })
    }
}

impl App {
    /// Forgets the answers to keys that nobody will use again; returns how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_old_keys(&self) -> Result<u64> {
        Ok(idempotency::forget(&self.store, self.clock.now() - KEYS_KEPT_FOR).await?)
    }
}
