//! A WebSocket's access to its HTTP connection: `transport::websocket` tells it the phase and the messages, and
//! reserves memory. A reservation is `None` when too little of the budget is left; it never waits.

use std::{sync::Arc, time::Duration};

use super::{
    budget::{Budget, Reservation},
    connection::Connection,
    message_memory::KeptMessage,
    phase::Phase,
};

/// A request's access to its connection, for the WebSocket that it may become. The listener puts it into the extensions
/// of each request that has an `Upgrade` header.
#[derive(Clone, Debug)]
pub(crate) struct Handle {
    pub(super) connection: Arc<Connection>,
    /// The budget for results that wait for WebSocket clients.
    pub(super) results: Arc<Budget>,
}

impl Handle {
    /// Turns the connection into a WebSocket whose client has not authenticated yet.
    pub(crate) fn open_socket(&self) {
        self.connection.enter_phase(Phase::Opening);
    }

    /// Records that the client of the WebSocket has authenticated.
    pub(crate) fn record_authenticated(&self) {
        self.connection.enter_phase(Phase::Socket);
    }

    /// See [`Connection::linger`].
    pub(crate) fn linger(&self) {
        self.connection.linger();
    }

    /// Records that a whole message was read from the stream.
    pub(crate) fn end_message(&self) {
        self.connection.messages.end_message();
    }

    /// Records that a control frame with `payload` bytes of payload was read from the stream.
    pub(crate) fn end_control_frame(&self, payload: usize) {
        self.connection.messages.end_control_frame(payload);
    }

    /// How long ago the first byte of the current message was received; zero when there is none.
    pub(crate) fn message_age(&self) -> Duration {
        self.connection.messages.message_age(self.connection.now())
    }

    /// Reserves the `bytes` of a message for as long as its operation runs. `None`: too little of the budget is left.
    pub(crate) fn reserve_message(&self, bytes: usize) -> Option<KeptMessage> {
        KeptMessage::reserve(self.connection.clone(), bytes)
    }

    /// Reserves the `bytes` of a result until the client has read it. `None`: too little of the budget is left.
    pub(crate) fn reserve_result(&self, bytes: usize) -> Option<Reservation> {
        let reservation = self.results.open_reservation();
        reservation.try_resize(bytes).then_some(reservation)
    }
}
