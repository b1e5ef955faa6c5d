//! Limits the number of open connections, in total and per address, and closes connections whose timeout has passed.
//!
//! Each connection needs a place. Rules:
//! 1. When an address has its maximum of connections that are not busy (see [`Phase::dispensable`]), a new one replaces the
//!    address's most dispensable one, unless all of them are younger than [`GRACE`].
//! 2. When all ordinary places are taken, a new connection replaces the most dispensable one of any address.
//! 3. When every ordinary connection is busy, the new one gets one of the [`RESERVED`] places. There only health checks
//!    are answered, until an ordinary place is free.
//! 4. When the reserved places are taken as well, it replaces the most dispensable connection on them. When all
//!    connections on reserved places are busy too, the new connection is closed.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    time::Duration,
};

use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{
    budget::Budget,
    connection::{Connection, End, Phase},
    limits::{FREE_ANSWER, FREE_BODY, FREE_RESULT, HttpLimits, RESERVED},
};

/// The time that a client has before another one can take its place or memory. Bytes that it sent may be on their way
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
    pub(super) answers: Arc<Budget>,
    /// The memory for results that wait for WebSocket clients.
    pub(super) results: Arc<Budget>,
    epoch: Instant,
    /// [`GRACE`], except in tests.
    grace: Duration,
    taken: Mutex<OpenConnections>,
}

#[derive(Default)]
struct OpenConnections {
    next: u64,
    /// The connections by id. Ids increase, so the oldest connection comes first.
    all: BTreeMap<u64, Arc<Connection>>,
    by_address: HashMap<IpAddr, BTreeMap<u64, Arc<Connection>>>,
    reserved: usize,
}

impl ConnectionSlots {
    pub(super) fn new(limits: HttpLimits) -> Arc<Self> {
        Arc::new(Self {
            limits,
            bodies: Budget::new(limits.body_memory, FREE_BODY),
            answers: Budget::new(limits.answer_memory, FREE_ANSWER),
            results: Budget::new(limits.answer_memory, FREE_RESULT),
            epoch: Instant::now(),
            grace: GRACE,
            taken: Mutex::default(),
        })
    }

    /// Takes a place for a new connection, and closes another connection for it if necessary. `None`: every place
    /// belongs to a connection that must not be closed.
    pub(super) fn take_slot(self: &Arc<Self>, address: IpAddr) -> Option<ConnectionSlot> {
        let connection = Connection::new(address, self.epoch, self.bodies.reserve());
        let mut taken = self.lock();
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
        Some(ConnectionSlot { id, connection, places: self.clone() })
    }

    /// Moves a connection from a reserved place to an ordinary one. `false`: no ordinary place is free, or the
    /// connection has ended.
    pub(super) fn promote(&self, connection: &Connection) -> bool {
        let mut taken = self.lock();
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
    pub(super) fn evict(&self) -> bool {
        self.lock().evict_any()
    }

    /// Ends the oldest connection whose body has been coming for at least [`GRACE`] and holds memory, to give that
    /// memory to `except`. `false`: there is no such connection.
    pub(super) fn evict_body(&self, except: &Connection) -> bool {
        let taken = self.lock();
        let stalled = taken.all.values().find(|one| {
            one.phase() == Phase::Body
                && one.age() >= self.grace
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
    pub(super) fn evict_reader(&self) {
        let taken = self.lock();
        let holding = taken.all.values().filter(|one| {
            one.answer_bytes.load(Ordering::Relaxed) > 0
                && one.blocked_for() >= self.grace
                && one.end_reason().is_none()
        });
        if let Some(slowest) = holding.max_by_key(|one| one.blocked_for()) {
            slowest.end(End::Evicted);
        }
    }

    /// Ends connections whose timeout has passed, in a loop that never returns.
    pub(super) async fn sweep(self: Arc<Self>) {
        let mut ticks = interval(self.limits.sweep_every());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            for connection in self.lock().all.values() {
                if let Some(end) = connection.overdue(&self.limits) {
                    connection.end(end);
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, OpenConnections> {
        // No panic can leave the data half changed, so a poisoned lock can be used.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpenConnections {
    fn insert(&mut self, connection: Arc<Connection>) -> u64 {
        let id = self.next;
        self.next += 1;
        if connection.reserved.load(Ordering::Relaxed) {
            self.reserved += 1;
        }
        self.by_address.entry(connection.address).or_default().insert(id, connection.clone());
        self.all.insert(id, connection);
        id
    }

    fn remove(&mut self, id: u64) {
        let Some(connection) = self.all.remove(&id) else { return };
        if connection.reserved.load(Ordering::Relaxed) {
            self.reserved -= 1;
        }
        if let Some(of_address) = self.by_address.get_mut(&connection.address) {
            of_address.remove(&id);
            if of_address.is_empty() {
                self.by_address.remove(&connection.address);
            }
        }
    }

    /// Closes connections of an address until a new one fits within the limit `most`. Connections on which a request is
    /// being answered are neither counted nor closed, because behind a proxy many clients share one address.
    fn shrink_address(&mut self, address: IpAddr, most: usize, grace: Duration) {
        let Some(of_address) = self.by_address.get(&address) else { return };
        if of_address.len() < most {
            return;
        }
        let waiting = of_address.values().filter(|one| one.phase().dispensable().is_some()).count();
        for _ in most..=waiting {
            let Some(id) = dispensable(&self.by_address[&address], |one| one.age() >= grace) else { return };
            self.end(id);
        }
    }

    fn evict_any(&mut self) -> bool {
        let id = dispensable(&self.all, |one| {
            let reserved = one.reserved.load(Ordering::Relaxed);
            !reserved && (one.phase() != Phase::Body || one.age() >= GRACE)
        });
        id.is_some_and(|id| self.end(id))
    }

    fn evict_reserved(&mut self) -> bool {
        let id = dispensable(&self.all, |one| one.reserved.load(Ordering::Relaxed));
        id.is_some_and(|id| self.end(id))
    }

    /// Ends a connection and frees its place at once, before its stream is closed.
    fn end(&mut self, id: u64) -> bool {
        if let Some(connection) = self.all.get(&id) {
            connection.end(End::Evicted);
        }
        self.remove(id);
        true
    }
}

/// The id of the connection with the lowest rank ([`Phase::dispensable`]) that `may_go`. Among equal ranks it is the
/// oldest connection, except that ranks 0 and 1 count as equal.
fn dispensable(
    connections: &BTreeMap<u64, Arc<Connection>>,
    may_go: impl Fn(&Connection) -> bool,
) -> Option<u64> {
    let mut found = None;
    for (id, connection) in connections {
        let Some(rank) = connection.phase().dispensable().filter(|_| may_go(connection)) else { continue };
        // These ranks are so low that the search can stop.
        if rank <= 1 {
            return Some(*id);
        }
        if found.is_none_or(|(least, _)| rank < least) {
            found = Some((rank, *id));
        }
    }
    found.map(|(_, id)| id)
}

/// A connection's place. Dropping it frees the place.
pub(super) struct ConnectionSlot {
    id: u64,
    pub(super) connection: Arc<Connection>,
    places: Arc<ConnectionSlots>,
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        self.places.lock().remove(self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn places(connections: usize, per_address: usize) -> Arc<ConnectionSlots> {
        ConnectionSlots::new(HttpLimits {
            connections,
            connections_per_address: per_address,
            ..HttpLimits::default()
        })
    }

    fn busy(places: &Arc<ConnectionSlots>) -> ConnectionSlot {
        let place = places.take_slot(ADDRESS).unwrap();
        place.connection.enter(Phase::Answering);
        place
    }

    #[tokio::test]
    async fn a_new_connection_replaces_the_oldest_that_is_waited_for() {
        let places = places(3, 100);
        let answered = busy(&places);
        let idle = places.take_slot(ADDRESS).unwrap();
        idle.connection.enter(Phase::Idle);
        let half_open = places.take_slot(ADDRESS).unwrap();
        let next = places.take_slot(ADDRESS).unwrap();
        assert_eq!(half_open.connection.end_reason(), Some(End::Evicted));
        let third = places.take_slot(ADDRESS).unwrap();
        assert_eq!(next.connection.end_reason(), Some(End::Evicted));
        third.connection.enter(Phase::Answering);
        let fourth = places.take_slot(ADDRESS).unwrap();
        assert_eq!(
            idle.connection.end_reason(),
            Some(End::Evicted),
            "an idle one, where no half-open one is left"
        );
        assert!([&answered, &third, &fourth].iter().all(|place| place.connection.end_reason().is_none()));
    }

    #[tokio::test]
    async fn reserved_places_are_left_when_all_others_are_at_work() {
        let places = places(2, 100);
        let mut at_work = vec![busy(&places), busy(&places)];
        let reserved: Vec<_> = (0..RESERVED).map(|_| places.take_slot(ADDRESS).unwrap()).collect();
        assert!(reserved.iter().all(|place| place.connection.reserved.load(Ordering::Relaxed)));
        let another = places.take_slot(ADDRESS).unwrap();
        assert_eq!(reserved[0].connection.end_reason(), Some(End::Evicted));
        for place in reserved.iter().skip(1).chain([&another]) {
            place.connection.enter(Phase::Answering);
        }
        assert!(
            places.take_slot(ADDRESS).is_none(),
            "every place is taken by somebody who is being answered"
        );
        assert!(!places.promote(&another.connection));
        at_work.pop();
        assert!(places.promote(&another.connection));
        assert!(!another.connection.reserved.load(Ordering::Relaxed));
        drop((reserved, another, at_work));
        let taken = places.lock();
        assert_eq!((taken.all.len(), taken.by_address.len(), taken.reserved), (0, 0, 0));
    }

    #[tokio::test]
    async fn one_address_is_bounded_by_what_it_does_not_use() {
        for (grace, closed) in [(GRACE, None), (Duration::ZERO, Some(End::Evicted))] {
            let mut places = places(100, 2);
            Arc::get_mut(&mut places).unwrap().grace = grace;
            let other = places.take_slot([127, 0, 0, 2].into()).unwrap();
            let busy: Vec<_> = (0..5).map(|_| busy(&places)).collect();
            let first = places.take_slot(ADDRESS).unwrap();
            let second = places.take_slot(ADDRESS).unwrap();
            let third = places.take_slot(ADDRESS).unwrap();
            assert_eq!(first.connection.end_reason(), closed, "a new one is spared");
            for place in busy.iter().chain([&other, &second, &third]) {
                assert_eq!(place.connection.end_reason(), None);
            }
        }
    }
}
