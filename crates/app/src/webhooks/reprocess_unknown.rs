//! Codes that nobody knew: listed for support, and taken up when they have got a meaning since.

use std::collections::HashSet;

use carriers::{CodeMap, Push, Sender};
use domain::{Meaning, WebhookId};
use persistence::read::{self, Spelling, UnknownCode};

use super::{MAX_BYTES, misrouted::MAX_DUE};
use crate::{
    App, Caller,
    error::Result,
    retry::{may_succeed_alone, retry_transaction},
};

/// The most codes listed. More than these would be a sender that is not understood at all.
const MAX_LISTED: u32 = 500;
/// Codes whose webhooks are in memory together.
const PAGE: usize = 100;

impl App {
    /// The codes that no table lists and no setting maps, the most frequent first; in whichever case they were sent, as
    /// for the setting. For support and systems.
    ///
    /// # Errors
    /// [`Error::Refused`](crate::Error::Refused): forbidden.
    pub async fn unknown_codes(&self, caller: &Caller) -> Result<Vec<UnknownCode>> {
        caller.must_be_staff()?;
        Ok(read::unknown_codes(&self.store, Spelling::AnyCase, MAX_LISTED).await?)
    }

    /// Has the webhooks read again whose unknown codes have a meaning today: the merchant has mapped them, or a
    /// newer version lists them. Asked again and again while a worker runs: a process with older settings may still be
    /// reading. `meaningless` is what was found to have no meaning, which a process does not look at twice. Returns
    /// how many there are.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reprocess_unknown(&self, meaningless: &mut HashSet<(String, String)>) -> Result<u64> {
        let mut requeued = 0;
        let done = self.reprocess_codes(meaningless, &mut requeued).await;
        if requeued > 0 {
            self.feed.poke();
        }
        done.map(|()| requeued)
    }

    async fn reprocess_codes(
        &self,
        meaningless: &mut HashSet<(String, String)>,
        requeued: &mut u64,
    ) -> Result<()> {
        // One by one: what we list ourselves may be one spelling only.
        let mut unknown = read::unknown_codes(&self.store, Spelling::AsSent, u32::MAX).await?;
        unknown.retain(|one| !meaningless.contains(&sender_and_code(one)));
        let ids: Vec<WebhookId> = unknown.iter().map(|one| one.webhook_id).collect();
        let mut done = 0;
        while done < unknown.len() {
            let ids = &ids[done..unknown.len().min(done + PAGE)];
            let fitting = read::count_webhooks_within_bytes(&self.store, ids, MAX_BYTES).await?;
            let page = &unknown[done..done + fitting];
            done += fitting;
            let bodies = read::webhook_bodies(&self.store, &ids[..fitting]).await?;
            for one in page {
                let Some(body) = bodies.get(&one.webhook_id) else { continue };
                if has_meaning(one, body, &self.policy().codes) {
                    *requeued += self.reprocess_code(one).await?;
                } else {
                    meaningless.insert(sender_and_code(one));
                }
            }
        }
        Ok(())
    }

    /// Has the webhooks read again that brought this code, some at a time: the front door writes beside it. One code
    /// that fails does not hold up the others, and is looked for again.
    async fn reprocess_code(&self, unknown: &UnknownCode) -> Result<u64> {
        let UnknownCode { sender, code, .. } = unknown;
        let webhooks = read::webhooks_with_unknown(&self.store, sender, code).await?;
        let mut count = 0;
        for chunk in webhooks.chunks(MAX_DUE) {
            match retry_transaction(|| self.requeue_processed(chunk)).await {
                Ok(requeued) => count += requeued,
                Err(error) if may_succeed_alone(&error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(
                        sender,
                        code,
                        error,
                        "webhooks with a code that has got a meaning were left"
                    );
                }
                Err(error) => return Err(error.into()),
            }
        }
        if count > 0 {
            tracing::info!(sender, code, count, "a code has got a meaning: its webhooks are read again");
        }
        Ok(count)
    }
}

fn sender_and_code(unknown: &UnknownCode) -> (String, String) {
    (unknown.sender.clone(), unknown.code.clone())
}

/// Whether the scan with that code reads differently today.
fn has_meaning(unknown: &UnknownCode, body: &[u8], codes: &CodeMap) -> bool {
    let parsed = unknown.sender.parse::<Sender>().ok().and_then(|sender| sender.parse(body, codes).ok());
    let Some(Push::Parcels(parcels, _)) = parsed else { return false };
    let mut scans = parcels.iter().flat_map(|parcel| &parcel.scans);
    scans.any(|scan| scan.identity == unknown.identity && scan.meaning != Meaning::Unknown)
}
