//! Runs a mutation to its end, even if the client disconnects.
//!
//! 1. A query is dropped when its client has disconnected or its timeout has passed.
//! 2. A mutation that has begun is never dropped: it runs in its own task, and a server that stops waits for it. The
//!    timeout applies to the response only, which then is the error of the timeout.
//! 3. After a panic the response is an internal error (`Err`).

use std::sync::Arc;

use async_graphql::{Executor, Request, Response};
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;

use super::{
    Endpoint, RequestId,
    response::{catch_panics, internal_error_response},
};
use crate::graphql::limits::{MutationDeadline, mutation_timed_out};

impl<E: Executor> Endpoint<E> {
    /// Runs a mutation and returns its response. `Err` is the response after a panic.
    pub(super) async fn carry_out_mutation(
        self: &Arc<Self>,
        request: Request,
        request_id: &RequestId,
    ) -> Result<Response, Response> {
        let within = self.options.query_timeout;
        let deadline = Instant::now() + within;
        // The limits of the operation use the same deadline: after the response, no further field begins.
        let request = request.data(MutationDeadline(deadline));
        let (endpoint, id) = (self.clone(), request_id.clone());
        let mutation = async move { catch_panics(endpoint.executor.execute(request), &id).await };
        let task = self.options.running.spawn(mutation.in_current_span());
        match timeout_at(deadline, task).await {
            Ok(Ok(outcome)) => outcome,
            // This does not happen while the runtime works: the task catches panics, and nobody aborts it.
            Ok(Err(_)) => Err(internal_error_response(request_id)),
            Err(_) => Ok(Response::from_errors(vec![mutation_timed_out(within)])),
        }
    }
}
