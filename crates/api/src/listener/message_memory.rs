//! The memory of the messages that a WebSocket's client sends: the message that is being received, and those whose
//! operations are running. Both are counted in one share of the budget for bodies. `stream` counts received bytes
//! before the messages in them are known; `handle` subtracts them when a message or a control frame was read.
//!
//! `false` or `None` means that too little of the budget is left.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use super::{budget::Reservation, connection::Connection};

/// The messages of one connection. Times are milliseconds, as in [`Connection`].
#[derive(Debug)]
pub(super) struct MessageMemory {
    /// The share of the budget: `receiving` and `running` together.
    reservation: Reservation,
    /// The bytes received so far of the current message.
    receiving: AtomicUsize,
    /// The time when the current message began.
    receiving_since: AtomicU64,
    /// The bytes of the messages whose operations are running.
    running: AtomicUsize,
}

impl MessageMemory {
    pub(super) fn new(reservation: Reservation) -> Self {
        Self {
            reservation,
            receiving: AtomicUsize::new(0),
            receiving_since: AtomicU64::new(0),
            running: AtomicUsize::new(0),
        }
    }

    /// Adapts the reservation to the bytes that are held. `false`: too little of the budget is left.
    fn adapt_reservation(&self) -> bool {
        let held = self.receiving.load(Ordering::Relaxed) + self.running.load(Ordering::Relaxed);
        self.reservation.try_resize(held)
    }

    /// Counts bytes that were received at the time `now`. `false`: too little of the budget is left.
    pub(super) fn count_received(&self, bytes: usize, now: u64) -> bool {
        if self.receiving.fetch_add(bytes, Ordering::Relaxed) == 0 {
            self.receiving_since.store(now, Ordering::Relaxed);
        }
        self.adapt_reservation()
    }

    /// Records that a whole message was read from the stream.
    pub(super) fn end_message(&self) {
        self.receiving.store(0, Ordering::Relaxed);
        self.adapt_reservation();
    }

    /// Records that a control frame with `payload` bytes of payload was read from the stream. It can come in the middle
    /// of a message, so its bytes are subtracted from the message's.
    pub(super) fn end_control_frame(&self, payload: usize) {
        /// The length in bytes of a short frame's header, including its mask.
        const HEADER: usize = 6;
        let take = |receiving: usize| Some(receiving.saturating_sub(payload + HEADER));
        // This cannot fail, because `take` always returns a value.
        let _ = self.receiving.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        self.adapt_reservation();
    }

    /// How long ago, at the time `now`, the first byte of the current message was received; zero when there is none.
    pub(super) fn message_age(&self, now: u64) -> Duration {
        match self.receiving.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            _ => Duration::from_millis(now.saturating_sub(self.receiving_since.load(Ordering::Relaxed))),
        }
    }
}

/// The reserved bytes of a running operation's message. Dropping it frees them.
#[derive(Debug)]
pub(crate) struct KeptMessage {
    connection: Arc<Connection>,
    bytes: usize,
}

impl KeptMessage {
    /// Reserves the bytes of a message. `None`: too little of the budget is left.
    pub(super) fn reserve(connection: Arc<Connection>, bytes: usize) -> Option<Self> {
        connection.messages.running.fetch_add(bytes, Ordering::Relaxed);
        let kept = Self { connection, bytes };
        kept.connection.messages.adapt_reservation().then_some(kept)
    }
}

impl Drop for KeptMessage {
    fn drop(&mut self) {
        self.connection.messages.running.fetch_sub(self.bytes, Ordering::Relaxed);
        self.connection.messages.adapt_reservation();
    }
}
