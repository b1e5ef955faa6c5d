//! Receives webhooks from carriers and aggregators, stores them, and lets staff process one again.
//!
//! 1. A webhook is stored before its request is answered, once per content. A worker processes it later, in batches
//!    (`process`).
//! 2. Only a bad signature, an unknown sender or a failed write rejects a request. The content never does.
//! 3. `api::webhooks` calls `admit_webhook` before it reads the body, then `accept_webhook`, which waits for its place
//!    in a batch of `store_webhooks`.
//! 4. A failure of processing is recorded with `record_webhook_failure`, by the job of `worker`: the webhook is due
//!    again later, or closed as failed. If another worker has the webhook by now, nothing is written.
//! 5. A mutation of `api` calls `retry_webhook`.
//! 6. `store_webhooks` joins equal contents, `split_by_size` makes parts of at most `MAX_BYTES`, and
//!    `store_with_one_statement` stores one part. The results have the sequence of the webhooks.

mod callback;
mod load_router;
mod misrouted;
mod parse;
mod process;
mod replay;
mod reprocess_unknown;
mod token;

use std::{collections::HashMap, sync::Arc};

use carriers::{Refused, Secrets, Sender};
use domain::{Refusal, WebhookId};
use persistence::{
    Store,
    failures::NewFailure,
    leases::{self, Leased, Next, Work},
    read,
    webhooks::{self, NewWebhook, WebhookHead},
};
use sha2::{Digest, Sha256};
use uuid::Uuid;

pub use callback::{Callback, MAX_CALLS};
pub use replay::{Finding, NotReplayed, Replay, ReplayChange, Replayed, Replays};
pub use token::{Credentials, NotIssued, TokenRequest};

use crate::{
    Caller, Clock, Policy,
    batch::Batcher,
    error::{Error, Result},
    feed::Feed,
    isolate::isolate,
    max_writers,
    relay::compute_pause,
    retry::retry_transaction,
};

/// Prefix of the hash input when the content hash is made from the sender's push id. It separates these hashes from
/// hashes of bodies.
const PUSH_ID: &[u8] = b"milepost/push-id/1";

/// Largest number of bytes of webhook bodies that one statement writes or one batch loads into memory. A parsed body
/// needs several times its size. A statement passes its rows to PostgreSQL as jsonb, whose limit is 256 MiB.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// Largest number of webhooks that share an insert statement.
const MAX_WEBHOOKS: usize = 128;
/// Number of failures after which a webhook is closed as failed.
const MAX_FAILURES: i32 = 10;

/// The answer to a webhook that was stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// The challenge that the sender expects in the response body, if it sent one.
    pub challenge: Option<String>,
}

/// Why a webhook was rejected.
#[derive(Debug, thiserror::Error)]
pub enum NotAccepted {
    /// No secret is configured for this sender.
    #[error("no webhooks of {0} are expected here")]
    UnknownSender(String),
    /// The request carries no valid signature of the sender.
    #[error("the signature is not good")]
    Signature(#[source] Refused),
    /// The webhook could not be stored. The sender should send it again.
    #[error("the webhook could not be stored")]
    NotStored(#[source] Error),
}

/// The inbox of webhooks. `api` lets senders and staff use it, `worker` processes what is due.
#[derive(Clone)]
pub struct Inbox {
    store: Store,
    clock: Clock,
    feed: Feed,
    policy: Arc<Policy>,
    /// Webhooks that wait to be stored.
    inbox: Batcher<NewWebhook, Result<()>>,
}

impl Inbox {
    /// Creates the inbox and starts its batcher on the current Tokio runtime.
    pub(crate) fn new(store: Store, clock: Clock, feed: Feed, policy: Arc<Policy>) -> Self {
        let shared = (store.clone(), feed.clone());
        let inbox = Batcher::start(max_writers(&store), MAX_WEBHOOKS, move |new| {
            let (store, feed) = shared.clone();
            async move { store_webhooks(&store, &feed, new).await }
        });
        Self { store, clock, feed, policy, inbox }
    }

    /// How many batches of webhooks may be processed at the same time.
    pub fn max_concurrent_batches(&self) -> usize {
        max_writers(&self.store)
    }

    fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Checks the part of a webhook request that is known before its body is read: a secret is configured for the
    /// sender, and the headers and the address pass [`Sender::verify_head`].
    ///
    /// # Errors
    /// [`NotAccepted::UnknownSender`], [`NotAccepted::Signature`].
    pub fn admit_webhook(&self, sender: Sender, head: &carriers::Head<'_>) -> Result<(), NotAccepted> {
        let secrets = self.find_secrets(sender)?;
        sender.verify_head(secrets, head).map_err(NotAccepted::Signature)?;
        Ok(())
    }

    fn find_secrets(&self, sender: Sender) -> Result<&Secrets, NotAccepted> {
        self.policy().senders.get(&sender).ok_or_else(|| NotAccepted::UnknownSender(sender.to_string()))
    }

    /// Checks the signature of a webhook request and stores the webhook, once per content. The content of the body is
    /// never a reason to reject it.
    ///
    /// # Errors
    /// [`NotAccepted`].
    pub async fn accept_webhook(
        &self,
        sender: Sender,
        request: &carriers::Request<'_>,
        request_id: Option<String>,
    ) -> Result<Accepted, NotAccepted> {
        let secrets = self.find_secrets(sender)?;
        sender.verify(secrets, request).map_err(NotAccepted::Signature)?;
        let webhook = NewWebhook {
            id: WebhookId(Uuid::now_v7()),
            sender: sender.as_str(),
            content_hash: compute_content_hash(sender, request.body),
            body: request.body.to_vec(),
            request_id,
            received_at: self.clock.now(),
            duplicates: 0,
        };
        let kept = self.inbox.submit(webhook).await;
        kept.and_then(|kept| kept).map_err(NotAccepted::NotStored)?;
        Ok(Accepted { challenge: sender.challenge(request.body) })
    }
}

/// The hash by which two requests of a sender count as the same content: of the sender's own push id, if the body has
/// one, otherwise of all bytes of the body.
fn compute_content_hash(sender: Sender, body: &[u8]) -> [u8; 32] {
    match sender.push_id(body) {
        Some(id) => Sha256::new().chain_update(PUSH_ID).chain_update(id).finalize().into(),
        None => Sha256::digest(body).into(),
    }
}

impl Inbox {
    /// Makes a webhook due again, in whatever state it is, and returns it. For support and systems.
    ///
    /// # Errors
    /// [`Error::Refused`]: forbidden, not found.
    pub async fn retry_webhook(&self, caller: &Caller, id: WebhookId) -> Result<WebhookHead> {
        caller.must_be_staff()?;
        let now = self.clock.now();
        retry_transaction(async || {
            let tx = self.store.begin().await?;
            webhooks::requeue_webhooks(&tx, &[id], now).await?;
            self.store.commit(tx).await
        })
        .await?;
        self.feed.poke();
        let webhook = read::read_webhook(&self.store, id).await?;
        Ok(webhook.ok_or(Refusal::NotFound("webhook"))?)
    }

    /// Records that processing a webhook failed, and when to try again. Closes the webhook as failed if the error is
    /// not retryable, or after `MAX_FAILURES` failures.
    ///
    /// # Errors
    /// When the database fails. The webhook is then tried again after its lease has expired.
    pub async fn record_webhook_failure(&self, leased: Leased, error: &str, retryable: bool) -> Result<()> {
        let now = self.clock.now();
        let decide = |failures| match retryable && failures < MAX_FAILURES {
            true => Next::Retry(now + compute_pause(failures)),
            false => Next::GiveUp,
        };
        let failure = NewFailure { at: now, error, retryable };
        retry_transaction(|| leases::record_failure(&self.store, Work::Webhooks, leased, failure, decide))
            .await?;
        Ok(())
    }
}

/// Stores a batch of webhooks with as few statements as possible, and returns one result per webhook, in the same
/// order. Each content is written once: a repeat within the batch only increments `duplicates` of the first one.
async fn store_webhooks(store: &Store, feed: &Feed, new: Vec<NewWebhook>) -> Vec<Result<()>> {
    let mut places: HashMap<(&'static str, [u8; 32]), usize> = HashMap::with_capacity(new.len());
    let mut contents: Vec<NewWebhook> = Vec::with_capacity(new.len());
    let mut content_of = Vec::with_capacity(new.len());
    for webhook in new {
        let at = *places.entry((webhook.sender, webhook.content_hash)).or_insert(contents.len());
        match contents.get_mut(at) {
            Some(first) => first.duplicates += 1,
            None => contents.push(webhook),
        }
        content_of.push(at);
    }
    let mut kept = Vec::with_capacity(contents.len());
    for chunk in split_by_size(contents.into_iter()) {
        kept.extend(store_with_one_statement(store, &chunk).await);
    }
    feed.poke();
    content_of.into_iter().map(|at| kept[at].clone()).collect()
}

/// Stores webhooks with one statement, and returns one result per webhook. A webhook that was reported as not stored
/// may be stored nevertheless: when its sender sends it again, it counts as a duplicate.
async fn store_with_one_statement(store: &Store, new: &[NewWebhook]) -> Vec<Result<()>> {
    let attempts =
        isolate(new, Error::may_succeed_alone, |new| retry_transaction(|| webhooks::insert(store, new)));
    attempts.await.into_iter().flat_map(|(new, stored)| vec![stored; new.len()]).collect()
}

/// Splits webhooks into chunks of at most [`MAX_BYTES`] bytes of bodies, or of one larger body.
fn split_by_size(new: impl Iterator<Item = NewWebhook>) -> Vec<Vec<NewWebhook>> {
    let mut chunks = vec![vec![]];
    let mut bytes = 0;
    for webhook in new {
        bytes += webhook.body.len();
        if bytes > MAX_BYTES {
            bytes = webhook.body.len();
            chunks.push(vec![]);
        }
        if let Some(chunk) = chunks.last_mut() {
            chunk.push(webhook);
        }
    }
    chunks
}
