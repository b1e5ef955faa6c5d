//! The messages of the protocol.

use async_graphql::{Request, Response, ServerError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{graphql::error::with_code, transport::response::SerializedResponse};

/// The messages of a client.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ClientMessage {
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
pub(in super::super) enum ServerMessage {
    ConnectionAck,
    Ping,
    Pong {
        #[serde(skip_serializing_if = "Option::is_none")]
        payload: Option<Map<String, Value>>,
    },
    Next {
        id: String,
        #[serde(serialize_with = "serialize_response")]
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
    /// The message that ends an operation because the memory for messages, or for results that wait, is used up.
    pub(in super::super) fn messages_wait(id: String) -> Self {
        Self::operation_error(
            id,
            "too many messages wait on all sockets, try again".to_owned(),
            "UNAVAILABLE",
        )
    }

    /// The message that ends an operation that could not run, or whose result could not be kept in memory.
    pub(super) fn operation_error(id: String, message: String, code: &str) -> Self {
        Self::Error { id, payload: vec![with_code(ServerError::new(message, None), code)] }
    }
}

fn serialize_response<S: serde::Serializer>(response: &Response, serializer: S) -> Result<S::Ok, S::Error> {
    SerializedResponse(response).serialize(serializer)
}
