//! Codes that nobody knew: listed for support, and taken up when they have got a meaning since.

use std::collections::HashSet;

use carriers::{CodeMap, Push, Sender};
use domain::Meaning;
use persistence::{
    read::{self, UnknownCode},
    webhooks,
};

use crate::{App, Caller, error::Result, retry::retrying};

/// The most codes listed. More than these would be a sender that is not understood at all.
const MOST_LISTED: u32 = 500;

impl App {
    /// The codes that no table lists and no setting maps, the most frequent first. For support and systems.
    ///
    /// # Errors
    /// [`Error::Refused`](crate::Error::Refused): forbidden.
    pub async fn unknown_codes(&self, caller: &Caller) -> Result<Vec<UnknownCode>> {
        caller.must_be_staff()?;
        Ok(read::unknown_codes(&self.store, MOST_LISTED).await?)
    }

    /// Has the webhooks read again whose unknown codes have a meaning today: the merchant has mapped them, or a
    /// newer version lists them. Asked again and again while a worker runs: a process with older settings may still be
    /// reading. `meaningless` is what was found to have no meaning, which a process does not look at twice. Returns
    /// how many there are.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take_up_remapped(&self, meaningless: &mut HashSet<(String, String)>) -> Result<u64> {
        let now = self.clock.now();
        let mut woken = 0;
        for unknown in read::unknown_codes(&self.store, u32::MAX).await? {
            let code = (unknown.sender.clone(), unknown.code.clone());
            if meaningless.contains(&code) {
                continue;
            }
            let Some(webhook) = read::webhook(&self.store, unknown.webhook_id).await? else { continue };
            if has_meaning(&unknown, &webhook.body, &self.policy().codes) {
                let wake = async || {
                    let tx = self.store.begin().await?;
                    let count = webhooks::wake_unknown(&tx, &unknown.sender, &unknown.code, now).await?;
                    self.store.commit(tx).await?;
                    Ok(count)
                };
                let count = retrying(wake).await?;
                tracing::info!(
                    unknown.sender,
                    unknown.code,
                    count,
                    "a code has got a meaning: its webhooks are read again"
                );
                woken += count;
            } else {
                meaningless.insert(code);
            }
        }
        if woken > 0 {
            self.feed.poke();
        }
        Ok(woken)
    }
}

/// Whether a body with that code reads differently today.
fn has_meaning(unknown: &UnknownCode, body: &[u8], codes: &CodeMap) -> bool {
    let parsed = unknown.sender.parse::<Sender>().ok().and_then(|sender| sender.parse(body, codes).ok());
    let Some(Push::Parcels(parcels, _)) = parsed else { return false };
    let mut scans = parcels.iter().flat_map(|parcel| &parcel.scans);
    scans.any(|scan| scan.code == unknown.code && scan.meaning != Meaning::Unknown)
}
