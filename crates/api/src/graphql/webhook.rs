//! The inbox: what carriers sent, as it came.

use std::sync::Arc;

use app::{App, Caller};
use async_graphql::{Context, ID, Object, Result, SimpleObject, Union};
use chrono::{DateTime, Utc};
use domain::{Refusal, WebhookId};
use persistence::{
    read::{self, Page, WebhookFilter},
    webhooks,
};

use super::{
    batch_cache::ScanCache,
    bodies::Bodies,
    connection::{Connection, PageArgs, Total},
    cursor::{self, Kind},
    enums::WebhookState,
    error::{answer, failed},
    limits::weights::{WEBHOOK_SCANS, list},
    node::uuid,
    outcome::{Forbidden, NotFound},
    shipment::Scan,
};

/// A request of a carrier with a good signature, byte for byte. The same content is kept once.
pub struct Webhook {
    webhook: webhooks::WebhookHead,
    batch: Arc<ScanCache<WebhookId>>,
    bodies: Arc<Bodies>,
}

/// Webhooks that were read together.
fn nodes(ids: Vec<WebhookId>) -> impl Fn(webhooks::WebhookHead) -> Webhook {
    let (batch, bodies) = (ScanCache::new(ids.clone()), Bodies::new(ids));
    move |webhook| Webhook { webhook, batch: batch.clone(), bodies: bodies.clone() }
}

/// A page of the inbox, newest first.
pub(super) async fn inbox(
    ctx: &Context<'_>,
    filter: WebhookFilter,
    args: PageArgs,
) -> Result<Connection<Webhook>> {
    let window = args.window(Kind::Webhooks, cursor::key)?;
    let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
    let Page { rows, has_more } = answer(ctx, app.webhooks(caller, &filter, &window.request()).await)?;
    let node = nodes(rows.iter().map(|webhook| webhook.id).collect());
    Ok(Connection::new(
        Page { rows, has_more },
        &window,
        Total::Webhooks(filter),
        |webhook: webhooks::WebhookHead| {
            (Kind::Webhooks.encode(&(webhook.received_at, webhook.id.0)), node(webhook))
        },
    ))
}

/// Has a webhook read again.
pub(super) async fn retry(ctx: &Context<'_>, id: &ID) -> Result<WebhookResult> {
    let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
    let retried = app.retry_webhook(caller, uuid("id", id)?).await;
    Ok(match retried {
        Ok(webhook) => {
            let node = nodes(vec![webhook.id]);
            WebhookSuccess { webhook: node(webhook) }.into()
        }
        Err(app::Error::Refused(refusal @ Refusal::NotFound(_))) => NotFound::new(&refusal).into(),
        Err(app::Error::Refused(refusal @ Refusal::Forbidden(_))) => Forbidden::new(&refusal).into(),
        Err(error) => return Err(failed(ctx, &error)),
    })
}

/// The codes that nobody knows.
pub(super) async fn unknown_codes(ctx: &Context<'_>) -> Result<Vec<UnknownCode>> {
    let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
    let codes = answer(ctx, app.unknown_codes(caller).await)?;
    Ok(codes.into_iter().map(UnknownCode::from).collect())
}

/// What reading a webhook again comes to.
#[derive(Union)]
pub enum WebhookResult {
    /// It will be read.
    Success(WebhookSuccess),
    /// There is no such webhook.
    NotFound(NotFound),
    /// The role may not.
    Forbidden(Forbidden),
}

/// The webhook will be read again, in a moment.
#[derive(SimpleObject)]
pub struct WebhookSuccess {
    /// The webhook.
    webhook: Webhook,
}

/// A code that no table lists and no setting maps. Its scans are kept and move nothing. Spellings that differ in the
/// case of ASCII letters only are one code.
#[derive(SimpleObject)]
pub struct UnknownCode {
    /// Who sent it: a carrier, or one that reports for many (`easypost`).
    carrier: String,
    /// The code, as shown on the latest of the scans.
    carrier_code: String,
    /// The carrier's words on the latest of them.
    description: Option<String>,
    /// Scans with it, each claim once.
    scans: i64,
    /// When the first came, by our clock.
    first_at: DateTime<Utc>,
    /// When the latest came, by our clock.
    latest_at: DateTime<Utc>,
    /// The beginning of an entry of `MILEPOST_CARRIER_CODES` that gives it a meaning: `fedex.Q9=`. Its scans are
    /// taken up by themselves when a worker starts with it.
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

/// A request of a carrier with a good signature, byte for byte. The same content is kept once.
#[Object]
impl Webhook {
    /// The id, a UUID.
    async fn id(&self) -> ID {
        self.webhook.id.to_string().into()
    }

    /// Who sent it: a carrier, or one that reports for many (`easypost`).
    async fn carrier(&self) -> &str {
        &self.webhook.sender
    }

    /// When it came, by our clock.
    async fn received_at(&self) -> DateTime<Utc> {
        self.webhook.received_at
    }

    /// What has become of it.
    async fn state(&self) -> WebhookState {
        self.webhook.state.into()
    }

    /// What it did, or why it did nothing.
    async fn reason(&self) -> Option<&str> {
        self.webhook.reason.as_deref()
    }

    /// How often it was taken up.
    async fn attempts(&self) -> i32 {
        self.webhook.attempt
    }

    /// The latest failure.
    async fn error(&self) -> Option<&str> {
        self.webhook.error.as_deref()
    }

    /// The body. Bytes that are no UTF-8 are shown as `U+FFFD`. Read only where it is selected. All bodies in one
    /// answer have at most 8 MiB together; more are refused as `QUERY_TOO_LARGE`.
    async fn body(&self, ctx: &Context<'_>) -> Result<&str> {
        self.bodies.of(ctx, self.webhook.id).await
    }

    /// How often the same content came again.
    async fn duplicates(&self) -> i32 {
        self.webhook.duplicates
    }

    /// The `x-request-id` it came with.
    async fn request_id(&self) -> Option<&str> {
        self.webhook.request_id.as_deref()
    }

    /// The scans it was the first to bring or to give a meaning, oldest first.
    #[graphql(complexity = "list(WEBHOOK_SCANS, child_complexity)")]
    async fn scans(&self, ctx: &Context<'_>) -> Result<Vec<Scan>> {
        let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
        let read = |ids, extent| app.scans_of_webhooks(caller, ids, extent);
        let scans = self.batch.scans(ctx, self.webhook.id, read).await?;
        Ok(scans.iter().cloned().map(Scan).collect())
    }
}
