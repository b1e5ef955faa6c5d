//! Lists carriers' codes without a known meaning, for support, and processes their webhooks again once the codes have a
//! meaning. A query of `api` does the former, `worker::schedule` the latter, every five minutes.
//!
//! 1. Of each code only the webhook with the latest scan is parsed. If that scan has a meaning today, all webhooks with
//!    the code are made due again.
//! 2. To process again means to make due: the jobs then process the webhooks like new ones. The functions answer how
//!    many became due; webhooks that another transaction holds are skipped.
//! 3. What was made due before an error stays due.

use std::collections::HashSet;

use carriers::{CodeMap, Push, Sender};
use domain::{Meaning, WebhookId};
use persistence::read::{self, Spelling, UnknownCode};

use super::{Inbox, MAX_BYTES, misrouted::MAX_REQUEUED_AT_ONCE};
use crate::{
    Caller,
    error::Result,
    retry::{may_succeed_alone, retry_transaction},
};

/// Largest number of codes that is listed. If there are more, Milepost probably does not understand the format of a
/// sender, and a longer list would not help.
const MAX_LISTED: u32 = 500;
/// Number of codes whose webhooks are loaded into memory together.
const PAGE: usize = 100;

impl Inbox {
    /// The codes that are neither in a built-in table nor in the merchant's code map, the most frequent first.
    /// Spellings that differ only in upper and lower case count as one code, as in the code map. For support and
    /// systems.
    ///
    /// # Errors
    /// [`Error::Refused`](crate::Error::Refused): forbidden.
    pub async fn unknown_codes(&self, caller: &Caller) -> Result<Vec<UnknownCode>> {
        caller.must_be_staff()?;
        Ok(read::unknown_codes(&self.store, Spelling::AnyCase, MAX_LISTED).await?)
    }

    /// Makes the webhooks due again whose unknown codes have a meaning now: the merchant has mapped them, or a newer
    /// version of Milepost lists them. Returns how many.
    ///
    /// `worker` repeats this while it runs, because another process with older settings may still store unknown codes.
    /// `meaningless` collects the codes (sender, code) that this process found to have no meaning, so that it checks
    /// each only once.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reprocess_unknown(&self, meaningless: &mut HashSet<(String, String)>) -> Result<u64> {
        let mut requeued = 0;
        let result = self.requeue_codes_with_meaning(meaningless, &mut requeued).await;
        if requeued > 0 {
            self.feed.poke();
        }
        result.map(|()| requeued)
    }

    async fn requeue_codes_with_meaning(
        &self,
        meaningless: &mut HashSet<(String, String)>,
        requeued: &mut u64,
    ) -> Result<()> {
        // Each spelling is a code of its own here: a built-in table may list only one of the spellings.
        let mut unknown = read::unknown_codes(&self.store, Spelling::AsSent, u32::MAX).await?;
        unknown.retain(|one| !meaningless.contains(&sender_and_code(one)));
        let ids: Vec<WebhookId> = unknown.iter().map(|one| one.webhook_id).collect();
        let mut checked = 0;
        while checked < unknown.len() {
            let ids = &ids[checked..unknown.len().min(checked + PAGE)];
            let fitting = read::count_webhooks_within_bytes(&self.store, ids, MAX_BYTES).await?;
            let page = &unknown[checked..checked + fitting];
            checked += fitting;
            let bodies = read::webhook_bodies(&self.store, &ids[..fitting]).await?;
            for one in page {
                let Some(body) = bodies.get(&one.webhook_id) else { continue };
                if has_meaning(one, body, &self.policy().codes) {
                    *requeued += self.requeue_code(one).await?;
                } else {
                    meaningless.insert(sender_and_code(one));
                }
            }
        }
        Ok(())
    }

    /// Makes the webhooks due again that contain this code, at most [`MAX_REQUEUED_AT_ONCE`] in one transaction, so
    /// that no transaction locks very many webhooks. Returns how many. An error that affects only this code is logged,
    /// and the code is tried again with the next call.
    async fn requeue_code(&self, unknown: &UnknownCode) -> Result<u64> {
        let UnknownCode { sender, code, .. } = unknown;
        let webhooks = read::webhooks_with_unknown(&self.store, sender, code).await?;
        let mut count = 0;
        for chunk in webhooks.chunks(MAX_REQUEUED_AT_ONCE) {
            match retry_transaction(|| self.requeue_processed(chunk)).await {
                Ok(requeued) => count += requeued,
                Err(error) if may_succeed_alone(&error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(
                        sender,
                        code,
                        error,
                        "webhooks with a code that has a meaning now could not be made due"
                    );
                }
                Err(error) => return Err(error.into()),
            }
        }
        if count > 0 {
            tracing::info!(sender, code, count, "a code has a meaning now: its webhooks are processed again");
        }
        Ok(count)
    }
}

fn sender_and_code(unknown: &UnknownCode) -> (String, String) {
    (unknown.sender.clone(), unknown.code.clone())
}

/// Whether the scan with that code has a meaning today.
fn has_meaning(unknown: &UnknownCode, body: &[u8], codes: &CodeMap) -> bool {
    let parsed = unknown.sender.parse::<Sender>().ok().and_then(|sender| sender.parse(body, codes).ok());
    let Some(Push::Parcels(parcels, _)) = parsed else { return false };
    let mut scans = parcels.iter().flat_map(|parcel| &parcel.scans);
    scans.any(|scan| scan.identity == unknown.identity && scan.meaning != Meaning::Unknown)
}
