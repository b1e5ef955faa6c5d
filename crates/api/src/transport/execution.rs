//! Runs a mutation to its end, even if the client disconnects.
//!
//! 1. A query is dropped when its client has disconnected or its timeout has passed.
//! 2. A mutation that has begun is never dropped: it runs in its own task, and a server that stops waits for it. The
//!    timeout applies to the response only.

use std::sync::Arc;

use async_graphql::{Executor, Request, Response};
use tokio::time::timeout;
use tracing::Instrument;

use super::{
    Endpoint, RequestId,
    response::{catching_panics, internal_error_response},
};
use crate::graphql::limits::mutation_timed_out;

impl<E: Executor> Endpoint<E> {
    /// Runs a mutation and returns its response. `Err` is the response after a panic.
    pub(super) async fn carry_out(
        self: &Arc<Self>,
        request: Request,
        request_id: &RequestId,
    ) -> Result<Response, Response> {
        let within = self.options.query_timeout;
        let (endpoint, id) = (self.clone(), request_id.clone());
        let mutation = async move { catching_panics(endpoint.executor.execute(request), &id).await };
        let task = self.options.running.spawn(mutation.in_current_span());
        match timeout(within, task).await {
            Ok(Ok(outcome)) => outcome,
            // This does not happen while the runtime works: the task catches panics, and nobody aborts it.
            Ok(Err(_)) => Err(internal_error_response(request_id)),
            Err(_) => Ok(Response::from_errors(vec![mutation_timed_out(within)])),
        }
    }
}
