//! Runs the operations of a WebSocket and queues their messages.
//!
//! Each operation runs in its own task. All tasks send their messages through one bounded channel, which serves them in
//! turn. So a busy subscription cannot block the others, and a slow client slows down only its own operations. When the
//! memory for waiting results is used up, an error takes the place of the message and ends the operation.

use std::sync::Arc;

use async_graphql::{Executor, Request, Response, parser::types::OperationType};
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::protocol::ServerMessage;
use crate::{
    graphql::limits::PermitSlot,
    listener::{Handle, Reservation},
    transport::{
        Endpoint, RequestContext, RequestId,
        response::{catch_panics, complete_errors, is_request_error, to_json, write_then_return_permit},
    },
};

/// A message of an operation that waits to be sent. A client can end an operation and use its id again; the number then
/// distinguishes late messages of the old operation from those of the new one.
pub(super) struct Outcome {
    pub(super) number: u64,
    pub(super) id: String,
    /// Whether it is the last message of the operation.
    pub(super) last: bool,
    pub(super) text: String,
    pub(super) _room: OwnedSemaphorePermit,
    pub(super) _kept: Option<Reservation>,
}

/// A message of an operation, as JSON.
struct Written {
    text: String,
    /// Whether it is the last message of the operation.
    ends: bool,
}

impl From<ServerMessage> for Written {
    fn from(message: ServerMessage) -> Self {
        Self { text: to_json(&message), ends: !matches!(message, ServerMessage::Next { .. }) }
    }
}

/// The sending side of one operation.
pub(super) struct Outbox {
    pub(super) id: String,
    pub(super) number: u64,
    pub(super) results: mpsc::Sender<Outcome>,
    pub(super) room: Arc<Semaphore>,
    /// All permits of `room`: see [`SocketLimits::waiting_bytes`].
    pub(super) most: usize,
    pub(super) handle: Option<Handle>,
}

impl Outbox {
    /// Waits until there is room and queues a message. `false`: it was the last one, or the WebSocket is closed.
    ///
    /// When the memory for waiting results is used up, it queues an error instead, which ends the operation.
    async fn queue_message(&self, Written { text, ends }: Written) -> bool {
        let kept = self.handle.as_ref().map(|handle| handle.reserve_result(text.len()));
        let (text, last, kept) = match kept {
            Some(None) => (Written::from(ServerMessage::messages_wait(self.id.clone())).text, true, None),
            kept => (text, ends, kept.flatten()),
        };
        // A message that is larger than the room takes all of it.
        let bytes = u32::try_from(text.len().min(self.most)).unwrap_or(u32::MAX);
        let Ok(room) = self.room.clone().acquire_many_owned(bytes).await else { return false };
        let (id, number) = (self.id.clone(), self.number);
        let outcome = Outcome { number, id, last, text, _room: room, _kept: kept };
        self.results.send(outcome).await.is_ok() && !last
    }
}

/// Runs one operation to its end. It queues any number of `next` messages and then `complete`, or one `error`.
pub(super) async fn run_operation<E: Executor>(
    endpoint: Arc<Endpoint<E>>,
    request: Request,
    context: RequestContext,
    outbox: Outbox,
) {
    let request_id = &context.request_id;
    let id = || outbox.id.clone();
    let prepared = match endpoint.options.documents.prepare_off_thread_if_long(request).await {
        Ok(prepared) => prepared,
        Err(errors) => {
            let payload = complete_errors(Response::from_errors(errors), request_id).errors;
            outbox.queue_message(ServerMessage::Error { id: id(), payload }.into()).await;
            return;
        }
    };
    let operation_type = prepared.operation_type;
    let (request, completion) = prepared.split();
    let permit = PermitSlot::default();
    let request = (endpoint.options.data)(request, &context).data(permit.clone());
    let mut responses = match operation_type {
        OperationType::Mutation => stream_mutation(endpoint, request, request_id.clone()),
        OperationType::Query | OperationType::Subscription => endpoint.executor.execute_stream(request, None),
    };
    let mut first = true;
    loop {
        let message = match catch_panics(responses.next(), request_id).await {
            Ok(Some(response)) if first && is_request_error(&response) => {
                ServerMessage::Error { id: id(), payload: complete_errors(response, request_id).errors }
                    .into()
            }
            Ok(Some(response)) => {
                let (id, request_id, completion) = (id(), request_id.clone(), completion.clone());
                let write = move || {
                    let payload =
                        Box::new(complete_errors(completion.complete_response(response), &request_id));
                    Written::from(ServerMessage::Next { id, payload })
                };
                write_then_return_permit(permit.take_permit(), write).await
            }
            Ok(None) => ServerMessage::Complete { id: id() }.into(),
            Err(panicked) => ServerMessage::Error { id: id(), payload: panicked.errors }.into(),
        };
        first = false;
        if !outbox.queue_message(message).await {
            return;
        }
    }
}

/// Runs a mutation, as a stream with its one response.
fn stream_mutation<E: Executor>(
    endpoint: Arc<Endpoint<E>>,
    request: Request,
    request_id: RequestId,
) -> BoxStream<'static, Response> {
    let answer = async move {
        match endpoint.carry_out_mutation(request, &request_id).await {
            Ok(response) | Err(response) => response,
        }
    };
    stream::once(answer).boxed()
}
