//! A small client for `graphql-transport-ws`: one socket, any number of subscriptions.
//!
//! <https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md>

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{net::TcpStream, sync::mpsc, task::AbortHandle};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};

use crate::{http::Client, wait::within};

/// The subscription to an order, with the fields that tests need.
const UPDATES: &str = "subscription($id: ID!, $after: String) { orderUpdated(orderId: $id, after: $after) {
    cursor event { version fromStatus toStatus requestId }
    order { id version status progress { summary } shipments { trackingNumber status } } } }";

/// An open socket whose token the server has accepted. Dropping it ends the connection without a close frame.
pub struct Socket {
    outgoing: mpsc::UnboundedSender<Value>,
    incoming: mpsc::UnboundedReceiver<Received>,
    conversation: AbortHandle,
}

/// A message or the end, received from the server.
#[derive(Debug)]
enum Received {
    Message(Value),
    /// The code of the close frame; `None` if the server closed without one.
    End(Option<u16>),
}

impl Socket {
    /// Connects to the client's server with the client's token.
    pub async fn open(client: &Client) -> Self {
        let url = format!("{}/graphql", client.url().replacen("http", "ws", 1));
        let mut request = url.into_client_request().expect("an address");
        let protocol = HeaderValue::from_static("graphql-transport-ws");
        request.headers_mut().insert("sec-websocket-protocol", protocol);
        let (stream, _) = within("a socket", connect_async(request)).await.expect("the server takes sockets");
        let (outgoing, to_send) = mpsc::unbounded_channel();
        let (received, incoming) = mpsc::unbounded_channel();
        // A task of its own, because a client must answer heartbeats whatever the test is doing.
        let conversation = tokio::spawn(converse(stream, to_send, received)).abort_handle();
        let mut socket = Self { outgoing, incoming, conversation };
        let payload = json!({"authorization": format!("Bearer {}", client.token())});
        socket.send(json!({"type": "connection_init", "payload": payload}));
        assert_eq!(socket.message().await["type"], "connection_ack");
        socket
    }

    /// Subscribes to an order, from a cursor if one is given.
    pub fn follow(&mut self, order: &str, after: Option<&str>) {
        let payload = json!({"query": UPDATES, "variables": {"id": order, "after": after}});
        self.send(json!({"type": "subscribe", "id": order, "payload": payload}));
    }

    /// Returns the next update, of whichever order it is.
    pub async fn update(&mut self) -> Value {
        let mut message = self.message().await;
        assert_eq!(message["type"], "next", "{message}");
        assert!(message["payload"].get("errors").is_none(), "{message}");
        message["payload"]["data"]["orderUpdated"].take()
    }

    /// Waits until the server closes the socket. Returns the close code.
    pub async fn close_code(mut self) -> u16 {
        loop {
            match within("a close frame", self.incoming.recv()).await {
                Some(Received::End(Some(code))) => return code,
                Some(Received::Message(_)) => {}
                Some(Received::End(None)) | None => panic!("the server went without a close frame"),
            }
        }
    }

    async fn message(&mut self) -> Value {
        match within("a message on the socket", self.incoming.recv()).await {
            Some(Received::Message(message)) => message,
            Some(Received::End(code)) => panic!("the server closed the socket: {code:?}"),
            None => panic!("the socket is closed"),
        }
    }

    fn send(&self, message: Value) {
        self.outgoing.send(message).expect("the socket is open");
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.conversation.abort();
    }
}

/// Sends and receives messages until the server closes the socket. Answers heartbeats.
async fn converse(
    mut stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    mut to_send: mpsc::UnboundedReceiver<Value>,
    received: mpsc::UnboundedSender<Received>,
) {
    let end = loop {
        let answer = tokio::select! {
            Some(message) = to_send.recv() => message,
            message = stream.next() => match message {
                Some(Ok(Message::Text(text))) => {
                    let message: Value = serde_json::from_str(&text).expect("messages are JSON");
                    if message["type"] != "ping" {
                        received.send(Received::Message(message)).ok();
                        continue;
                    }
                    json!({"type": "pong"})
                }
                Some(Ok(Message::Close(frame))) => break frame.map(|frame| frame.code.into()),
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => break None,
            },
        };
        if stream.send(Message::text(answer.to_string())).await.is_err() {
            break None;
        }
    };
    // An error means that the test has dropped the socket.
    received.send(Received::End(end)).ok();
    // Read on until the connection ends: reading also sends our close frame.
    while let Some(Ok(_)) = stream.next().await {}
}
