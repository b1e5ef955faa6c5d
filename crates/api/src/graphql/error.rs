//! Errors of a request as a whole. What a mutation's caller may expect to go wrong is in `outcome` instead.

use std::fmt::Display;

use app::Caller;
use async_graphql::{Context, Error, ErrorExtensions, Result};
use domain::Refusal;

/// An error with a code for programs.
pub(super) fn coded(code: &'static str, message: impl Into<String>) -> Error {
    Error::new(message).extend_with(|_, extensions| extensions.set("code", code))
}

/// An argument that cannot be right.
pub(super) fn bad_input(field: &str, message: impl Display) -> Error {
    coded("BAD_INPUT", format!("{field}: {message}"))
        .extend_with(|_, extensions| extensions.set("field", field))
}

/// A field that is not for the caller's role. One that may not be null takes what it is a part of with it.
pub(super) fn not_for(caller: &Caller, field: &str) -> Error {
    coded("FORBIDDEN", format!("{field}: the role {} may not see this", caller.actor.kind))
        .extend_with(|_, extensions| extensions.set("field", field))
}

/// A cursor that was not made for this list.
pub(super) fn bad_cursor() -> Error {
    coded("BAD_CURSOR", "this cursor is not one of this list")
}

/// A failure the caller could not expect: logged here, once, with everything; told with nothing but a code.
pub(super) fn failed(ctx: &Context<'_>, error: &app::Error) -> Error {
    let request_id = ctx.data_opt::<Caller>().and_then(|caller| caller.request_id.as_deref());
    log(request_id, error);
    mask_error(request_id, error)
}

/// Writes a failure down. A refusal is none.
pub(super) fn log(request_id: Option<&str>, error: &app::Error) {
    match error {
        app::Error::Refused(_) | app::Error::KeyReused | app::Error::TooManyOrders { .. } => {}
        app::Error::Failed(_) | app::Error::BrokenOff | app::Error::Stopping => {
            tracing::error!(request_id, error = error as &dyn std::error::Error, "a request failed");
        }
    }
}

/// What the caller is told of an error that was logged already.
pub(super) fn mask_error(request_id: Option<&str>, error: &app::Error) -> Error {
    let error = match error {
        app::Error::Refused(refusal) => return refused(refusal),
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

/// A refusal where the schema has no member for it.
fn refused(refusal: &Refusal) -> Error {
    match refusal {
        Refusal::InvalidInput { field, message } => bad_input(field, message),
        Refusal::Forbidden(message) => coded("FORBIDDEN", message),
        Refusal::NotFound(_) => coded("NOT_FOUND", refusal.to_string()),
        Refusal::VersionConflict { .. } => coded("VERSION_CONFLICT", refusal.to_string()),
        Refusal::InvalidTransition { .. } | Refusal::OverAllocated { .. } | Refusal::Shipment { .. } => {
            coded("REFUSED", refusal.to_string())
        }
    }
}

/// The answer of a use case, its failure turned into an error of the request.
pub(super) fn answer<T>(ctx: &Context<'_>, result: app::Result<T>) -> Result<T> {
    result.map_err(|error| failed(ctx, &error))
}
