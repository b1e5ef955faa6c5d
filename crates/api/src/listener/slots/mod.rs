//! Limits the number of open connections, in total and per address, and closes connections whose timeout has passed.
//!
//! Each connection needs a slot. Rules:
//! 1. When an address has its maximum of connections that are not busy (see [`Phase::eviction_rank`]), a new one
//!    replaces the address's most dispensable one, unless all of them are younger than [`GRACE`].
//! 2. When all ordinary slots are taken, a new connection replaces the most dispensable one of any address.
//! 3. When every ordinary connection is busy, the new one gets one of the [`RESERVED`] slots. There only health checks
//!    are answered, until an ordinary slot is free.
//! 4. When the reserved slots are taken as well, it replaces the most dispensable connection on them. When all
//!    connections on reserved slots are busy too, the new connection is closed.

mod open;
#[cfg(test)]
mod tests;

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    time::Duration,
};

use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{
    budget::Budget,
    connection::Connection,
    limits::{FREE_BODY, FREE_RESPONSE, FREE_RESULT, HttpLimits, RESERVED},
    phase::{End, Phase},
};
use open::OpenConnections;

/// The time that a client has before another one can take its slot or memory. Bytes that it sent may be on their way
/// and not have been read yet.
/// 1. A connection younger than this is not replaced by another one of its own address.
/// 2. A connection that receives a request body is not replaced, and keeps its memory, until the body has been coming
///    for this time.
/// 3. A response keeps its memory until its client has read nothing for this time.
const GRACE: Duration = Duration::from_secs(1);

/// All connections of a listener, and the memory that they share.
pub(super) struct ConnectionSlots {
    pub(super) limits: HttpLimits,
    /// The memory for request bodies and WebSocket messages.
    pub(super) bodies: Arc<Budget>,
    /// The memory for large responses.
    pub(super) responses: Arc<Budget>,
    /// The memory for results that wait for WebSocket clients.
    pub(super) results: Arc<Budget>,
    epoch: Instant,
    /// [`GRACE`], except in tests.
    grace: Duration,
    taken: Mutex<OpenConnections>,
}

impl ConnectionSlots {
    pub(super) fn new(limits: HttpLimits) -> Arc<Self> {
        Arc::new(Self {
            limits,
            bodies: Budget::new(limits.body_memory, FREE_BODY),
            responses: Budget::new(limits.response_memory, FREE_RESPONSE),
            results: Budget::new(limits.response_memory, FREE_RESULT),
            epoch: Instant::now(),
            grace: GRACE,
            taken: Mutex::default(),
        })
    }

    /// Takes a slot for a new connection, and closes another connection for it if necessary. `None`: every slot
    /// belongs to a connection that must not be closed.
    pub(super) fn take_slot(self: &Arc<Self>, address: IpAddr) -> Option<ConnectionSlot> {
        let connection = Connection::new(address, self.epoch, self.bodies.open_reservation());
        let mut taken = self.lock_connections();
        taken.shrink_address(connection.address, self.limits.connections_per_address, self.grace);
        if taken.all.len() - taken.reserved >= self.limits.connections && !taken.evict_any() {
            if taken.reserved >= RESERVED && !taken.evict_reserved() {
                return None;
            }
            connection.reserved.store(true, Ordering::Relaxed);
        }
        let connection = Arc::new(connection);
        let id = taken.insert(connection.clone());
        drop(taken);
        Some(ConnectionSlot { id, connection, slots: self.clone() })
    }

    /// Moves a connection from a reserved slot to an ordinary one. `false`: no ordinary slot is free, or the
    /// connection has ended.
    pub(super) fn move_to_ordinary_slot(&self, connection: &Connection) -> bool {
        let mut taken = self.lock_connections();
        if connection.end_reason().is_some() {
            return false;
        }
        let free = taken.all.len() - taken.reserved < self.limits.connections;
        if free && connection.reserved.swap(false, Ordering::Relaxed) {
            taken.reserved -= 1;
        }
        free
    }

    /// Closes the most dispensable connection. `false`: there is none that may be closed.
    pub(super) fn evict_any(&self) -> bool {
        self.lock_connections().evict_any()
    }

    /// Ends the oldest connection whose body has been coming for at least [`GRACE`] and holds memory, to give that
    /// memory to `except`. `false`: there is no such connection.
    pub(super) fn evict_stalled_body(&self, except: &Connection) -> bool {
        let taken = self.lock_connections();
        let stalled = taken.all.values().find(|one| {
            one.phase() == Phase::Body
                && one.age_of_phase() >= self.grace
                && one.body_bytes.load(Ordering::Relaxed) > FREE_BODY
                && one.end_reason().is_none()
                && !std::ptr::eq(Arc::as_ptr(one), except)
        });
        if let Some(stalled) = stalled {
            stalled.end(End::Evicted);
        }
        stalled.is_some()
    }

    /// Ends the connection whose client has read nothing of a large response for the longest time, to give the memory
    /// to other responses. It does nothing when every client has read within [`GRACE`].
    pub(super) fn evict_stalled_reader(&self) {
        let taken = self.lock_connections();
        let holding = taken.all.values().filter(|one| {
            one.response_bytes.load(Ordering::Relaxed) > 0
                && one.blocked_for() >= self.grace
                && one.end_reason().is_none()
        });
        if let Some(slowest) = holding.max_by_key(|one| one.blocked_for()) {
            slowest.end(End::Evicted);
        }
    }

    /// Ends connections whose timeout has passed, in a loop that never returns.
    pub(super) async fn sweep_forever(self: Arc<Self>) {
        let mut ticks = interval(self.limits.sweep_every());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            for connection in self.lock_connections().all.values() {
                if let Some(end) = connection.find_passed_timeout(&self.limits) {
                    connection.end(end);
                }
            }
        }
    }

    fn lock_connections(&self) -> MutexGuard<'_, OpenConnections> {
        // No panic can leave the data half changed, so a poisoned lock can be used.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection's slot. Dropping it frees the slot.
pub(super) struct ConnectionSlot {
    id: u64,
    pub(super) connection: Arc<Connection>,
    slots: Arc<ConnectionSlots>,
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        self.slots.lock_connections().remove(self.id);
    }
}
