//! Idempotency keys: a client that repeats a request with the same key gets the first answer again.
//!
//! `api` makes an [`IdempotencyKey`] of the key and the input of a mutation; so does `notifications::resend`, if its
//! caller gave none. `orders` and `notifications` look for the stored answer and compare the fingerprints.
//! `worker::schedule` calls `delete_old_keys` every minute.

use chrono::TimeDelta;
use domain::{InputField, Refusal, text::is_unsafe};
use persistence::idempotency;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::Orders;
use crate::error::Result;

/// How long keys and their answers are stored. It is longer than any client retries.
const KEYS_KEPT_FOR: TimeDelta = TimeDelta::days(7);

/// An idempotency key, and the fingerprint of the request that it belongs to.
#[derive(Clone, Debug)]
pub struct IdempotencyKey {
    pub(crate) key: String,
    pub(crate) fingerprint: [u8; 32],
}

impl IdempotencyKey {
    /// Creates the key for a request. The fingerprint covers `operation` and `input`; `input` must hold everything that
    /// distinguishes the request from another one.
    ///
    /// # Errors
    /// [`Refusal::InvalidInput`] for a key that is blank, longer than 200 bytes or not printable, and for an input that
    /// cannot be written as JSON.
    pub fn new(key: String, operation: &str, input: &impl Serialize) -> Result<Self, Refusal> {
        let refused = |message: String| Refusal::invalid(InputField::IdempotencyKey, message);
        if key.trim().is_empty() || key.len() > 200 || key.contains(is_unsafe) {
            return Err(refused("an idempotency key has 1 to 200 printable characters".to_owned()));
        }
        let input = serde_json::to_vec(input)
            .map_err(|error| refused(format!("there can be no key for this input: {error}")))?;
        let mut hash = Sha256::new();
        hash.update(operation);
        hash.update([0]);
        hash.update(input);
        Ok(Self { key, fingerprint: hash.finalize().into() })
    }
}

impl Orders {
    /// Deletes keys and answers that are older than any client retries. Returns how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_old_keys(&self) -> Result<u64> {
        Ok(idempotency::delete_before(&self.store, self.clock.now() - KEYS_KEPT_FOR).await?)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn an_input_that_has_no_text_gets_no_key() {
        let unreadable = BTreeMap::from([((1, 2), 3)]);
        let refused = IdempotencyKey::new("key".to_owned(), "placeOrder", &unreadable);
        assert!(
            matches!(refused, Err(Refusal::InvalidInput { field, .. }) if field == InputField::IdempotencyKey)
        );
    }
}
