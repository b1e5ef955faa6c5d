//! Opens a WebSocket, and closes it with the closing handshake.

use std::sync::Arc;

use async_graphql::Executor;
use axum::extract::ws::{Message, WebSocket};
use tokio::{
    sync::{Semaphore, mpsc},
    time::timeout,
};

use super::{
    SUBPROTOCOL, SocketLimits,
    connection::Connection,
    protocol::{Close, Session},
};
use crate::{
    listener::Handle,
    transport::{Endpoint, RequestId},
};

/// A WebSocket before its first message.
pub(super) struct Opening<E> {
    pub(super) endpoint: Arc<Endpoint<E>>,
    pub(super) request_id: RequestId,
    /// The `Authorization` header of the upgrade request. It is used when `connection_init` contains no token.
    pub(super) authorization: Option<String>,
    /// The HTTP connection of the WebSocket.
    pub(super) handle: Option<Handle>,
    /// Whether too many WebSockets are open, so that this one must be closed.
    pub(super) too_many: bool,
}

impl<E: Executor> Opening<E> {
    /// Serves a WebSocket until one side ends it.
    pub(super) async fn run(self, mut socket: WebSocket) {
        let limits = self.endpoint.options.socket_limits;
        let handle = self.handle.clone();
        let ended = if self.too_many {
            Ended::ByUs(Close::Busy)
        } else if socket.protocol().is_some_and(|chosen| chosen == SUBPROTOCOL) {
            let (results, waiting) = mpsc::channel(limits.waiting_results.max(1));
            let connection = Connection {
                socket: &mut socket,
                endpoint: self.endpoint,
                session: Session::new(limits.operations, limits.messages_before_init),
                request_id: self.request_id,
                authorization: self.authorization,
                handle: self.handle,
                results,
                room: Arc::new(Semaphore::new(limits.waiting_bytes)),
                started: 0,
            };
            let Err(ended) = connection.serve(waiting).await;
            ended
        } else {
            Ended::ByUs(Close::Subprotocol)
        };
        match ended {
            Ended::ByUs(close) => {
                // Read on after the close frame: unread bytes would reset the connection and destroy the frame.
                if let Some(handle) = handle {
                    handle.linger();
                }
                say_goodbye(socket, &close, limits).await;
            }
            Ended::ByClient => answer_goodbye(socket, limits).await,
            Ended::Broken(reason) => tracing::debug!(reason, "the socket broke"),
        }
    }
}

/// How a connection ended.
pub(super) enum Ended {
    ByUs(Close),
    ByClient,
    Broken(String),
}

/// Sends the close frame and waits for the client's, up to [`SocketLimits::close_within`].
async fn say_goodbye(mut socket: WebSocket, close: &Close, limits: SocketLimits) {
    let frame = close.frame();
    tracing::debug!(code = frame.code, reason = frame.reason.as_str(), "closing the socket");
    let within = limits.send_within + limits.close_within;
    match timeout(within, socket.send(Message::Close(Some(frame)))).await {
        Ok(Ok(())) => read_to_end(socket, limits).await,
        Ok(Err(error)) => {
            tracing::debug!(error = &error as &dyn std::error::Error, "the socket broke while closing")
        }
        Err(_) => tracing::debug!("the client did not take the close frame"),
    }
}

/// Replies to the client's close frame. The library has prepared the reply, and sends it when we read on.
async fn answer_goodbye(socket: WebSocket, limits: SocketLimits) {
    tracing::debug!("the client closed the socket");
    read_to_end(socket, limits).await;
}

async fn read_to_end(mut socket: WebSocket, limits: SocketLimits) {
    let end = async {
        while let Some(message) = socket.recv().await {
            message?;
        }
        Ok::<_, axum::Error>(())
    };
    match timeout(limits.close_within, end).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::debug!(error = &error as &dyn std::error::Error, "the socket broke while closing");
        }
        Err(_) => tracing::debug!("the client did not finish closing"),
    }
}
