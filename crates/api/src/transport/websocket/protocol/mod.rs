//! The messages and rules of the protocol `graphql-transport-ws`, without IO. [`Session::handle_message`] takes one
//! text message and returns the [`Step`] that follows from it. It authenticates the client, and removes an operation
//! that the client has completed; all else is done by `connection`.
//! The bearer is `None` before `connection_ack`.

mod close;
mod message;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use async_graphql::Request;
use serde_json::{Map, Value};

use crate::auth::{AuthError, Bearer};
pub(super) use close::Close;
use message::ClientMessage;
pub(super) use message::ServerMessage;

/// The protocol state of one WebSocket. `H` is the handle of a running operation; dropping it stops the operation.
pub(super) struct Session<H> {
    /// The authenticated client; `None` before `connection_init`.
    bearer: Option<Bearer>,
    /// The running operations, by the ids that the client chose.
    pub(super) operations: HashMap<String, H>,
    max_operations: usize,
    /// How many more messages the client may send before `connection_init`.
    before_init: usize,
}

/// What the connection has to do next.
pub(super) enum Step {
    /// There is nothing to send.
    Continue,
    Send(ServerMessage),
    /// Run this operation, and put its handle into [`Session::operations`] under this id.
    Start {
        id: String,
        request: Box<Request>,
    },
    Close(Close),
}

impl<H> Session<H> {
    pub(super) fn new(max_operations: usize, before_init: usize) -> Self {
        Self { bearer: None, operations: HashMap::new(), max_operations, before_init }
    }

    /// The authenticated client; `None` before `connection_ack`.
    pub(super) fn bearer(&self) -> Option<&Bearer> {
        self.bearer.as_ref()
    }

    /// Handles one text message. For `connection_init`, it calls `authenticate` with the token in the payload, if there
    /// is one.
    pub(super) fn handle_message(
        &mut self,
        text: &str,
        authenticate: impl FnOnce(Option<&str>) -> Result<Bearer, AuthError>,
    ) -> Step {
        let message = match serde_json::from_str(text) {
            Ok(message) => message,
            Err(error) => return Step::Close(Close::InvalidMessage(error.to_string())),
        };
        let step = match (message, self.bearer.is_some()) {
            (ClientMessage::ConnectionInit { payload }, false) => {
                match authenticate(payload.as_ref().and_then(find_token)) {
                    Ok(bearer) => {
                        self.bearer = Some(bearer);
                        Step::Send(ServerMessage::ConnectionAck)
                    }
                    Err(error) => Step::Close(Close::Forbidden(error)),
                }
            }
            (ClientMessage::ConnectionInit { .. }, true) => Step::Close(Close::TooManyInit),
            (ClientMessage::Subscribe { .. }, false) => Step::Close(Close::Unauthorized),
            (ClientMessage::Subscribe { id, payload }, true) => self.handle_subscribe(id, payload),
            (_, false) if self.before_init == 0 => {
                Step::Close(Close::InvalidMessage("too many messages before connection_init".to_owned()))
            }
            (ClientMessage::Complete { id }, _) => {
                self.operations.remove(&id);
                Step::Continue
            }
            (ClientMessage::Ping { payload }, _) => Step::Send(ServerMessage::Pong { payload }),
            (ClientMessage::Pong { .. }, _) => Step::Continue,
        };
        self.before_init = self.before_init.saturating_sub(1);
        step
    }

    fn handle_subscribe(&self, id: String, request: Box<Request>) -> Step {
        if id.is_empty() {
            return Step::Close(Close::InvalidMessage("the id is empty".to_owned()));
        }
        if self.operations.contains_key(&id) {
            return Step::Close(Close::IdInUse(id));
        }
        if self.operations.len() >= self.max_operations {
            let message = format!("more than {} operations at once on one connection", self.max_operations);
            return Step::Send(ServerMessage::operation_error(id, message, "TOO_MANY_OPERATIONS"));
        }
        Step::Start { id, request }
    }
}

/// The token in the payload of `connection_init`, under `authorization` or `Authorization`.
fn find_token(payload: &Map<String, Value>) -> Option<&str> {
    payload.get("authorization").or_else(|| payload.get("Authorization")).and_then(Value::as_str)
}
