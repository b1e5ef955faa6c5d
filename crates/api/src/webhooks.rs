//! Receives webhooks of carriers and aggregators: `POST /webhooks/{carrier}`.
//!
//! 1. A secret or token in the headers or in the address is checked before the body is read.
//! 2. A signature is checked over the body, byte for byte.
//! 3. Then the request is stored, and the sender gets 200.
//! 4. The content is parsed later. It is never a reason to refuse the webhook.

#[cfg(test)]
mod tests;
mod token;

use std::error::Error;

use app::{
    Clock,
    webhooks::{Accepted, Inbox, NotAccepted},
};
use axum::{
    Json, Router,
    body::Body,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};

use carriers::Sender;
use domain::text::escape;
use serde_json::json;

use crate::{
    body::{ReadBodyError, read_body},
    transport::RequestId,
};

/// The routes for webhooks, and for tokens of senders.
pub(crate) fn routes(inbox: Inbox, clock: Clock) -> Router {
    Router::new()
        .route("/webhooks/{carrier}", post(receive))
        .route("/webhooks/{carrier}/token", post(token::issue_token))
        .with_state((inbox, clock))
}

async fn receive(
    State((inbox, clock)): State<(Inbox, Clock)>,
    Path(carrier): Path<String>,
    RawQuery(query): RawQuery,
    request_id: RequestId,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let Ok(sender) = carrier.parse::<Sender>() else {
        return respond_to_refusal(&carrier, &NotAccepted::UnknownSender(carrier.clone()));
    };
    let headers: Vec<(&str, &[u8])> =
        headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let query = query.as_deref().unwrap_or_default();
    let head = carriers::Head { at: clock.now(), query, headers: &headers };
    if let Err(error) = inbox.admit_webhook(sender, &head) {
        return respond_to_refusal(&carrier, &error);
    }
    let body = match read_body(body, sender.max_body()).await {
        Ok(body) => body,
        Err(error) => return respond_to_unread_body(&carrier, error),
    };
    let request = head.with_body(&body);
    match inbox.accept_webhook(sender, &request, Some(request_id.0)).await {
        Ok(Accepted { challenge: None }) => (StatusCode::OK, "stored\n").into_response(),
        Ok(Accepted { challenge: Some(challenge) }) => {
            (StatusCode::OK, Json(json!({ "challenge": challenge }))).into_response()
        }
        Err(error) => respond_to_refusal(&carrier, &error),
    }
}

fn respond_to_unread_body(carrier: &str, error: ReadBodyError) -> Response {
    let status = error.status().as_u16();
    tracing::warn!(carrier, status, error = &error as &dyn Error, "the body of a webhook was not read");
    error.into_response()
}

fn respond_to_refusal(carrier: &str, error: &NotAccepted) -> Response {
    let status = match error {
        NotAccepted::UnknownSender(_) => StatusCode::NOT_FOUND,
        NotAccepted::Signature(_) => StatusCode::UNAUTHORIZED,
        NotAccepted::NotStored(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    let cause = error as &dyn Error;
    match error {
        NotAccepted::NotStored(_) => tracing::error!(carrier, error = cause, "a webhook was not stored"),
        NotAccepted::UnknownSender(_) | NotAccepted::Signature(_) => {
            tracing::warn!(carrier, error = cause, "a webhook was refused");
        }
    }
    (status, format!("{}\n", escape(&error.to_string()))).into_response()
}
