//! A client of `graphql-transport-ws`, small: one socket, any number of subscriptions.
//!
//! <https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md>

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};

use crate::{http::Client, wait::within};

/// What the tests look at in an update of an order.
const UPDATES: &str = "subscription($id: ID!, $after: String) { orderUpdated(orderId: $id, after: $after) {
    cursor event { version fromStatus toStatus requestId }
    order { id version status progress { summary } shipments { trackingNumber status } } } }";

/// An open socket whose caller was recognised.
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Socket {
    /// Connects as this caller, to the server it calls.
    pub async fn open(client: &Client) -> Self {
        let url = format!("{}/graphql", client.url().replacen("http", "ws", 1));
        let mut request = url.into_client_request().expect("an address");
        let protocol = HeaderValue::from_static("graphql-transport-ws");
        request.headers_mut().insert("sec-websocket-protocol", protocol);
        let (stream, _) = within("a socket", connect_async(request)).await.expect("the server takes sockets");
        let mut socket = Self { stream };
        let payload = json!({"authorization": format!("Bearer {}", client.token())});
        socket.send(json!({"type": "connection_init", "payload": payload})).await;
        assert_eq!(socket.message().await["type"], "connection_ack");
        socket
    }

    /// Follows an order, from a cursor if there is one. Its updates come under the order's id.
    pub async fn follow(&mut self, order: &str, after: Option<&str>) {
        let payload = json!({"query": UPDATES, "variables": {"id": order, "after": after}});
        self.send(json!({"type": "subscribe", "id": order, "payload": payload})).await;
    }

    /// The next update, whichever order it is about.
    pub async fn update(&mut self) -> Value {
        let mut message = self.message().await;
        assert_eq!(message["type"], "next", "{message}");
        assert!(message["payload"].get("errors").is_none(), "{message}");
        message["payload"]["data"]["orderUpdated"].take()
    }

    /// Waits until the server closes, and gives its close code.
    pub async fn close_code(mut self) -> u16 {
        loop {
            match within("a close frame", self.stream.next()).await {
                Some(Ok(Message::Close(Some(frame)))) => return frame.code.into(),
                Some(Ok(_)) => {}
                other => panic!("the server went without a close frame: {other:?}"),
            }
        }
    }

    /// The next message that is none of the protocol's own heartbeats.
    async fn message(&mut self) -> Value {
        loop {
            let message = within("a message on the socket", self.stream.next()).await;
            let text = match message.expect("the socket is open").expect("the socket works") {
                Message::Text(text) => text,
                Message::Ping(_) | Message::Pong(_) => continue,
                other => panic!("instead of a message: {other:?}"),
            };
            let message: Value = serde_json::from_str(&text).expect("messages are JSON");
            if message["type"] != "ping" {
                return message;
            }
            self.send(json!({"type": "pong"})).await;
        }
    }

    async fn send(&mut self, message: Value) {
        self.stream.send(Message::text(message.to_string())).await.expect("the socket works");
    }
}
