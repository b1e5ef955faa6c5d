//! The inbox: what carriers sent, as it came.

use std::sync::Arc;

use app::{App, Caller};
use async_graphql::{Context, ID, Object, Result};
use chrono::{DateTime, Utc};
use domain::WebhookId;
use persistence::{
    read::{self, Page, WebhookFilter},
    webhooks,
};

use super::{
    connection::{Connection, PageArgs, Total},
    cursor::{self, Kind},
    enums::WebhookState,
    error::answer,
    loader::Scanned,
    shipment::Scan,
};

/// A request of a carrier with a good signature, byte for byte. The same content is kept once.
pub struct Webhook {
    webhook: webhooks::Webhook,
    siblings: Arc<Scanned<WebhookId>>,
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
    let siblings = Scanned::new(rows.iter().map(|webhook| webhook.id).collect());
    Ok(Connection::new(
        Page { rows, has_more },
        &window,
        Total::Webhooks(filter),
        |webhook: webhooks::Webhook| {
            (
                Kind::Webhooks.encode(&(webhook.received_at, webhook.id.0)),
                Webhook { webhook, siblings: siblings.clone() },
            )
        },
    ))
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

    /// The body. Bytes that are no UTF-8 are shown as `U+FFFD`.
    async fn body(&self) -> String {
        String::from_utf8_lossy(&self.webhook.body).into_owned()
    }

    /// How often the same content came again.
    async fn duplicates(&self) -> i32 {
        self.webhook.duplicates
    }

    /// The `x-request-id` it came with.
    async fn request_id(&self) -> Option<&str> {
        self.webhook.request_id.as_deref()
    }

    /// The scans it was the first to bring, oldest first.
    async fn scans(&self, ctx: &Context<'_>) -> Result<Vec<Scan>> {
        let store = &ctx.data::<App>()?.store;
        let brought = |ids: Vec<WebhookId>| async move { read::scans_of_webhooks(store, &ids).await };
        let scans = self.siblings.scans(ctx, self.webhook.id, brought).await?;
        Ok(scans.iter().cloned().map(Scan).collect())
    }
}
