//! The messages and rules of the protocol `graphql-transport-ws`, without IO. [`Session::receive`] takes one text
//! message and returns the [`Step`] that follows from it.

use std::collections::HashMap;

use async_graphql::{Request, Response, ServerError};
use axum::extract::ws::CloseFrame;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    auth::{AuthError, Bearer},
    transport::response::SerializedResponse,
};

/// The protocol state of one WebSocket. `H` is the handle of a running operation; dropping it stops the operation.
pub(super) struct Session<H> {
    phase: Phase,
    /// The running operations, by the ids that the client chose.
    pub(super) operations: HashMap<String, H>,
    max_operations: usize,
    /// How many more messages the client may send before `connection_init`.
    before_init: usize,
}

enum Phase {
    /// The server waits for `connection_init`.
    Opened,
    /// The server has authenticated the client and sent `connection_ack`.
    Ready(Bearer),
}

/// What the connection has to do next.
pub(super) enum Step {
    /// Nothing.
    Continue,
    /// Send this message.
    Send(ServerMessage),
    /// Run this operation, and put its handle into [`Session::operations`] under this id.
    Start { id: String, request: Box<Request> },
    /// Close the connection.
    Close(Close),
}

impl<H> Session<H> {
    pub(super) fn new(max_operations: usize, before_init: usize) -> Self {
        Self { phase: Phase::Opened, operations: HashMap::new(), max_operations, before_init }
    }

    /// The authenticated client; `None` before `connection_ack`.
    pub(super) fn bearer(&self) -> Option<&Bearer> {
        match &self.phase {
            Phase::Opened => None,
            Phase::Ready(bearer) => Some(bearer),
        }
    }

    /// Handles one text message. For `connection_init`, it calls `authenticate` with the token in the payload, if there
    /// is one.
    pub(super) fn receive(
        &mut self,
        text: &str,
        authenticate: impl FnOnce(Option<&str>) -> Result<Bearer, AuthError>,
    ) -> Step {
        let message = match serde_json::from_str(text) {
            Ok(message) => message,
            Err(error) => return Step::Close(Close::InvalidMessage(error.to_string())),
        };
        let step = match (message, &self.phase) {
            (ClientMessage::ConnectionInit { payload }, Phase::Opened) => {
                match authenticate(payload.as_ref().and_then(authorization)) {
                    Ok(bearer) => {
                        self.phase = Phase::Ready(bearer);
                        Step::Send(ServerMessage::ConnectionAck)
                    }
                    Err(error) => Step::Close(Close::Forbidden(error)),
                }
            }
            (ClientMessage::ConnectionInit { .. }, Phase::Ready(_)) => Step::Close(Close::TooManyInit),
            (ClientMessage::Subscribe { .. }, Phase::Opened) => Step::Close(Close::Unauthorized),
            (ClientMessage::Subscribe { id, payload }, Phase::Ready(_)) => self.subscribe(id, payload),
            (_, Phase::Opened) if self.before_init == 0 => {
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

    fn subscribe(&self, id: String, request: Box<Request>) -> Step {
        if id.is_empty() {
            return Step::Close(Close::InvalidMessage("the id is empty".to_owned()));
        }
        if self.operations.contains_key(&id) {
            return Step::Close(Close::IdInUse(id));
        }
        if self.operations.len() >= self.max_operations {
            let message = format!("more than {} operations at once on one connection", self.max_operations);
            return Step::Send(ServerMessage::error(id, message, "TOO_MANY_OPERATIONS"));
        }
        Step::Start { id, request }
    }
}

/// The token in the payload of `connection_init`, under `authorization` or `Authorization`.
fn authorization(payload: &Map<String, Value>) -> Option<&str> {
    payload.get("authorization").or_else(|| payload.get("Authorization")).and_then(Value::as_str)
}

/// The messages of a client.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ClientMessage {
    ConnectionInit {
        payload: Option<Map<String, Value>>,
    },
    Ping {
        payload: Option<Map<String, Value>>,
    },
    #[allow(dead_code, reason = "checked for its shape, then ignored")]
    Pong {
        payload: Option<Map<String, Value>>,
    },
    Subscribe {
        id: String,
        payload: Box<Request>,
    },
    Complete {
        id: String,
    },
}

/// The messages of the server.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ServerMessage {
    ConnectionAck,
    Ping,
    Pong {
        #[serde(skip_serializing_if = "Option::is_none")]
        payload: Option<Map<String, Value>>,
    },
    Next {
        id: String,
        #[serde(serialize_with = "answer")]
        payload: Box<Response>,
    },
    Error {
        id: String,
        payload: Vec<ServerError>,
    },
    Complete {
        id: String,
    },
}

impl ServerMessage {
    /// The message that ends an operation that could not run, or whose result could not be kept in memory.
    pub(super) fn error(id: String, message: String, code: &str) -> Self {
        let mut error = ServerError::new(message, None);
        error.extensions.get_or_insert_default().set("code", code);
        Self::Error { id, payload: vec![error] }
    }
}

fn answer<S: serde::Serializer>(response: &Response, serializer: S) -> Result<S::Ok, S::Error> {
    SerializedResponse(response).serialize(serializer)
}

/// Why the server closes a connection. The messages are the reasons in close frames. Where the protocol's reference
/// server has a message for the case, it is the same.
#[derive(Debug, thiserror::Error)]
pub(super) enum Close {
    #[error("The server is stopping")]
    Stopping,
    #[error("{0}")]
    Violation(String),
    #[error("A text message is not UTF-8")]
    NotText,
    #[error("The message is too large")]
    TooLarge,
    #[error("Too many sockets or messages, try again later")]
    Busy,
    #[error("Invalid message: {0}")]
    InvalidMessage(String),
    #[error("Unauthorized")]
    Unauthorized,
    #[error("Forbidden: {0}")]
    Forbidden(AuthError),
    #[error("Subprotocol not acceptable")]
    Subprotocol,
    #[error("Connection initialisation timeout")]
    InitTimeout,
    #[error("Subscriber for {0} already exists")]
    IdInUse(String),
    #[error("Too many initialisation requests")]
    TooManyInit,
    #[error("A message did not come in time")]
    MessageTimeout,
    #[error("The client reads too slowly")]
    TooSlow,
    #[error("No sign of life")]
    Silent,
}

impl Close {
    /// The maximum length of the reason in a close frame, in bytes (RFC 6455, section 5.5).
    const MAX_REASON_BYTES: usize = 123;

    fn code(&self) -> u16 {
        match self {
            Self::Stopping => 1001,
            Self::Violation(_) => 1002,
            Self::NotText => 1007,
            Self::TooLarge => 1009,
            Self::Busy => 1013,
            Self::InvalidMessage(_) => 4400,
            Self::Unauthorized => 4401,
            Self::Forbidden(_) => 4403,
            Self::Subprotocol => 4406,
            Self::InitTimeout => 4408,
            Self::IdInUse(_) => 4409,
            Self::TooManyInit => 4429,
            Self::MessageTimeout => 4497,
            Self::TooSlow => 4498,
            Self::Silent => 4499,
        }
    }

    /// The close frame, with the reason cut to [`Self::MAX_REASON_BYTES`].
    pub(super) fn frame(&self) -> CloseFrame {
        let mut reason = self.to_string();
        reason.truncate(reason.floor_char_boundary(Self::MAX_REASON_BYTES));
        CloseFrame { code: self.code(), reason: reason.into() }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use domain::Actor;
    use serde_json::json;

    use super::*;

    const INIT: &str = r#"{"type":"connection_init"}"#;

    fn bearer() -> Bearer {
        Bearer { actor: Actor::SYSTEM, email: None, expires_at: DateTime::UNIX_EPOCH }
    }

    fn receive(session: &mut Session<()>, text: &str) -> Step {
        session.receive(text, |_| Ok(bearer()))
    }

    fn ready() -> Session<()> {
        let mut session = Session::new(2, 10);
        assert!(matches!(receive(&mut session, INIT), Step::Send(ServerMessage::ConnectionAck)));
        session
    }

    fn close_code(step: Step) -> Option<u16> {
        match step {
            Step::Close(close) => Some(close.code()),
            Step::Continue | Step::Send(_) | Step::Start { .. } => None,
        }
    }

    fn subscribe(id: &str) -> String {
        json!({"type": "subscribe", "id": id, "payload": {"query": "{ a }"}}).to_string()
    }

    #[test]
    fn what_is_no_message_closes_with_4400() {
        let long = format!(r#"{{"type":"{}"}}"#, "x".repeat(1000));
        let texts = [
            "nonsense",
            "[]",
            r#"{"type":"start"}"#,
            r#"{"type":"subscribe","id":"1"}"#,
            r#"{"type":"subscribe","id":1,"payload":{"query":"{a}"}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":7}}"#,
            r#"{"type":"ping","payload":"text"}"#,
            r#"{"type":"complete"}"#,
            long.as_str(),
        ];
        for text in texts {
            assert_eq!(close_code(receive(&mut ready(), text)), Some(4400), "{text}");
        }
        assert_eq!(close_code(receive(&mut ready(), &subscribe(""))), Some(4400));
    }

    #[test]
    fn the_order_of_the_opening_is_enforced() {
        assert_eq!(close_code(receive(&mut Session::new(2, 10), &subscribe("1"))), Some(4401));
        assert_eq!(close_code(receive(&mut ready(), INIT)), Some(4429));
        let refused = Session::<()>::new(2, 10).receive(INIT, |_| Err(AuthError::Missing));
        assert_eq!(close_code(refused), Some(4403));
    }

    #[test]
    fn the_payload_carries_the_token() {
        for name in ["authorization", "Authorization"] {
            let init = json!({"type": "connection_init", "payload": {name: "Bearer x"}}).to_string();
            let mut seen = None;
            Session::<()>::new(2, 10).receive(&init, |token| {
                seen = token.map(str::to_owned);
                Ok(bearer())
            });
            assert_eq!(seen.as_deref(), Some("Bearer x"));
        }
    }

    #[test]
    fn an_id_is_in_use_until_its_operation_ends() {
        let mut session = ready();
        assert!(matches!(receive(&mut session, &subscribe("1")), Step::Start { .. }));
        session.operations.insert("1".to_owned(), ());
        assert_eq!(close_code(receive(&mut session, &subscribe("1"))), Some(4409));
        assert!(matches!(receive(&mut session, r#"{"type":"complete","id":"1"}"#), Step::Continue));
        assert!(matches!(receive(&mut session, &subscribe("1")), Step::Start { .. }));
        assert!(matches!(receive(&mut session, r#"{"type":"complete","id":"9"}"#), Step::Continue));
    }

    #[test]
    fn one_operation_too_many_is_refused_alone() {
        let mut session = ready();
        session.operations.extend([("1".to_owned(), ()), ("2".to_owned(), ())]);
        let Step::Send(message) = receive(&mut session, &subscribe("3")) else { panic!("no answer") };
        let sent = serde_json::to_value(message).unwrap();
        assert_eq!(sent["type"], "error");
        assert_eq!(sent["payload"][0]["extensions"]["code"], "TOO_MANY_OPERATIONS");
    }

    #[test]
    fn ping_is_answered_with_its_payload_at_any_time() {
        let mut session = Session::new(2, 10);
        let Step::Send(pong) = receive(&mut session, r#"{"type":"ping","payload":{"a":1}}"#) else {
            panic!()
        };
        assert_eq!(serde_json::to_value(pong).unwrap(), json!({"type": "pong", "payload": {"a": 1}}));
        let Step::Send(pong) = receive(&mut session, r#"{"type":"ping"}"#) else { panic!() };
        assert_eq!(serde_json::to_value(pong).unwrap(), json!({"type": "pong"}));
        assert!(matches!(receive(&mut session, r#"{"type":"pong"}"#), Step::Continue));
    }

    #[test]
    fn few_messages_may_come_before_the_opening() {
        let mut session = Session::new(2, 3);
        for _ in 0..3 {
            assert!(matches!(receive(&mut session, r#"{"type":"ping"}"#), Step::Send(_)));
        }
        assert_eq!(close_code(receive(&mut session, r#"{"type":"ping"}"#)), Some(4400));
        let mut session = Session::new(2, 0);
        assert!(matches!(receive(&mut session, INIT), Step::Send(ServerMessage::ConnectionAck)));
        assert!(matches!(receive(&mut session, r#"{"type":"ping"}"#), Step::Send(_)), "no bound after it");
    }

    #[test]
    fn a_reason_fits_into_its_frame() {
        let reason = Close::InvalidMessage("é".repeat(200)).frame().reason;
        assert!(reason.len() <= Close::MAX_REASON_BYTES && reason.ends_with('é'));
    }
}
