//! Writes the result of an operation as a response. All transports use it.
//!
//! 1. Every error has a code.
//! 2. The text of an internal error is logged and not sent.
//! 3. `data` is left out when the request failed before anything was executed.
//! 4. A panic of a resolver is logged, and becomes an internal error.
//! 5. A large response is written on a blocking thread. Its permit is returned when it has been written.
//! 6. `find_error_code` is `None` for an error without a code.

use std::{
    any::Any,
    collections::BTreeMap,
    future::{Future, pending},
    panic::{AssertUnwindSafe, resume_unwind},
};

use async_graphql::{Response, ServerError, Value};
use axum::{
    body::Body,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, IntoResponseParts, ResponseParts},
};
use futures::FutureExt;
use serde::{Serialize, Serializer, ser::SerializeMap};
use tokio::task::{JoinError, spawn_blocking};

use super::{RequestId, accept::MediaType};
use crate::graphql::{
    error::set_code,
    limits::{LargeResponsePermit, limit_errors},
};

/// Whether the request failed before anything was executed: a *request error* in the GraphQL specification.
pub(super) fn is_request_error(response: &Response) -> bool {
    response.is_err()
        && response.data == Value::Null
        && response.errors.iter().all(|error| error.path.is_empty())
}

/// Completes the errors of a response:
/// 1. When there are too many, only the first ones stay.
/// 2. An error without a code gets the code for invalid documents or for invalid input, when it is one.
/// 3. Any other error without a code is logged with the request's id, and replaced by an internal error without
///    details.
pub(super) fn complete_errors(mut response: Response, request_id: &RequestId) -> Response {
    let before_execution = is_request_error(&response);
    limit_errors(&mut response.errors);
    for error in &mut response.errors {
        if find_error_code(error).is_some() {
            continue;
        }
        if before_execution {
            set_code(&mut error.extensions, "GRAPHQL_VALIDATION_FAILED");
        } else if is_input_error(error) {
            set_code(&mut error.extensions, "BAD_USER_INPUT");
        } else {
            tracing::error!(%request_id, path = ?error.path, error = %error.message, "a resolver failed");
            *error = internal_error(error, request_id);
        }
    }
    response
}

/// Runs an operation. A panic in a resolver is logged and becomes an internal error.
pub(super) async fn catch_panics<T>(
    operation: impl Future<Output = T>,
    request_id: &RequestId,
) -> Result<T, Response> {
    AssertUnwindSafe(operation).catch_unwind().await.map_err(|panic| {
        tracing::error!(%request_id, panic = panic_text(panic.as_ref()), "a resolver panicked");
        internal_error_response(request_id)
    })
}

/// The response to an operation that failed for an internal reason.
pub(super) fn internal_error_response(request_id: &RequestId) -> Response {
    let nowhere = ServerError::new("", None);
    Response::from_errors(vec![internal_error(&nowhere, request_id)])
}

/// Writes a GraphQL response as an HTTP body with its content type.
pub(super) fn json_body(media: MediaType, response: &Response) -> impl IntoResponse + use<> {
    (ContentType(media), Body::from(to_json(&SerializedResponse(response))))
}

/// Writes a value as JSON. A large text is copied, because a string that has grown can occupy twice the memory it
/// needs.
pub(super) fn to_json(value: &impl Serialize) -> String {
    // Writing maps, strings and numbers into memory cannot fail.
    let json = serde_json::to_string(value).unwrap_or_default();
    if json.len() > LARGE { json.as_str().to_owned() } else { json }
}

/// Texts longer than this, in bytes, are copied to save memory.
const LARGE: usize = 512 * 1024;

/// Writes a response with the function `write`.
///
/// A large response has a permit. It is written on a blocking thread, so that the threads that serve requests stay
/// free. The permit is returned afterwards, because from then on the listener counts the bytes.
pub(super) async fn write_then_return_permit<T: Send + 'static>(
    permit: Option<LargeResponsePermit>,
    write: impl FnOnce() -> T + Send + 'static,
) -> T {
    let Some(permit) = permit else { return write() };
    let writing = spawn_blocking(move || {
        let written = write();
        drop(permit);
        written
    });
    match writing.await.map_err(JoinError::try_into_panic) {
        Ok(written) => written,
        Err(Ok(panic)) => resume_unwind(panic),
        // The runtime is stopping, and this task ends with it.
        Err(Err(_)) => pending().await,
    }
}

/// A response in the form in which it is sent: errors first, and `data` only if something was executed.
pub(super) struct SerializedResponse<'a>(pub(super) &'a Response);

impl Serialize for SerializedResponse<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Response { data, extensions, errors, .. } = self.0;
        let mut map = serializer.serialize_map(None)?;
        if !errors.is_empty() {
            map.serialize_entry("errors", errors)?;
        }
        if !is_request_error(self.0) {
            map.serialize_entry("data", data)?;
        }
        if !BTreeMap::is_empty(extensions) {
            map.serialize_entry("extensions", extensions)?;
        }
        map.end()
    }
}

struct ContentType(MediaType);

impl IntoResponseParts for ContentType {
    type Error = std::convert::Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Self::Error> {
        parts.headers_mut().insert(CONTENT_TYPE, self.0.content_type());
        Ok(parts)
    }
}

/// The code of an error, if it has one.
pub(super) fn find_error_code(error: &ServerError) -> Option<&str> {
    match error.extensions.as_ref()?.get("code")? {
        Value::String(code) => Some(code),
        _ => None,
    }
}

/// Whether an error is about an argument that could not be parsed.
///
/// The library finds these errors during execution, and only their wording distinguishes them. An error from our own
/// code (through `?`) has a source, and these have none.
fn is_input_error(error: &ServerError) -> bool {
    let wordings = [r#"Failed to parse ""#, r#"Expected input type ""#];
    error.source.is_none() && wordings.iter().any(|wording| error.message.starts_with(wording))
}

/// An error with the location and path of `hidden`, but without its message.
fn internal_error(hidden: &ServerError, request_id: &RequestId) -> ServerError {
    let mut error = ServerError::new("internal error", None);
    (error.locations, error.path) = (hidden.locations.clone(), hidden.path.clone());
    set_code(&mut error.extensions, "INTERNAL");
    error.extensions.get_or_insert_default().set("requestId", request_id.0.as_str());
    error
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no text")
}
