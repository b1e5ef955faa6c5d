//! The GraphQL types of the inbox: stored webhooks, their scans, and codes without a known meaning.
//! Webhooks that are read together are made by one function (`build_node_maker`), so that they share their caches.

use std::sync::Arc;

use app::{App, Caller};
use async_graphql::{Context, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use domain::WebhookId;
use persistence::{
    failures::Failure,
    read::{self, Page, WebhookFilter},
    webhooks,
};

use super::{
    batch_cache::{ListCache, ScanCache},
    bodies::Bodies,
    connection::{Connection, PageArgs, Total},
    cursor::{self, Kind},
    enums::WebhookState,
    error::convert_app_result,
    failure::AttemptFailure,
    limits::weights::{FAILURES, WEBHOOK_SCANS, list},
    node::parse_uuid,
    outcome::{Forbidden, NotFound, convert_result, result_union},
    shipment::Scan,
};

/// One webhook. It knows the other webhooks that were read with it, so that their scans and bodies are read together.
pub struct Webhook {
    webhook: webhooks::WebhookHead,
    batch: Arc<ScanCache<WebhookId>>,
    bodies: Arc<Bodies>,
    failures: Arc<ListCache<WebhookId, Failure>>,
}

/// Returns a function that makes the nodes of webhooks that were read together. `ids` are the ids of all of them.
fn build_node_maker(ids: Vec<WebhookId>) -> impl Fn(webhooks::WebhookHead) -> Webhook {
    let (batch, failures) = (ScanCache::new(ids.clone()), ListCache::new(ids.clone()));
    let bodies = Bodies::new(ids);
    move |webhook| Webhook {
        webhook,
        batch: batch.clone(),
        bodies: bodies.clone(),
        failures: failures.clone(),
    }
}

/// Reads a page of the inbox, newest first.
pub(super) async fn read_inbox(
    ctx: &Context<'_>,
    filter: WebhookFilter,
    args: PageArgs,
) -> Result<Connection<Webhook>> {
    let window = args.window(Kind::Webhooks, cursor::plausible_key)?;
    let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
    let Page { rows, has_more } =
        convert_app_result(ctx, app.reads().webhooks(caller, &filter, &window.request()).await)?;
    let make_node = build_node_maker(rows.iter().map(|webhook| webhook.id).collect());
    Ok(Connection::new(
        Page { rows, has_more },
        &window,
        Total::Webhooks(filter),
        |webhook: webhooks::WebhookHead| {
            (Kind::Webhooks.encode(&(webhook.received_at, webhook.id.0)), make_node(webhook))
        },
    ))
}

/// Requeues a webhook, so that it is processed again.
pub(super) async fn retry_webhook(ctx: &Context<'_>, id: &ID) -> Result<WebhookResult> {
    let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
    let retried = app.inbox().retry_webhook(caller, parse_uuid("id", id)?).await;
    convert_result(ctx, None, retried).await
}

/// Reads the codes that have no known meaning.
pub(super) async fn unknown_codes(ctx: &Context<'_>) -> Result<Vec<UnknownCode>> {
    let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
    let codes = convert_app_result(ctx, app.inbox().unknown_codes(caller).await)?;
    Ok(codes.into_iter().map(UnknownCode::from).collect())
}

result_union! {
    /// The result of `retryWebhook`.
    WebhookResult = WebhookSuccess | NotFound | Forbidden
}

impl From<webhooks::WebhookHead> for WebhookResult {
    fn from(webhook: webhooks::WebhookHead) -> Self {
        WebhookSuccess { webhook: build_node_maker(vec![webhook.id])(webhook) }.into()
    }
}

/// The webhook waits to be processed again.
#[derive(SimpleObject)]
pub struct WebhookSuccess {
    /// The webhook as it is now.
    webhook: Webhook,
}

/// A code of a sender that neither a code table nor a setting contains. Its scans are stored and move no shipment.
/// Spellings that differ only in the case of ASCII letters are one code.
#[derive(SimpleObject)]
pub struct UnknownCode {
    /// The sender: a carrier, or a service that reports for many carriers (`easypost`).
    carrier: String,
    /// The code, as the latest of the scans spells it.
    carrier_code: String,
    /// The carrier's text of the latest of the scans.
    description: Option<String>,
    /// The number of scans with the code. A scan that arrived several times counts once.
    scans: i64,
    /// When the first of the scans arrived, by Milepost's clock.
    first_at: DateTime<Utc>,
    /// When the latest of the scans arrived, by Milepost's clock.
    latest_at: DateTime<Utc>,
    /// The beginning of an entry for the setting `MILEPOST_CARRIER_CODES` that gives the code a meaning, for example
    /// `fedex.Q9=`. A worker that starts with such an entry processes the scans again automatically.
    setting: String,
}

impl From<read::UnknownCode> for UnknownCode {
    fn from(code: read::UnknownCode) -> Self {
        Self {
            setting: format!("{}.{}=", code.sender, code.code),
            carrier: code.sender,
            carrier_code: code.code,
            description: code.description,
            scans: code.scans,
            first_at: code.first_at,
            latest_at: code.latest_at,
        }
    }
}

/// A request of a carrier, or of a service that reports for carriers, with a valid signature. It is stored as it was
/// received, byte for byte. The same content is stored once.
#[Object]
impl Webhook {
    /// The id, a UUID.
    async fn id(&self) -> ID {
        self.webhook.id.to_string().into()
    }

    /// The sender: a carrier, or a service that reports for many carriers (`easypost`).
    async fn carrier(&self) -> &str {
        &self.webhook.sender
    }

    /// When the webhook was received, by Milepost's clock.
    async fn received_at(&self) -> DateTime<Utc> {
        self.webhook.received_at
    }

    /// Whether the webhook was processed.
    async fn state(&self) -> WebhookState {
        self.webhook.state.into()
    }

    /// What the webhook changed, or why it changed nothing.
    async fn reason(&self) -> Option<&str> {
        self.webhook.reason.as_deref()
    }

    /// How many attempts to process it have begun.
    async fn attempts(&self) -> i32 {
        self.webhook.attempt
    }

    /// The error of the latest failed attempt.
    async fn error(&self) -> Option<&str> {
        self.webhook.error.as_deref()
    }

    /// The failed attempts to process it, newest first, at most 20. A later success or failure does not remove them.
    #[graphql(complexity = "list(FAILURES, child_complexity)")]
    async fn failures(&self, ctx: &Context<'_>) -> Result<Vec<AttemptFailure>> {
        let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
        let read = |ids, extent| app.reads().failures_of_webhooks(caller, ids, extent);
        let failures = self.failures.load(ctx, self.webhook.id, read).await?;
        Ok(failures.iter().cloned().map(AttemptFailure::from).collect())
    }

    /// The body of the request. Bytes that are not valid UTF-8 are replaced by `U+FFFD`. All bodies in one answer may
    /// have at most 8 MiB together; otherwise the error is `QUERY_TOO_LARGE`.
    async fn body(&self, ctx: &Context<'_>) -> Result<&str> {
        self.bodies.find_body(ctx, self.webhook.id).await
    }

    /// How often the same content was received again.
    async fn duplicates(&self) -> i32 {
        self.webhook.duplicates
    }

    /// The `x-request-id` of the HTTP request.
    async fn request_id(&self) -> Option<&str> {
        self.webhook.request_id.as_deref()
    }

    /// The scans that this webhook contained first, or whose codes got a known meaning with it. The oldest is first.
    #[graphql(complexity = "list(WEBHOOK_SCANS, child_complexity)")]
    async fn scans(&self, ctx: &Context<'_>) -> Result<Vec<Scan>> {
        let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
        let read = |ids, extent| app.reads().scans_of_webhooks(caller, ids, extent);
        let scans = self.batch.load(ctx, self.webhook.id, read).await?;
        Ok(scans.iter().cloned().map(Scan).collect())
    }
}
