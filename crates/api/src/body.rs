//! Reads the body of a request into memory, up to a maximum length, and maps each failure to an HTTP status.

use axum::{
    body::{Body, HttpBody},
    http::{StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use http_body_util::BodyExt;

use crate::listener::BodyError;

/// The value of `Retry-After` in responses of a busy server, in seconds.
pub(crate) const RETRY_AFTER_SECONDS: &str = "5";
/// The most memory that is allocated for a body before any of it is received, in bytes. A client can announce a long
/// body and send nothing.
const MAX_TRUST: usize = 64 * 1024;
/// The message when a response is not sent because the memory for responses is used up.
pub(crate) const RESPONSES_WAIT: &str = "too many answers wait for clients that read slowly";

/// Why a body could not be read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ReadBodyError {
    /// The body is longer than this number of bytes.
    #[error("{0} bytes are the most")]
    TooLarge(usize),
    /// The body was not complete at its deadline.
    #[error("the body did not come in time")]
    TooSlow,
    /// The memory for bodies is used up.
    #[error("too many bodies are being received, try again")]
    Busy,
    /// The connection broke off, or the body is malformed.
    #[error("the body broke off or is malformed")]
    BrokenOff,
}

impl ReadBodyError {
    /// The HTTP status of the response.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::BrokenOff => StatusCode::BAD_REQUEST,
        }
    }
}

impl IntoResponse for ReadBodyError {
    fn into_response(self) -> Response {
        let retry_after = (self == Self::Busy).then_some([(RETRY_AFTER, RETRY_AFTER_SECONDS)]);
        (self.status(), retry_after, format!("{self}\n")).into_response()
    }
}

/// The response 503 of a server that has no place or memory for a request at the moment.
pub(crate) fn respond_busy(why: &'static str) -> Response {
    let retry_after = [(RETRY_AFTER, RETRY_AFTER_SECONDS)];
    (StatusCode::SERVICE_UNAVAILABLE, retry_after, format!("{why}, try again\n")).into_response()
}

/// Reads a body of at most `most` bytes. When its announced length is larger, it is refused before any byte is read.
pub(crate) async fn read_body(mut body: Body, most: usize) -> Result<Vec<u8>, ReadBodyError> {
    let promised = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if promised > most {
        return Err(ReadBodyError::TooLarge(most));
    }
    let mut whole = Vec::with_capacity(promised.min(MAX_TRUST));
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(convert_body_error)?.into_data() else { continue };
        if data.len() > most - whole.len() {
            return Err(ReadBodyError::TooLarge(most));
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole)
}

fn convert_body_error(error: axum::Error) -> ReadBodyError {
    match error.into_inner().downcast_ref::<BodyError>() {
        Some(BodyError::TooSlow) => ReadBodyError::TooSlow,
        Some(BodyError::Busy) => ReadBodyError::Busy,
        Some(BodyError::BrokenOff(error)) => {
            tracing::debug!(error = error as &dyn std::error::Error, "a body broke off");
            ReadBodyError::BrokenOff
        }
        None => ReadBodyError::BrokenOff,
    }
}
