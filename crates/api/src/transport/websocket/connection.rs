//! The loop that serves one WebSocket: reads messages, starts and stops operations, and sends their results.
//!
//! 1. Each operation runs in its own task. All tasks send their messages through one bounded channel, which serves them
//!    in turn. So a busy subscription cannot block the others, and a slow client slows down only its own operations.
//! 2. When the connection ends, its session is dropped, which stops the operations that still run.

use std::{convert::Infallible, sync::Arc};

use async_graphql::{Executor, Request, Response, parser::types::OperationType};
use axum::extract::ws::{Message, WebSocket};
use domain::ErrorChain;
use futures::{
    SinkExt, StreamExt,
    stream::{self, BoxStream},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
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
    graphql::limits::{PermitSlot, check_json},
    listener::{BodyError, Handle, KeptMessage, Reservation},
    transport::{
        Endpoint, RequestContext, RequestId,
        response::{catching_panics, finish, is_request_error, to_json, write_response},
    },
};

/// The error message when the memory for messages, or for results that wait, is used up.
const MESSAGES_WAIT: &str = "too many messages wait on all sockets, try again";

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
enum Ended {
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

struct Connection<'a, E> {
    socket: &'a mut WebSocket,
    endpoint: Arc<Endpoint<E>>,
    session: Session<Operation>,
    request_id: RequestId,
    /// The `Authorization` header of the upgrade request. It is used when `connection_init` contains no token.
    authorization: Option<String>,
    handle: Option<Handle>,
    results: mpsc::Sender<Outcome>,
    /// One permit for each byte of results that may wait: see [`SocketLimits::waiting_bytes`].
    room: Arc<Semaphore>,
    /// How many operations this connection has started.
    started: u64,
}

/// A running operation. Dropping it stops the operation.
struct Operation {
    number: u64,
    _task: AbortOnDropHandle<()>,
    /// The reserved memory of the message that started it. The operation keeps parts of the message.
    _message: Option<KeptMessage>,
}

/// A message of an operation that waits to be sent. A client can end an operation and use its id again; the number then
/// distinguishes late messages of the old operation from those of the new one.
struct Outcome {
    number: u64,
    id: String,
    /// Whether it is the last message of the operation.
    last: bool,
    text: String,
    _room: OwnedSemaphorePermit,
    _kept: Option<Reservation>,
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
        let (mut received_at, mut pinged_at) = (Instant::now(), Instant::now());
        loop {
            tokio::select! {
                () = stop.cancelled() => return Err(Ended::ByUs(Close::Stopping)),
                () = &mut init_deadline, if self.session.bearer().is_none() => {
                    return Err(Ended::ByUs(Close::InitTimeout));
                }
                received = self.socket.recv() => {
                    received_at = Instant::now();
                    self.received(received).await?;
                }
                Some(outcome) = waiting.recv() => self.forward(outcome).await?,
                now = checks.tick() => {
                    self.check_token()?;
                    let age = self.handle.as_ref().map(Handle::message_age).unwrap_or_default();
                    if age >= limits.receive_within {
                        return Err(Ended::ByUs(Close::MessageTimeout));
                    }
                    if now.duration_since(received_at) >= limits.ping_every * 2 {
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
            Some(Err(error)) => Err(convert_socket_error(error)),
            Some(Ok(Message::Ping(payload))) => {
                if let Some(handle) = &self.handle {
                    handle.end_control_frame(payload.len());
                }
                // The library has queued the pong. Send it before the next message is read, because a client that sends
                // pings and does not read would make the queue grow without a limit.
                self.flush().await
            }
            Some(Ok(Message::Pong(payload))) => {
                if let Some(handle) = &self.handle {
                    handle.end_control_frame(payload.len());
                }
                Ok(())
            }
            Some(Ok(Message::Binary(_))) => {
                Err(Ended::ByUs(Close::InvalidMessage("binary messages are not understood".to_owned())))
            }
            Some(Ok(Message::Text(text))) => {
                if let Some(handle) = &self.handle {
                    handle.end_message();
                }
                if check_json(text.as_bytes()).is_err() {
                    return Err(Ended::ByUs(Close::TooLarge));
                }
                self.step(&text).await
            }
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
            Step::Send(message) => {
                if let (ServerMessage::ConnectionAck, Some(handle)) = (&message, &self.handle) {
                    handle.accept_socket();
                }
                self.send(&message).await
            }
            Step::Close(close) => Err(Ended::ByUs(close)),
            Step::Start { id, request } => {
                self.check_token()?;
                let kept = self.handle.as_ref().map(|handle| handle.keep_message(text.len()));
                match kept {
                    Some(None) => {
                        self.send(&ServerMessage::error(id, MESSAGES_WAIT.to_owned(), "UNAVAILABLE")).await
                    }
                    Some(Some(kept)) => self.start(id, *request, Some(kept)),
                    None => self.start(id, *request, None),
                }
            }
        }
    }

    fn start(&mut self, id: String, request: Request, message: Option<KeptMessage>) -> Result<(), Ended> {
        let Some(bearer) = self.session.bearer() else { return Ok(()) };
        self.started += 1;
        let number = self.started;
        let request_id = RequestId(format!("{}.{number}", self.request_id));
        let context = RequestContext { actor: bearer.actor.clone(), email: bearer.email.clone(), request_id };
        let span = tracing::info_span!("operation", request_id = %context.request_id);
        let outbox = Outbox {
            id: id.clone(),
            number,
            results: self.results.clone(),
            room: self.room.clone(),
            most: self.endpoint.options.socket_limits.waiting_bytes,
            handle: self.handle.clone(),
        };
        let operation = operate(self.endpoint.clone(), request, context, outbox);
        let task = AbortOnDropHandle::new(tokio::spawn(operation.instrument(span)));
        self.session.operations.insert(id, Operation { number, _task: task, _message: message });
        Ok(())
    }

    /// Sends a message of an operation, unless the client has ended the operation meanwhile.
    async fn forward(&mut self, outcome: Outcome) -> Result<(), Ended> {
        let Outcome { number, id, last, text, _room, _kept } = outcome;
        if self.session.operations.get(&id).is_none_or(|operation| operation.number != number) {
            return Ok(());
        }
        if last {
            self.session.operations.remove(&id);
        }
        self.send_text(text).await
    }

    async fn send(&mut self, message: &ServerMessage) -> Result<(), Ended> {
        let text =
            serde_json::to_string(message).map_err(|error| Ended::Broken(ErrorChain(&error).to_string()))?;
        self.send_text(text).await
    }

    async fn send_text(&mut self, text: String) -> Result<(), Ended> {
        let within = self.endpoint.options.socket_limits.send_within;
        match timeout(within, self.socket.send(Message::text(text))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Ended::Broken(ErrorChain(&error).to_string())),
            Err(_) => Err(Ended::ByUs(Close::TooSlow)),
        }
    }

    /// Sends the frames that the library has queued.
    async fn flush(&mut self) -> Result<(), Ended> {
        let within = self.endpoint.options.socket_limits.send_within;
        match timeout(within, self.socket.flush()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Ended::Broken(ErrorChain(&error).to_string())),
            Err(_) => Err(Ended::ByUs(Close::TooSlow)),
        }
    }

    /// Ends the connection when its token has expired, even if operations are running.
    fn check_token(&self) -> Result<(), Ended> {
        match self.session.bearer() {
            Some(bearer) if bearer.expires_at <= self.endpoint.options.clock.now() => {
                Err(Ended::ByUs(Close::Forbidden(AuthError::Expired(bearer.expires_at))))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// Maps an error of reading to a close code; `Broken` when the client is gone or the error is not the client's.
fn convert_socket_error(error: axum::Error) -> Ended {
    use tungstenite::{Error, error::ProtocolError};

    let error = error.into_inner();
    let close = match error.downcast_ref::<Error>() {
        Some(Error::Capacity(_)) => Close::TooLarge,
        Some(Error::Utf8(_)) => Close::NotText,
        Some(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => {
            return Ended::Broken(ErrorChain(&*error).to_string());
        }
        Some(Error::Protocol(violation)) => Close::Violation(violation.to_string()),
        Some(Error::Io(io)) if io.get_ref().is_some_and(|inner| inner.is::<BodyError>()) => Close::Busy,
        Some(_) | None => return Ended::Broken(ErrorChain(&*error).to_string()),
    };
    Ended::ByUs(close)
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
struct Outbox {
    id: String,
    number: u64,
    results: mpsc::Sender<Outcome>,
    room: Arc<Semaphore>,
    /// All permits of `room`: see [`SocketLimits::waiting_bytes`].
    most: usize,
    handle: Option<Handle>,
}

impl Outbox {
    /// Waits until there is room and queues a message. `false`: it was the last one, or the WebSocket is closed.
    ///
    /// When the memory for waiting results is used up, it queues an error instead, which ends the operation.
    async fn put(&self, Written { text, ends }: Written) -> bool {
        let kept = self.handle.as_ref().map(|handle| handle.keep_result(text.len()));
        let (text, last, kept) = match kept {
            Some(None) => {
                let error = ServerMessage::error(self.id.clone(), MESSAGES_WAIT.to_owned(), "UNAVAILABLE");
                (Written::from(error).text, true, None)
            }
            Some(Some(kept)) => (text, ends, Some(kept)),
            None => (text, ends, None),
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
async fn operate<E: Executor>(
    endpoint: Arc<Endpoint<E>>,
    request: Request,
    context: RequestContext,
    outbox: Outbox,
) {
    let request_id = &context.request_id;
    let id = || outbox.id.clone();
    let prepared = match endpoint.options.documents.prepare_apart(request).await {
        Ok(prepared) => prepared,
        Err(errors) => {
            let payload = finish(Response::from_errors(errors), request_id).errors;
            outbox.put(ServerMessage::Error { id: id(), payload }.into()).await;
            return;
        }
    };
    let operation_type = prepared.operation_type;
    let (request, completion) = prepared.split();
    let completion = Arc::new(completion);
    let permit = PermitSlot::default();
    let request = (endpoint.options.data)(request, &context).data(permit.clone());
    let mut responses = match operation_type {
        OperationType::Mutation => mutation(endpoint, request, request_id.clone()),
        OperationType::Query | OperationType::Subscription => endpoint.executor.execute_stream(request, None),
    };
    let mut first = true;
    loop {
        let message = match catching_panics(responses.next(), request_id).await {
            Ok(Some(response)) if first && is_request_error(&response) => {
                ServerMessage::Error { id: id(), payload: finish(response, request_id).errors }.into()
            }
            Ok(Some(response)) => {
                let (id, request_id, completion) = (id(), request_id.clone(), completion.clone());
                let write = move || {
                    let payload = Box::new(finish(completion.complete_response(response), &request_id));
                    Written::from(ServerMessage::Next { id, payload })
                };
                write_response(permit.take(), write).await
            }
            Ok(None) => ServerMessage::Complete { id: id() }.into(),
            Err(panicked) => ServerMessage::Error { id: id(), payload: panicked.errors }.into(),
        };
        first = false;
        if !outbox.put(message).await {
            return;
        }
    }
}

/// Runs a mutation, as a stream with its one response.
fn mutation<E: Executor>(
    endpoint: Arc<Endpoint<E>>,
    request: Request,
    request_id: RequestId,
) -> BoxStream<'static, Response> {
    let answer = async move {
        match endpoint.carry_out(request, &request_id).await {
            Ok(response) | Err(response) => response,
        }
    };
    stream::once(answer).boxed()
}
