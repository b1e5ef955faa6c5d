//! Reads stored webhooks. For support and systems; others are refused as forbidden. Resolvers of `api` call these. A
//! webhook without scans or failures is missing in the map. More rows than the extent allows are an error.

use std::{collections::HashMap, sync::Arc};

use domain::{StoredScan, WebhookId};
use persistence::{
    failures::{self, Failure},
    read::{self, Page, PageRequest, WebhookFilter},
    webhooks::WebhookHead,
};
use uuid::Uuid;

use super::{Extent, Reads, into_arcs};
use crate::{Caller, error::Result};

impl Reads {
    /// A page of the stored webhooks.
    pub async fn webhooks(
        &self,
        caller: &Caller,
        filter: &WebhookFilter,
        page: &PageRequest<Uuid>,
    ) -> Result<Page<WebhookHead>> {
        caller.must_be_staff()?;
        Ok(read::webhooks_page(&self.store, filter, page).await?)
    }

    /// The number of stored webhooks.
    pub async fn webhooks_count(&self, caller: &Caller, filter: &WebhookFilter) -> Result<u64> {
        caller.must_be_staff()?;
        Ok(read::webhooks_count(&self.store, filter).await?)
    }

    /// The total size of the bodies of these webhooks, in bytes.
    pub async fn webhook_bytes(&self, caller: &Caller, webhooks: &[WebhookId]) -> Result<usize> {
        caller.must_be_staff()?;
        Ok(read::webhook_bytes(&self.store, webhooks).await?)
    }

    /// The bodies of these webhooks. A body can have megabytes: check [`Reads::webhook_bytes`] first.
    pub async fn webhook_bodies(
        &self,
        caller: &Caller,
        webhooks: &[WebhookId],
    ) -> Result<HashMap<WebhookId, Vec<u8>>> {
        caller.must_be_staff()?;
        Ok(read::webhook_bodies(&self.store, webhooks).await?)
    }

    /// The scans that are stored under these webhooks, oldest first.
    pub async fn scans_of_webhooks(
        &self,
        caller: &Caller,
        webhooks: Vec<WebhookId>,
        extent: Extent,
    ) -> Result<HashMap<WebhookId, Arc<[StoredScan]>>> {
        caller.must_be_staff()?;
        let found = read::webhook_scans_at_most(&self.store, &webhooks, extent.max_rows() as u64).await?;
        Ok(into_arcs(found))
    }

    /// The failed attempts to process these webhooks, newest first.
    pub async fn failures_of_webhooks(
        &self,
        caller: &Caller,
        webhooks: Vec<WebhookId>,
        extent: Extent,
    ) -> Result<HashMap<WebhookId, Arc<[Failure]>>> {
        caller.must_be_staff()?;
        let most = extent.max_rows() as u64;
        Ok(into_arcs(failures::failures_of_webhooks(&self.store, &webhooks, most).await?))
    }
}
