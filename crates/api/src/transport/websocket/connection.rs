//! The loop around one socket: reads messages, starts and stops operations, sends their results.
//!
//! One task per operation, all into one bounded channel that admits them in turn: a busy subscription cannot starve
//! the others, and a slow client slows its own operations only. Dropping the session stops what still runs.

use std::{convert::Infallible, sync::Arc};

use async_graphql::{Executor, Request, Response};
use axum::extract::ws::{Message, WebSocket};
use futures::StreamExt;
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval, sleep, timeout},
};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

use super::{
    SUBPROTOCOL, SocketLimits,
    protocol::{Close, ServerMessage, Session, Step},
};
use crate::{
    auth::AuthError,
    transport::{
        Endpoint, MAX_BODY_BYTES, RequestContext, RequestId,
        response::{catching_panics, is_request_error, settle},
    },
};

/// Serves a socket until one side ends it.
pub(super) async fn run<E: Executor>(
    mut socket: WebSocket,
    endpoint: Arc<Endpoint<E>>,
    request_id: RequestId,
    authorization: Option<String>,
) {
    let limits = endpoint.options.socket_limits;
    let ended = if socket.protocol().is_some_and(|chosen| chosen == SUBPROTOCOL) {
        let (results, waiting) = mpsc::channel(limits.waiting_results.max(1));
        let session = Session::new(limits.operations);
        let connection = Connection {
            socket: &mut socket,
            endpoint,
            session,
            request_id,
            authorization,
            results,
            started: 0,
        };
        let Err(ended) = connection.serve(waiting).await;
        ended
    } else {
        Ended::ByUs(Close::Subprotocol)
    };
    match ended {
        Ended::ByUs(close) => say_goodbye(socket, &close, limits).await,
        Ended::ByClient => tracing::debug!("the client closed the socket"),
        Ended::Broken(reason) => tracing::debug!(reason, "the socket broke"),
    }
}

/// How a connection came to its end.
enum Ended {
    ByUs(Close),
    ByClient,
    Broken(String),
}

/// Sends the close frame and waits a little for the client's: closing at once could destroy ours on its way.
async fn say_goodbye(mut socket: WebSocket, close: &Close, limits: SocketLimits) {
    let frame = close.frame();
    tracing::debug!(code = frame.code, reason = frame.reason.as_str(), "closing the socket");
    let goodbye = async {
        socket.send(Message::Close(Some(frame))).await?;
        while let Some(message) = socket.recv().await {
            message?;
        }
        Ok::<_, axum::Error>(())
    };
    match timeout(limits.send_within, goodbye).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "the socket broke while closing"),
        Err(_) => tracing::debug!("the client did not answer the close frame"),
    }
}

struct Connection<'a, E> {
    socket: &'a mut WebSocket,
    endpoint: Arc<Endpoint<E>>,
    session: Session<Operation>,
    request_id: RequestId,
    /// The header of the upgrade, used when `connection_init` brings no token.
    authorization: Option<String>,
    results: mpsc::Sender<Outcome>,
    /// How many operations this connection has started.
    started: u64,
}

/// A running operation; dropped, it stops.
struct Operation {
    number: u64,
    _task: AbortOnDropHandle<()>,
}

/// A message of an operation. The number tells a late one from those of a new operation with the same id.
struct Outcome {
    number: u64,
    message: ServerMessage,
}

impl<E: Executor> Connection<'_, E> {
    /// Runs until something ends the connection.
    async fn serve(mut self, mut waiting: mpsc::Receiver<Outcome>) -> Result<Infallible, Ended> {
        let limits = self.endpoint.options.socket_limits;
        let stop = self.endpoint.options.stop.clone();
        let init_deadline = sleep(limits.init_within);
        tokio::pin!(init_deadline);
        let mut checks = interval(limits.check_every);
        checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut heard_at, mut pinged_at) = (Instant::now(), Instant::now());
        loop {
            tokio::select! {
                () = stop.cancelled() => return Err(Ended::ByUs(Close::Stopping)),
                () = &mut init_deadline, if self.session.bearer().is_none() => {
                    return Err(Ended::ByUs(Close::InitTimeout));
                }
                received = self.socket.recv() => {
                    heard_at = Instant::now();
                    self.received(received).await?;
                }
                Some(outcome) = waiting.recv() => self.forward(outcome).await?,
                now = checks.tick() => {
                    self.check_token()?;
                    if now.duration_since(heard_at) >= limits.ping_every * 2 {
                        return Err(Ended::ByUs(Close::Silent));
                    }
                    if now.duration_since(pinged_at) >= limits.ping_every && self.session.bearer().is_some() {
                        pinged_at = now;
                        self.send(&ServerMessage::Ping).await?;
                    }
                }
            }
        }
    }

    async fn received(&mut self, received: Option<Result<Message, axum::Error>>) -> Result<(), Ended> {
        match received {
            None | Some(Ok(Message::Close(_))) => Err(Ended::ByClient),
            Some(Err(error)) => Err(Ended::Broken(error.to_string())),
            // axum answers these by itself.
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(()),
            Some(Ok(Message::Binary(_))) => {
                Err(Ended::ByUs(Close::InvalidMessage("binary messages are not understood".to_owned())))
            }
            Some(Ok(Message::Text(text))) if text.len() > MAX_BODY_BYTES => Err(Ended::ByUs(Close::TooLarge)),
            Some(Ok(Message::Text(text))) => self.step(&text).await,
        }
    }

    async fn step(&mut self, text: &str) -> Result<(), Ended> {
        let options = &self.endpoint.options;
        let header = self.authorization.as_deref();
        let step = self
            .session
            .receive(text, |payload| options.tokens.authenticate(payload.or(header), options.clock.now()));
        match step {
            Step::Continue => Ok(()),
            Step::Send(message) => self.send(&message).await,
            Step::Close(close) => Err(Ended::ByUs(close)),
            Step::Start { id, request } => {
                self.check_token()?;
                self.start(id, *request);
                Ok(())
            }
        }
    }

    fn start(&mut self, id: String, request: Request) {
        let Some(bearer) = self.session.bearer() else { return };
        self.started += 1;
        let number = self.started;
        let request_id = RequestId(format!("{}.{number}", self.request_id));
        let context = RequestContext { actor: bearer.actor.clone(), request_id };
        let span = tracing::info_span!("operation", request_id = %context.request_id);
        let operation =
            operate(self.endpoint.clone(), request, context, id.clone(), number, self.results.clone());
        let task = AbortOnDropHandle::new(tokio::spawn(operation.instrument(span)));
        self.session.operations.insert(id, Operation { number, _task: task });
    }

    /// Sends an operation's message, unless the client has ended that operation meanwhile.
    async fn forward(&mut self, outcome: Outcome) -> Result<(), Ended> {
        let (id, last) = match &outcome.message {
            ServerMessage::Next { id, .. } => (id, false),
            ServerMessage::Error { id, .. } | ServerMessage::Complete { id } => (id, true),
            ServerMessage::ConnectionAck | ServerMessage::Ping | ServerMessage::Pong { .. } => return Ok(()),
        };
        if self.session.operations.get(id).is_none_or(|operation| operation.number != outcome.number) {
            return Ok(());
        }
        if last {
            self.session.operations.remove(id);
        }
        self.send(&outcome.message).await
    }

    async fn send(&mut self, message: &ServerMessage) -> Result<(), Ended> {
        let within = self.endpoint.options.socket_limits.send_within;
        let text = serde_json::to_string(message).map_err(|error| Ended::Broken(error.to_string()))?;
        match timeout(within, self.socket.send(Message::text(text))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Ended::Broken(error.to_string())),
            Err(_) => Err(Ended::Broken("the client reads too slowly".to_owned())),
        }
    }

    /// A connection lives no longer than its token, whatever runs on it.
    fn check_token(&self) -> Result<(), Ended> {
        match self.session.bearer() {
            Some(bearer) if bearer.expires_at <= self.endpoint.options.clock.now() => {
                Err(Ended::ByUs(Close::Forbidden(AuthError::Expired(bearer.expires_at))))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// Runs one operation to its end, as `next…` and `complete`, or one `error`.
async fn operate<E: Executor>(
    endpoint: Arc<Endpoint<E>>,
    request: Request,
    context: RequestContext,
    id: String,
    number: u64,
    results: mpsc::Sender<Outcome>,
) {
    let request_id = &context.request_id;
    let (request, completion) = match endpoint.options.documents.prepare(request) {
        Ok(prepared) => prepared.split(),
        Err(errors) => {
            let payload = settle(Response::from_errors(errors), request_id).errors;
            let message = ServerMessage::Error { id, payload };
            // The receiver is gone when the connection is.
            let _ = results.send(Outcome { number, message }).await;
            return;
        }
    };
    let request = (endpoint.options.data)(request, &context);
    let mut responses = endpoint.executor.execute_stream(request, None);
    let mut first = true;
    loop {
        let (message, last) = match catching_panics(responses.next(), request_id).await {
            Ok(Some(response)) if first && is_request_error(&response) => {
                let payload = settle(response, request_id).errors;
                (ServerMessage::Error { id: id.clone(), payload }, true)
            }
            Ok(Some(response)) => {
                let payload = Box::new(settle(completion.complete(response), request_id));
                (ServerMessage::Next { id: id.clone(), payload }, false)
            }
            Ok(None) => (ServerMessage::Complete { id: id.clone() }, true),
            Err(panicked) => (ServerMessage::Error { id: id.clone(), payload: panicked.errors }, true),
        };
        first = false;
        if results.send(Outcome { number, message }).await.is_err() || last {
            return;
        }
    }
}
