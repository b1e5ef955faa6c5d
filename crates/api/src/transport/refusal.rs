//! Responses to HTTP requests that are refused before an operation runs: a status, a code, and a GraphQL error as body.
//!
//! `header` is `None` if no header tells the client what to do.

use async_graphql::{ParseRequestError, ServerError};
use axum::{
    http::{
        HeaderName, StatusCode,
        header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};

use super::{MAX_BODY_BYTES, accept::MediaType, response::json_body};
use crate::{
    auth::AuthError,
    body::{RETRY_AFTER_SECONDS, ReadBodyError},
    graphql::{error::with_code, limits::TooManyValues},
};

/// Why a request was refused before an operation ran. The messages are sent to the caller.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error(transparent)]
    Unauthenticated(#[from] AuthError),
    #[error("the body must be `application/json`")]
    NotJson,
    #[error("the body is larger than {MAX_BODY_BYTES} bytes")]
    TooLarge,
    #[error("the body could not be read to its end")]
    Unreadable,
    #[error("the body did not come in time")]
    TooSlow,
    #[error("too many bodies are being received, try again")]
    Busy,
    #[error("the body is no GraphQL request: a JSON object with `query`, `variables`, `operationName`")]
    NotARequest,
    #[error("several requests in one body are not supported: send them one by one")]
    Batch,
    #[error(transparent)]
    TooManyValues(#[from] TooManyValues),
    #[error("the parameter `{0}` is malformed")]
    BadParameter(&'static str),
    #[error("the request has no `query`")]
    NoQuery,
    #[error("a mutation must be sent by POST")]
    MutationByGet,
    #[error("a subscription needs a WebSocket: connect to this address with `graphql-transport-ws`")]
    Subscription,
}

impl Refusal {
    /// The HTTP status, which is the same for both media types, and the value of `extensions.code`.
    fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Unauthenticated(_) => (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"),
            Self::NotJson => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE"),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "REQUEST_TIMEOUT"),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE"),
            Self::MutationByGet => (StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED"),
            Self::TooManyValues(_) => (StatusCode::BAD_REQUEST, "QUERY_TOO_LARGE"),
            Self::Unreadable
            | Self::NotARequest
            | Self::Batch
            | Self::BadParameter(_)
            | Self::NoQuery
            | Self::Subscription => (StatusCode::BAD_REQUEST, "BAD_REQUEST"),
        }
    }

    /// The header that tells the client what to do now.
    fn header(&self) -> Option<(HeaderName, &'static str)> {
        match self {
            Self::Unauthenticated(AuthError::Missing) => {
                Some((WWW_AUTHENTICATE, r#"Bearer realm="milepost""#))
            }
            // The error code is defined in RFC 6750, section 3.1.
            Self::Unauthenticated(_) => {
                Some((WWW_AUTHENTICATE, r#"Bearer realm="milepost", error="invalid_token""#))
            }
            Self::MutationByGet => Some((ALLOW, "POST")),
            Self::Busy => Some((RETRY_AFTER, RETRY_AFTER_SECONDS)),
            Self::NotJson
            | Self::TooLarge
            | Self::Unreadable
            | Self::TooSlow
            | Self::NotARequest
            | Self::Batch
            | Self::TooManyValues(_)
            | Self::BadParameter(_)
            | Self::NoQuery
            | Self::Subscription => None,
        }
    }

    /// The response, in the media type that the client prefers.
    pub(super) fn into_response(self, media: MediaType) -> Response {
        let (status, code) = self.status_and_code();
        let error = with_code(ServerError::new(self.to_string(), None), code);
        let body = json_body(media, &async_graphql::Response::from_errors(vec![error]));
        (status, self.header().map(|header| [header]), body).into_response()
    }
}

impl From<ReadBodyError> for Refusal {
    fn from(error: ReadBodyError) -> Self {
        match error {
            ReadBodyError::TooLarge(_) => Self::TooLarge,
            ReadBodyError::TooSlow => Self::TooSlow,
            ReadBodyError::Busy => Self::Busy,
            ReadBodyError::BrokenOff => Self::Unreadable,
        }
    }
}

impl From<ParseRequestError> for Refusal {
    fn from(error: ParseRequestError) -> Self {
        match error {
            ParseRequestError::UnsupportedBatch => Self::Batch,
            ParseRequestError::PayloadTooLarge => Self::TooLarge,
            _ => Self::NotARequest,
        }
    }
}

/// The extractor of async-graphql-axum requires this of its error type. The handlers do not use it: they respond in the
/// negotiated media type.
impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        self.into_response(MediaType::Json)
    }
}
