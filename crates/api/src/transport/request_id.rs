//! Request ids: each request has one id. It is in the response, in every log line, and in the events that the request
//! caused.
//!
//! The crate's `router` puts [`layer`] around every route. Handlers take [`RequestId`] as an argument.

use std::{convert::Infallible, fmt};

use axum::{
    extract::{FromRequestParts, MatchedPath, Request},
    http::{HeaderName, HeaderValue, request::Parts},
    middleware::Next,
    response::Response,
};
use tokio::time::Instant;
use tracing::Instrument;
use uuid::Uuid;

/// The header with the id, in requests and in responses.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The maximum length of an id that a caller sends, in bytes.
const MAX_LENGTH: usize = 128;

/// The id of one request: the one that the caller sent, or a new UUID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(pub String);

/// Middleware: chooses the id of a request, opens the log span with the id, and sets the header of the response.
pub async fn layer(mut request: Request, next: Next) -> Response {
    let id = RequestId::from_header(request.headers().get(HEADER));
    request.extensions_mut().insert(id.clone());
    // Log the pattern of the path, not the path itself, because the path can contain a customer's tracking token.
    let path = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str);
    let span = tracing::info_span!("request", method = %request.method(), path, request_id = %id);
    async {
        let started = Instant::now();
        let mut response = next.run(request).await;
        let millis = started.elapsed().as_millis();
        tracing::debug!(status = response.status().as_u16(), millis, "answered");
        if let Ok(value) = HeaderValue::from_str(&id.0) {
            response.headers_mut().insert(HEADER, value);
        }
        response
    }
    .instrument(span)
    .await
}

impl RequestId {
    /// The id in the header if it has 1 to 128 visible ASCII characters, otherwise a new UUID.
    fn from_header(value: Option<&HeaderValue>) -> Self {
        value
            .map(HeaderValue::as_bytes)
            .filter(|id| (1..=MAX_LENGTH).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic))
            .and_then(|id| String::from_utf8(id.to_vec()).ok())
            .map_or_else(|| Self(Uuid::new_v4().to_string()), Self)
    }
}

impl<S: Sync> FromRequestParts<S> for RequestId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_else(|| Self::from_header(None)))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use axum::{Router, body::Body, middleware::from_fn, routing::get};
    use tower::ServiceExt;

    use super::*;

    /// The id that the handler received, and the id in the response.
    async fn ids(sent: Option<&str>) -> (String, String) {
        let app = Router::new().route("/", get(async |id: RequestId| id.0)).layer(from_fn(layer));
        let mut request = Request::builder().uri("/");
        if let Some(sent) = sent {
            request = request.header(HEADER, sent);
        }
        let response = app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let answered = response.headers()[HEADER].to_str().unwrap().to_owned();
        let body = axum::body::to_bytes(response.into_body(), 1000).await.unwrap();
        (String::from_utf8(body.to_vec()).unwrap(), answered)
    }

    #[tokio::test]
    async fn a_sane_id_is_kept() {
        assert_eq!(ids(Some("shop-42/7")).await, ("shop-42/7".to_owned(), "shop-42/7".to_owned()));
    }

    #[tokio::test]
    async fn a_missing_or_odd_id_is_replaced_by_a_uuid() {
        for sent in [None, Some(""), Some("two words"), Some("é"), Some("x".repeat(129).as_str())] {
            let (seen, answered) = ids(sent).await;
            assert_eq!(seen, answered);
            assert!(Uuid::parse_str(&seen).is_ok(), "{sent:?} became {seen}");
        }
    }

    #[tokio::test]
    async fn a_path_nobody_serves_has_an_id_too() {
        let app = Router::new().route("/", get(async || "")).layer(from_fn(layer));
        let request = Request::builder().uri("/nowhere").body(Body::empty()).unwrap();
        assert!(app.oneshot(request).await.unwrap().headers().contains_key(HEADER));
    }
}
