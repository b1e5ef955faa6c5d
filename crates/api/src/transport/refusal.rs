//! Responses to HTTP requests that are refused before an operation runs: a status, a code, and a GraphQL error as body.

use async_graphql::{ParseRequestError, ServerError};
use axum::{
    http::{
        HeaderValue, StatusCode,
        header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};

use super::{MAX_BODY_BYTES, accept::MediaType, response::body};
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
    /// The HTTP status. It is the same for both media types.
    fn status(&self) -> StatusCode {
        match self {
            Self::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
            Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::MutationByGet => StatusCode::METHOD_NOT_ALLOWED,
            Self::Unreadable
            | Self::NotARequest
            | Self::Batch
            | Self::TooManyValues(_)
            | Self::BadParameter(_)
            | Self::NoQuery
            | Self::Subscription => StatusCode::BAD_REQUEST,
        }
    }

    /// The value of `extensions.code`.
    fn code(&self) -> &'static str {
        match self {
            Self::Unauthenticated(_) => "UNAUTHENTICATED",
            Self::NotJson => "UNSUPPORTED_MEDIA_TYPE",
            Self::TooLarge => "PAYLOAD_TOO_LARGE",
            Self::TooSlow => "REQUEST_TIMEOUT",
            Self::Busy => "UNAVAILABLE",
            Self::MutationByGet => "METHOD_NOT_ALLOWED",
            Self::TooManyValues(_) => "QUERY_TOO_LARGE",
            Self::Unreadable
            | Self::NotARequest
            | Self::Batch
            | Self::BadParameter(_)
            | Self::NoQuery
            | Self::Subscription => "BAD_REQUEST",
        }
    }

    /// The response, in the media type that the client prefers.
    pub(super) fn into_response(self, media: MediaType) -> Response {
        let error = with_code(ServerError::new(self.to_string(), None), self.code());
        let mut response =
            (self.status(), body(media, &async_graphql::Response::from_errors(vec![error]))).into_response();
        match self {
            Self::Unauthenticated(AuthError::Missing) => {
                let challenge = HeaderValue::from_static(r#"Bearer realm="milepost""#);
                response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
            }
            // The error code is defined in RFC 6750, section 3.1.
            Self::Unauthenticated(_) => {
                let challenge = HeaderValue::from_static(r#"Bearer realm="milepost", error="invalid_token""#);
                response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
            }
            Self::MutationByGet => {
                response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
            }
            Self::Busy => {
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS));
            }
            Self::NotJson
            | Self::TooLarge
            | Self::Unreadable
            | Self::TooSlow
            | Self::NotARequest
            | Self::Batch
            | Self::TooManyValues(_)
            | Self::BadParameter(_)
            | Self::NoQuery
            | Self::Subscription => {}
        }
        response
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
