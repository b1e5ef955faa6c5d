//! Carriers' webhooks: kept before they are answered, read in batches afterwards.

mod callback;
mod ingest_summary;
mod misrouted;
mod parsed_webhook;
mod process;
mod replay;
mod reprocess_unknown;
mod routed_scans;
mod routing;
mod token;

use std::collections::HashMap;

use carriers::{Refused, Secrets, Sender};
use domain::{Refusal, WebhookId};
use persistence::{
    Store,
    leases::{self, Leased, Next, Work},
    read,
    webhooks::{self, NewWebhook, WebhookHead},
};
use sha2::{Digest, Sha256};
use uuid::Uuid;

pub use callback::{CallBack, MAX_CALLS};
pub use replay::{Finding, NotReplayed, Replay, ReplayChange, Replayed};
pub use token::{Credentials, NotIssued, TokenRequest};

use crate::{
    App, Caller,
    error::{Error, Result},
    feed::Feed,
    relay::backoff,
    retry::{may_succeed_alone, retry_transaction},
};

/// What tells the hash of a sender's own id of a push from the hash of a body.
const PUSH_ID: &[u8] = b"milepost/push-id/1";

/// The most bytes of bodies in one statement, and in memory for one: they are some times as large when they are read.
/// PostgreSQL's jsonb ends at 256 MiB.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// A webhook that failed this often is closed as failed.
const MAX_FAILURES: i32 = 10;

/// A webhook that was taken, and what its sender is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// What the sender wants to read in the answer, where it wants something.
    pub challenge: Option<String>,
}

/// Why a webhook was not taken.
#[derive(Debug, thiserror::Error)]
pub enum NotAccepted {
    /// Nobody of that name may push here.
    #[error("no webhooks of {0} are expected here")]
    UnknownSender(String),
    /// It is not the sender's.
    #[error("the signature is not good")]
    Signature(#[source] Refused),
    /// It could not be kept; the sender should try again.
    #[error("the webhook could not be stored")]
    NotStored(#[source] Error),
}

impl App {
    /// Checks a carrier's request as far as it can be checked before its body is read: the sender has a secret
    /// here, and the headers and the address carry its proof.
    ///
    /// # Errors
    /// [`NotAccepted::UnknownSender`], [`NotAccepted::Signature`].
    pub fn admit_webhook(&self, sender: Sender, head: &carriers::Head<'_>) -> Result<(), NotAccepted> {
        let secrets = self.secrets_of(sender)?;
        sender.verify_head(secrets, head).map_err(NotAccepted::Signature)?;
        Ok(())
    }

    fn secrets_of(&self, sender: Sender) -> Result<&Secrets, NotAccepted> {
        self.policy().senders.get(&sender).ok_or_else(|| NotAccepted::UnknownSender(sender.to_string()))
    }

    /// Takes a carrier's request: checks that it is theirs and keeps it, once per content. What it says is
    /// looked at later, and is never a reason not to take it.
    ///
    /// # Errors
    /// [`NotAccepted`].
    pub async fn accept_webhook(
        &self,
        sender: Sender,
        request: &carriers::Request<'_>,
        request_id: Option<String>,
    ) -> Result<Accepted, NotAccepted> {
        let secrets = self.secrets_of(sender)?;
        sender.verify(secrets, request).map_err(NotAccepted::Signature)?;
        let webhook = NewWebhook {
            id: WebhookId(Uuid::now_v7()),
            sender: sender.as_str(),
            content_hash: content_hash(sender, request.body),
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

/// What makes two requests of a sender the same: its own id of the push, where it has one, or every byte.
fn content_hash(sender: Sender, body: &[u8]) -> [u8; 32] {
    match sender.push_id(body) {
        Some(id) => Sha256::new().chain_update(PUSH_ID).chain_update(id).finalize().into(),
        None => Sha256::digest(body).into(),
    }
}

impl App {
    /// Has a webhook read again, whatever became of it. For support and systems.
    ///
    /// # Errors
    /// [`Error::Refused`]: forbidden, not found.
    pub async fn retry_webhook(&self, caller: &Caller, id: WebhookId) -> Result<WebhookHead> {
        caller.must_be_staff()?;
        let now = self.clock.now();
        retry_transaction(async || {
            let tx = self.store.begin().await?;
            webhooks::requeue(&tx, &[id], now).await?;
            self.store.commit(tx).await
        })
        .await?;
        self.feed.poke();
        let webhook = read::webhook(&self.store, id).await?;
        Ok(webhook.ok_or(Refusal::NotFound("webhook"))?)
    }

    /// Writes down that reading a webhook failed, and when it is tried again.
    ///
    /// # Errors
    /// When the database fails: the lease then runs out and the webhook is tried again.
    pub async fn record_webhook_failure(&self, leased: Leased, error: &str, retryable: bool) -> Result<()> {
        let now = self.clock.now();
        let decide = |failures| match retryable && failures < MAX_FAILURES {
            true => Next::Retry(now + backoff(failures)),
            false => Next::GiveUp,
        };
        retry_transaction(|| leases::fail(&self.store, Work::Webhooks, leased, error, decide)).await?;
        Ok(())
    }
}

/// Keeps a batch of requests, each content once, with as few statements as can carry them.
pub(crate) async fn store_webhooks(store: &Store, feed: &Feed, new: Vec<NewWebhook>) -> Vec<Result<()>> {
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
        kept.extend(store_batch(store, &chunk).await);
    }
    feed.poke();
    content_of.into_iter().map(|at| kept[at].clone()).collect()
}

/// Keeps requests with one statement. When that fails as a whole, each is tried alone, so that one whose content
/// somebody holds does not fail its neighbours. Whoever is told that it was not kept sends it again, and finds it
/// kept once.
async fn store_batch(store: &Store, new: &[NewWebhook]) -> Vec<Result<()>> {
    let error = match retry_transaction(|| webhooks::insert(store, new)).await {
        Ok(()) => return vec![Ok(()); new.len()],
        Err(error) => error,
    };
    if new.len() == 1 || !may_succeed_alone(&error) {
        return vec![Err(error.into()); new.len()];
    }
    tracing::warn!(
        error = &error as &dyn std::error::Error,
        members = new.len(),
        "a batch failed, its members are tried alone"
    );
    let mut kept = Vec::with_capacity(new.len());
    for one in new {
        let alone = retry_transaction(|| webhooks::insert(store, std::slice::from_ref(one))).await;
        kept.push(alone.map_err(Error::from));
    }
    kept
}

/// Requests in portions that one statement can carry.
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
