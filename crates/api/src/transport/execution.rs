//! Running a mutation to its end, whatever becomes of its caller.
//!
//! A query is dropped when its caller is gone or its deadline has passed. A mutation that has begun is not: it runs in a task
//! of its own, so that it is carried out whole, and a server that stops waits for it. Only the answer has a deadline.

use std::sync::Arc;

use async_graphql::{Executor, Request, Response};
use tokio::time::timeout;
use tracing::Instrument;

use super::{
    Endpoint, RequestId,
    response::{catching_panics, internal_error_response},
};
use crate::graphql::limits::timed_out;

impl<E: Executor> Endpoint<E> {
    /// Runs a mutation. The error is the answer after a panic.
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
            // The task catches panics, and nobody aborts it while the runtime lives.
            Ok(Err(_)) => Err(internal_error_response(request_id)),
            Err(_) => Ok(Response::from_errors(vec![timed_out(within, true)])),
        }
    }
}
