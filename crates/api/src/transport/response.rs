//! What an operation's outcome looks like to the client: errors coded or masked, `data` left out where the
//! request never ran. All transports answer through here.

use std::{
    any::Any,
    collections::BTreeMap,
    future::{Future, pending},
    panic::{AssertUnwindSafe, resume_unwind},
};

use async_graphql::{ErrorExtensionValues, Response, ServerError, Value};
use axum::{
    body::Body,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, IntoResponseParts, ResponseParts},
};
use futures::FutureExt;
use serde::{Serialize, Serializer, ser::SerializeMap};
use tokio::task::{JoinError, spawn_blocking};

use super::{RequestId, accept::MediaType};
use crate::graphql::limits::{AnswerPermit, bound_errors};

/// Whether the request failed before anything was executed (the specification's *request error*).
pub(super) fn is_request_error(response: &Response) -> bool {
    response.is_err()
        && response.data == Value::Null
        && response.errors.iter().all(|error| error.path.is_empty())
}

/// Gives every error a code, and hides the text of those nobody coded: they are logged under the request's id. Of too many
/// errors only the first are left.
pub(super) fn finish(mut response: Response, request_id: &RequestId) -> Response {
    let before_execution = is_request_error(&response);
    bound_errors(&mut response.errors);
    for error in &mut response.errors {
        if code(error).is_some() {
            continue;
        }
        if before_execution {
            set_code(error, "GRAPHQL_VALIDATION_FAILED");
        } else if is_about_input(error) {
            set_code(error, "BAD_USER_INPUT");
        } else {
            tracing::error!(%request_id, path = ?error.path, error = %error.message, "a resolver failed");
            *error = internal_error(error, request_id);
        }
    }
    response
}

/// Runs an operation; a panic in a resolver becomes an internal error.
pub(super) async fn catching_panics<T>(
    operation: impl Future<Output = T>,
    request_id: &RequestId,
) -> Result<T, Response> {
    AssertUnwindSafe(operation).catch_unwind().await.map_err(|panic| {
        tracing::error!(%request_id, panic = panic_text(panic.as_ref()), "a resolver panicked");
        internal_error_response(request_id)
    })
}

/// The answer to an operation that did not come to its end.
pub(super) fn internal_error_response(request_id: &RequestId) -> Response {
    let nowhere = ServerError::new("", None);
    Response::from_errors(vec![internal_error(&nowhere, request_id)])
}

/// A GraphQL response as a body with its content type.
pub(super) fn body(media: MediaType, response: &Response) -> impl IntoResponse + use<> {
    (ContentType(media), Body::from(to_json(&Answer(response))))
}

/// A value as JSON. A large text is copied, because one that has grown may hold twice the memory that it needs.
pub(super) fn to_json(value: &impl Serialize) -> String {
    // Serializing maps, strings and numbers into memory cannot fail.
    let json = serde_json::to_string(value).unwrap_or_default();
    if json.len() > LARGE { json.as_str().to_owned() } else { json }
}

/// From this size on memory counts for more than a copy, in bytes.
const LARGE: usize = 512 * 1024;

/// Writes an answer with `write`. A large one, which has a permit, is written away from the threads that serve requests,
/// and its permit is returned: from then on the listener counts its bytes.
pub(super) async fn written<T: Send + 'static>(
    permit: Option<AnswerPermit>,
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
        // The runtime stops, and this task with it.
        Err(Err(_)) => pending().await,
    }
}

/// A response as it is sent: errors first, `data` only if something was executed.
pub(super) struct Answer<'a>(pub(super) &'a Response);

impl Serialize for Answer<'_> {
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
pub(super) fn code(error: &ServerError) -> Option<&str> {
    match error.extensions.as_ref()?.get("code")? {
        Value::String(code) => Some(code),
        _ => None,
    }
}

fn set_code(error: &mut ServerError, code: &str) {
    error.extensions.get_or_insert_with(ErrorExtensionValues::default).set("code", code);
}

/// Arguments that do not parse are found while executing, and the library marks them by their wording alone.
/// An error that came out of our own code through `?` carries its source.
fn is_about_input(error: &ServerError) -> bool {
    let wordings = [r#"Failed to parse ""#, r#"Expected input type ""#];
    error.source.is_none() && wordings.iter().any(|wording| error.message.starts_with(wording))
}

/// The same place in the query, but nothing of what went wrong.
fn internal_error(hidden: &ServerError, request_id: &RequestId) -> ServerError {
    let mut error = ServerError::new("internal error", None);
    (error.locations, error.path) = (hidden.locations.clone(), hidden.path.clone());
    set_code(&mut error, "INTERNAL");
    error
        .extensions
        .get_or_insert_with(ErrorExtensionValues::default)
        .set("requestId", request_id.0.as_str());
    error
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no text")
}
