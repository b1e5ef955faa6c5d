//! Reads the bodies of webhooks, with a limit on all bodies in one answer.
//!
//! 1. The bodies of webhooks that were read together are read together, when the first of them is selected. That takes
//!    two statements.
//! 2. A body can have 8 MiB, so a page of bodies could fill the memory. The first statement reads only their sizes; the
//!    second reads the bodies, if the [`BodyBudget`] allows it.
//!
//! `BodyBudget::take` answers false, and takes nothing, if the budget has too few bytes left.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use app::{App, Caller};
use async_graphql::{Context, Error, Result};
use domain::WebhookId;
use tokio::sync::OnceCell;

use super::error::{coded, log_error, mask_error};

/// The maximum size of all bodies in one answer, in bytes. The largest body that a sender may push fits.
pub(super) const MAX_BYTES: usize = 8 * 1024 * 1024;

/// How many bytes of bodies one operation may still read. It is in the operation's data.
pub(super) struct BodyBudget(AtomicUsize);

impl Default for BodyBudget {
    fn default() -> Self {
        Self(AtomicUsize::new(MAX_BYTES))
    }
}

impl BodyBudget {
    /// Takes bytes from the budget. Returns false, and takes nothing, if it has too few.
    fn take(&self, bytes: usize) -> bool {
        self.0.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(bytes)).is_ok()
    }
}

/// The bodies of webhooks that were read together.
pub(super) struct Bodies {
    ids: Vec<WebhookId>,
    read: OnceCell<Result<HashMap<WebhookId, String>, BodiesError>>,
}

/// Why the bodies were not read. Each selected body of them gets this error.
enum BodiesError {
    TooLarge(usize),
    Failed(app::Error),
}

impl Bodies {
    pub fn new(ids: Vec<WebhookId>) -> Arc<Self> {
        Arc::new(Self { ids, read: OnceCell::new() })
    }

    /// The body of one of the webhooks. Bytes that are not valid UTF-8 are replaced by `U+FFFD`.
    ///
    /// # Errors
    /// `QUERY_TOO_LARGE` if the bodies of all of the webhooks are larger than the rest of the budget.
    pub async fn find_body(&self, ctx: &Context<'_>, id: WebhookId) -> Result<&str> {
        let request_id = ctx.data::<Caller>()?.request_id.as_deref();
        let (app, caller, budget) = (ctx.data::<App>()?, ctx.data::<Caller>()?, ctx.data::<BodyBudget>()?);
        let read = || async {
            self.read_all(app, caller, budget).await.inspect_err(|error| match error {
                BodiesError::Failed(error) => log_error(request_id, error),
                BodiesError::TooLarge(_) => {}
            })
        };
        match self.read.get_or_init(read).await {
            Ok(bodies) => Ok(bodies.get(&id).map(String::as_str).unwrap_or_default()),
            Err(BodiesError::Failed(error)) => Err(mask_error(request_id, error)),
            Err(BodiesError::TooLarge(bytes)) => Err(build_too_large_error(*bytes)),
        }
    }

    async fn read_all(
        &self,
        app: &App,
        caller: &Caller,
        budget: &BodyBudget,
    ) -> Result<HashMap<WebhookId, String>, BodiesError> {
        let bytes = app.reads().webhook_bytes(caller, &self.ids).await.map_err(BodiesError::Failed)?;
        if !budget.take(bytes) {
            return Err(BodiesError::TooLarge(bytes));
        }
        let bodies = app.reads().webhook_bodies(caller, &self.ids).await.map_err(BodiesError::Failed)?;
        Ok(bodies.into_iter().map(|(id, body)| (id, decode_text(body))).collect())
    }
}

fn decode_text(body: Vec<u8>) -> String {
    String::from_utf8(body).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn build_too_large_error(bytes: usize) -> Error {
    coded(
        "QUERY_TOO_LARGE",
        format!("the bodies of these webhooks have {bytes} bytes; {MAX_BYTES} are the most in one answer"),
    )
}
