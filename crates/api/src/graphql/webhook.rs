//! The inbox: what carriers sent, as it came.

use app::{App, Caller};
use async_graphql::{Context, ID, Object, Result};
use chrono::{DateTime, Utc};
use persistence::{read::WebhookFilter, webhooks};

use super::{
    connection::{Connection, PageArgs, Total},
    cursor::{self, Kind},
    enums::WebhookState,
    error::answer,
    loader::{ScansBroughtBy, load},
    shipment::Scan,
};

/// A request of a carrier with a good signature, byte for byte. The same content is kept once.
pub struct Webhook(webhooks::Webhook);

/// A page of the inbox, newest first.
pub(super) async fn inbox(
    ctx: &Context<'_>,
    filter: WebhookFilter,
    args: PageArgs,
) -> Result<Connection<Webhook>> {
    let window = args.window(Kind::Webhooks, cursor::key)?;
    let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
    let page = answer(ctx, app.webhooks(caller, &filter, &window.request()).await)?;
    Ok(Connection::new(page, &window, Total::Webhooks(filter), |webhook: webhooks::Webhook| {
        (Kind::Webhooks.encode(&(webhook.received_at, webhook.id.0)), Webhook(webhook))
    }))
}

/// A request of a carrier with a good signature, byte for byte. The same content is kept once.
#[Object]
impl Webhook {
    /// The id, a UUID.
    async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// Who sent it: a carrier, or one that reports for many (`easypost`).
    async fn carrier(&self) -> &str {
        &self.0.sender
    }

    /// When it came, by our clock.
    async fn received_at(&self) -> DateTime<Utc> {
        self.0.received_at
    }

    /// What has become of it.
    async fn state(&self) -> WebhookState {
        self.0.state.into()
    }

    /// What it did, or why it did nothing.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// How often it was taken up.
    async fn attempts(&self) -> i32 {
        self.0.attempt
    }

    /// The latest failure.
    async fn error(&self) -> Option<&str> {
        self.0.error.as_deref()
    }

    /// The body. Bytes that are no UTF-8 are shown as `U+FFFD`.
    async fn body(&self) -> String {
        String::from_utf8_lossy(&self.0.body).into_owned()
    }

    /// How often the same content came again.
    async fn duplicates(&self) -> i32 {
        self.0.duplicates
    }

    /// The `x-request-id` it came with.
    async fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// The scans it was the first to bring, oldest first.
    async fn scans(&self, ctx: &Context<'_>) -> Result<Vec<Scan>> {
        let scans = load(ctx, ScansBroughtBy(self.0.id)).await?;
        Ok(scans.iter().cloned().map(Scan).collect())
    }
}
