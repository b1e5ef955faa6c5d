//! The loop that serves one WebSocket: reads messages, starts and stops operations, and sends their results.
//!
//! When the connection ends, its session is dropped, which stops the operations that still run. Every `Err` is the
//! reason to end the connection: a broken rule, a timeout, an expired token, or a client that is gone.

use std::{convert::Infallible, sync::Arc, time::Duration};

use async_graphql::{Executor, Request};
use axum::extract::ws::{Message, WebSocket};
use domain::ErrorChain;
use futures::SinkExt;
use tokio::{
    sync::{Semaphore, mpsc},
    time::{Instant, MissedTickBehavior, interval, sleep, timeout},
};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

use super::{
    opening::Ended,
    operation::{Outbox, Outcome, run_operation},
    protocol::{Close, ServerMessage, Session, Step},
};
use crate::{
    auth::AuthError,
    graphql::limits::check_json_values,
    listener::{BodyError, Handle, KeptMessage},
    transport::{Endpoint, RequestContext, RequestId},
};

pub(super) struct Connection<'a, E> {
    pub(super) socket: &'a mut WebSocket,
    pub(super) endpoint: Arc<Endpoint<E>>,
    pub(super) session: Session<Operation>,
    pub(super) request_id: RequestId,
    /// The `Authorization` header of the upgrade request. It is used when `connection_init` contains no token.
    pub(super) authorization: Option<String>,
    pub(super) handle: Option<Handle>,
    pub(super) results: mpsc::Sender<Outcome>,
    /// One permit for each byte of results that may wait: see [`SocketLimits::waiting_bytes`].
    pub(super) room: Arc<Semaphore>,
    /// How many operations this connection has started.
    pub(super) started: u64,
}

/// A running operation. Dropping it stops the operation.
pub(super) struct Operation {
    number: u64,
    _task: AbortOnDropHandle<()>,
    /// The reserved memory of the message that started it. The operation keeps parts of the message.
    _message: Option<KeptMessage>,
}

impl<E: Executor> Connection<'_, E> {
    /// Runs until something ends the connection.
    pub(super) async fn serve_until_ended(
        mut self,
        mut waiting: mpsc::Receiver<Outcome>,
    ) -> Result<Infallible, Ended> {
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
                    self.handle_received(received).await?;
                }
                Some(outcome) = waiting.recv() => self.send_outcome(outcome).await?,
                now = checks.tick() => {
                    self.check_token_expiry()?;
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

    async fn handle_received(&mut self, received: Option<Result<Message, axum::Error>>) -> Result<(), Ended> {
        match received {
            None | Some(Ok(Message::Close(_))) => Err(Ended::ByClient),
            Some(Err(error)) => Err(convert_socket_error(error)),
            Some(Ok(Message::Ping(payload))) => {
                self.end_control_frame(payload.len());
                // The library has queued the pong. Send it before the next message is read, because a client that sends
                // pings and does not read would make the queue grow without a limit.
                self.flush_queued_frames().await
            }
            Some(Ok(Message::Pong(payload))) => {
                self.end_control_frame(payload.len());
                Ok(())
            }
            Some(Ok(Message::Binary(_))) => {
                Err(Ended::ByUs(Close::InvalidMessage("binary messages are not understood".to_owned())))
            }
            Some(Ok(Message::Text(text))) => {
                if let Some(handle) = &self.handle {
                    handle.end_message();
                }
                if check_json_values(text.as_bytes()).is_err() {
                    return Err(Ended::ByUs(Close::TooLarge));
                }
                self.handle_text(&text).await
            }
        }
    }

    fn end_control_frame(&self, payload: usize) {
        if let Some(handle) = &self.handle {
            handle.end_control_frame(payload);
        }
    }

    async fn handle_text(&mut self, text: &str) -> Result<(), Ended> {
        let options = &self.endpoint.options;
        let header = self.authorization.as_deref();
        let step = self.session.handle_message(text, |payload| {
            options.tokens.authenticate(payload.or(header), options.clock.now())
        });
        match step {
            Step::Continue => Ok(()),
            Step::Send(message) => {
                if let (ServerMessage::ConnectionAck, Some(handle)) = (&message, &self.handle) {
                    handle.record_authenticated();
                }
                self.send(&message).await
            }
            Step::Close(close) => Err(Ended::ByUs(close)),
            Step::Start { id, request } => {
                self.check_token_expiry()?;
                let kept = self.handle.as_ref().map(|handle| handle.reserve_message(text.len()));
                match kept {
                    Some(None) => self.send(&ServerMessage::messages_wait(id)).await,
                    kept => self.start_operation(id, *request, kept.flatten()),
                }
            }
        }
    }

    fn start_operation(
        &mut self,
        id: String,
        request: Request,
        message: Option<KeptMessage>,
    ) -> Result<(), Ended> {
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
        let operation = run_operation(self.endpoint.clone(), request, context, outbox);
        let task = AbortOnDropHandle::new(tokio::spawn(operation.instrument(span)));
        self.session.operations.insert(id, Operation { number, _task: task, _message: message });
        Ok(())
    }

    /// Sends a message of an operation, unless the client has ended the operation meanwhile.
    async fn send_outcome(&mut self, outcome: Outcome) -> Result<(), Ended> {
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
        send_in_time(within, self.socket.send(Message::text(text))).await
    }

    /// Sends the frames that the library has queued.
    async fn flush_queued_frames(&mut self) -> Result<(), Ended> {
        let within = self.endpoint.options.socket_limits.send_within;
        send_in_time(within, self.socket.flush()).await
    }

    /// Ends the connection when its token has expired, even if operations are running.
    fn check_token_expiry(&self) -> Result<(), Ended> {
        match self.session.bearer() {
            Some(bearer) if bearer.expires_at <= self.endpoint.options.clock.now() => {
                Err(Ended::ByUs(Close::Forbidden(AuthError::Expired(bearer.expires_at))))
            }
            Some(_) | None => Ok(()),
        }
    }
}

async fn send_in_time(
    within: Duration,
    sending: impl Future<Output = Result<(), axum::Error>>,
) -> Result<(), Ended> {
    match timeout(within, sending).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(Ended::Broken(ErrorChain(&error).to_string())),
        Err(_) => Err(Ended::ByUs(Close::TooSlow)),
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
