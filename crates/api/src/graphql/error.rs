//! GraphQL errors with codes. Refusals that the caller of a mutation can expect are not errors: see `outcome`. All
//! fields that read pass their answer of `app` through `convert_app_result`, which logs a failure. Nothing here panics.

use std::fmt::Display;

use app::Caller;
use async_graphql::{Context, Error, ErrorExtensionValues, ErrorExtensions, Result, ServerError};
use domain::Refusal;

use super::input_path::build_input_path;

/// Sets the code for programs, `extensions.code`, in the extensions of an error.
pub(crate) fn set_code(extensions: &mut Option<ErrorExtensionValues>, code: &str) {
    extensions.get_or_insert_default().set("code", code);
}

/// Adds a code to an error of a whole operation.
pub(crate) fn with_code(mut error: ServerError, code: &str) -> ServerError {
    set_code(&mut error.extensions, code);
    error
}

/// The error of a resolver, with a code.
pub(super) fn coded(code: &'static str, message: impl Into<String>) -> Error {
    let mut error = Error::new(message);
    set_code(&mut error.extensions, code);
    error
}

/// The error of an argument that is not valid. It names the argument in `extensions.field`.
pub(super) fn bad_input(field: &str, message: impl Display) -> Error {
    coded("BAD_INPUT", format!("{field}: {message}"))
        .extend_with(|_, extensions| extensions.set("field", field))
}

/// The error of a field that the caller's role may not read. If the field is non-null, the object around it becomes
/// null too.
pub(super) fn build_forbidden_error(caller: &Caller, field: &str) -> Error {
    coded("FORBIDDEN", format!("{field}: the role {} may not see this", caller.actor.kind))
        .extend_with(|_, extensions| extensions.set("field", field))
}

/// The error of a cursor that does not belong to this list.
pub(super) fn bad_cursor() -> Error {
    coded("BAD_CURSOR", "this cursor is not one of this list")
}

/// The error of a failure that the caller could not expect. The failure is logged here with all details. The caller
/// gets only a code and the id of the request.
pub(super) fn convert_error(ctx: &Context<'_>, error: &app::Error) -> Error {
    let request_id = ctx.data_opt::<Caller>().and_then(|caller| caller.request_id.as_deref());
    log_error(request_id, error);
    mask_error(request_id, error)
}

/// Logs a failure. Refusals are not logged.
pub(super) fn log_error(request_id: Option<&str>, error: &app::Error) {
    match error {
        app::Error::Refused(_) | app::Error::KeyReused | app::Error::TooManyOrders { .. } => {}
        app::Error::Failed(_) | app::Error::BrokenOff | app::Error::Stopping => {
            tracing::error!(request_id, error = error as &dyn std::error::Error, "a request failed");
        }
    }
}

/// The GraphQL error for an error that was logged before. It contains no details of a failure.
pub(super) fn mask_error(request_id: Option<&str>, error: &app::Error) -> Error {
    let error = match error {
        app::Error::Refused(refusal) => return convert_refusal(refusal),
        app::Error::KeyReused => return coded("BAD_INPUT", error.to_string()),
        app::Error::TooManyOrders { .. } => return coded("TOO_MANY_ORDERS", error.to_string()),
        app::Error::Failed(_) | app::Error::BrokenOff | app::Error::Stopping if error.retryable() => {
            coded("UNAVAILABLE", "this cannot be done at the moment: try again")
        }
        app::Error::Failed(_) | app::Error::BrokenOff | app::Error::Stopping => {
            coded("INTERNAL", "internal error")
        }
    };
    match request_id {
        Some(id) => error.extend_with(|_, extensions| extensions.set("requestId", id)),
        None => error,
    }
}

/// The error of a refusal where the schema has no result union with a member for it.
fn convert_refusal(refusal: &Refusal) -> Error {
    match refusal {
        Refusal::InvalidInput { field, message } => bad_input(&build_input_path(*field), message),
        Refusal::Forbidden(message) => coded("FORBIDDEN", message),
        Refusal::NotFound(_) => coded("NOT_FOUND", refusal.to_string()),
        Refusal::VersionConflict { .. } => coded("VERSION_CONFLICT", refusal.to_string()),
        Refusal::InvalidTransition { .. } | Refusal::OverAllocated { .. } | Refusal::Shipment { .. } => {
            coded("REFUSED", refusal.to_string())
        }
    }
}

/// Converts the error of a use case to a GraphQL error, and logs it if it is a failure.
pub(super) fn convert_app_result<T>(ctx: &Context<'_>, result: app::Result<T>) -> Result<T> {
    result.map_err(|error| convert_error(ctx, &error))
}
