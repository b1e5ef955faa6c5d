//! The state of one HTTP connection: its phase, since when it is in it, and how many bytes it holds.
//!
//! The connection's task, its stream, its requests and a WebSocket on it share one [`Connection`]. All fields are
//! atomic, so that nobody needs a lock. The sweep of `slots` compares the state with the limits, and ends the
//! connection when a timeout has passed.
//! 1. `end` wakes the stream, whose reads and writes then fail. Only the first reason is stored.
//! 2. `begin_lingering_if_owed` is true once, if `linger` was called and the connection is open: then it enters the
//!    phase [`Phase::Lingering`].
//! 3. A client is blocked while the system takes no bytes for it. It counts as reading again once it has taken
//!    [`PROGRESS`] bytes, or all that was offered.
//!
//! `find_passed_timeout` is `None` while no timeout has passed, `end_reason` while the connection is open.
//! `count_received` is `false` if too little of the budget is left for a WebSocket message.

use std::{
    net::{IpAddr, Ipv6Addr},
    sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering},
    time::Duration,
};

use futures::task::AtomicWaker;
use tokio::time::Instant;

use super::{
    budget::Reservation,
    limits::{HttpLimits, LINGER},
    message_memory::MessageMemory,
    phase::{End, Phase},
};

/// A client that was blocked counts as reading again once it has taken this many bytes, or all that was offered.
const PROGRESS: usize = 64 * 1024;
/// The value of [`Connection::blocked_since`] while the client reads.
const READS: u64 = u64::MAX;

/// The shared state of one connection. All times are milliseconds since `epoch`.
#[derive(Debug)]
pub(crate) struct Connection {
    /// The client's address, or its network: see [`group_address`].
    pub(super) address: IpAddr,
    epoch: Instant,
    /// The phase, in the lowest three bits, and above them the time when it began.
    phase: AtomicU64,
    /// The time since when the system takes no bytes for the client, or [`READS`].
    blocked_since: AtomicU64,
    /// The bytes that the client has taken since `blocked_since`.
    taken: AtomicUsize,
    /// Whether the connection has one of the slots that are reserved for health checks.
    pub(super) reserved: AtomicBool,
    /// Whether the body of the latest request was read to its end.
    body_read: AtomicBool,
    /// Whether the stream is read on after the last response: see [`Connection::linger`].
    lingers: AtomicBool,
    /// An [`End`], or 0 while the connection is open.
    end: AtomicU8,
    pub(super) reader: AtomicWaker,
    pub(super) writer: AtomicWaker,
    /// The bytes received so far of the current request's body.
    pub(super) body_bytes: AtomicUsize,
    /// The bytes of the large response that is being sent; 0 when there is none.
    pub(super) response_bytes: AtomicUsize,
    /// The memory of the messages of a WebSocket.
    pub(super) messages: MessageMemory,
}

impl Connection {
    pub(super) fn new(address: IpAddr, epoch: Instant, messages: Reservation) -> Self {
        let new = Self {
            address: group_address(address),
            epoch,
            phase: AtomicU64::new(0),
            blocked_since: AtomicU64::new(READS),
            taken: AtomicUsize::new(0),
            reserved: AtomicBool::new(false),
            body_read: AtomicBool::new(true),
            lingers: AtomicBool::new(false),
            end: AtomicU8::new(0),
            reader: AtomicWaker::new(),
            writer: AtomicWaker::new(),
            body_bytes: AtomicUsize::new(0),
            response_bytes: AtomicUsize::new(0),
            messages: MessageMemory::new(messages),
        };
        new.enter_phase(Phase::Head);
        new
    }

    pub(super) fn phase(&self) -> Phase {
        self.phase_and_start().0
    }

    /// The phase, and the time when it began.
    fn phase_and_start(&self) -> (Phase, u64) {
        let state = self.phase.load(Ordering::Acquire);
        (Phase::ALL[usize::try_from(state & 7).unwrap_or_default()], state >> 3)
    }

    pub(super) fn enter_phase(&self, phase: Phase) {
        self.phase.store(self.now() << 3 | phase as u64, Ordering::Release);
    }

    /// The time in milliseconds since `epoch`.
    pub(super) fn now(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(u64::MAX >> 3)
    }

    /// How long the connection has been in its phase.
    pub(super) fn age_of_phase(&self) -> Duration {
        Duration::from_millis(self.now().saturating_sub(self.phase_and_start().1))
    }

    // Requests.

    /// Begins a request, after its head was received.
    pub(super) fn begin_request(&self, has_body: bool) {
        self.body_read.store(!has_body, Ordering::Relaxed);
        self.lingers.store(false, Ordering::Relaxed);
        self.body_bytes.store(0, Ordering::Relaxed);
        self.enter_phase(if has_body { Phase::Body } else { Phase::Responding });
    }

    /// Records that the body of the request was read to its end.
    pub(super) fn record_body_end(&self) {
        if !self.body_read.swap(true, Ordering::Relaxed) {
            self.enter_phase(Phase::Responding);
        }
    }

    /// Ends a request after its response. When the body was not read to its end, the stream has to linger.
    pub(super) fn end_request(&self) {
        self.response_bytes.store(0, Ordering::Relaxed);
        if !self.body_read.load(Ordering::Relaxed) {
            self.linger();
        }
        match self.phase() {
            Phase::Opening | Phase::Socket => {}
            Phase::Head | Phase::Body | Phase::Responding | Phase::Idle | Phase::Lingering => {
                self.enter_phase(Phase::Idle);
            }
        }
    }

    /// Whether the client still waits for a response, or for the rest of one. When the server stops, it finishes these
    /// connections first.
    pub(super) fn owes_response(&self) -> bool {
        self.phase() == Phase::Responding || self.blocked_since.load(Ordering::Relaxed) != READS
    }

    // The stream.

    /// Counts received bytes. `false`: they belong to a WebSocket message, and too little of the budget
    /// is left.
    pub(super) fn count_received(&self, bytes: usize) -> bool {
        match self.phase() {
            Phase::Idle => {
                self.enter_phase(Phase::Head);
                true
            }
            Phase::Opening | Phase::Socket => self.messages.count_received(bytes, self.now()),
            Phase::Head | Phase::Body | Phase::Responding | Phase::Lingering => true,
        }
    }

    /// Counts bytes that the client took. `all`: they were all that was offered.
    pub(super) fn record_sent(&self, bytes: usize, all: bool) {
        if self.blocked_since.load(Ordering::Relaxed) == READS {
            return;
        }
        let taken = self.taken.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if all || taken >= PROGRESS {
            self.blocked_since.store(READS, Ordering::Relaxed);
        }
    }

    /// Records that the client takes nothing at the moment.
    pub(super) fn record_blocked(&self) {
        if self.blocked_since.load(Ordering::Relaxed) == READS {
            self.taken.store(0, Ordering::Relaxed);
            self.blocked_since.store(self.now(), Ordering::Relaxed);
        }
    }

    /// How long the client has taken nothing.
    pub(super) fn blocked_for(&self) -> Duration {
        match self.blocked_since.load(Ordering::Relaxed) {
            READS => Duration::ZERO,
            since => Duration::from_millis(self.now().saturating_sub(since)),
        }
    }

    /// Makes the server read on after it has closed its side, so that the last response or close frame arrives. See
    /// [`LINGER`].
    pub(super) fn linger(&self) {
        self.lingers.store(true, Ordering::Relaxed);
    }

    /// Whether the stream has to be read on. Returns `true` only once, and then enters [`Phase::Lingering`].
    pub(super) fn begin_lingering_if_owed(&self) -> bool {
        let lingers = self.lingers.swap(false, Ordering::Relaxed) && self.end_reason().is_none();
        if lingers {
            self.enter_phase(Phase::Lingering);
        }
        lingers
    }

    // The end.

    /// The reason to end the connection now; `None` when no timeout has passed.
    pub(super) fn find_passed_timeout(&self, limits: &HttpLimits) -> Option<End> {
        let now = self.now();
        let (phase, since) = self.phase_and_start();
        let blocked = self.blocked_since.load(Ordering::Relaxed);
        let over = |since: u64, limit: Duration| u128::from(now.saturating_sub(since)) >= limit.as_millis();
        if blocked != READS && over(blocked, limits.write_timeout) {
            return Some(End::WriteTimeout);
        }
        let (end, limit) = match phase {
            Phase::Head => (End::HeaderTimeout, limits.header_timeout),
            // The response is not sent completely yet: only the write timeout above counts.
            Phase::Idle if blocked != READS => return None,
            Phase::Idle => (End::IdleTimeout, limits.idle_timeout),
            Phase::Lingering => (End::Lingered, LINGER),
            // These have timeouts elsewhere: the body in `body`, the operation in its limits, a WebSocket in
            // `transport`.
            Phase::Body | Phase::Responding | Phase::Opening | Phase::Socket => return None,
        };
        over(since, limit).then_some(end)
    }

    /// Ends the connection: from now on, every read and write of its stream fails. Only the first reason is stored.
    pub(super) fn end(&self, end: End) {
        if self.end.compare_exchange(0, end as u8, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
            self.reader.wake();
            self.writer.wake();
        }
    }

    pub(super) fn end_reason(&self) -> Option<End> {
        let end = self.end.load(Ordering::Acquire);
        End::ALL.into_iter().find(|known| *known as u8 == end)
    }
}

/// The address under which a client is counted: the IPv4 address itself, or the /64 network of an IPv6 address, because
/// one IPv6 client usually owns a whole /64.
fn group_address(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let network = u128::from(address) & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from(network))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::budget::Budget, *};

    #[test]
    fn an_address_stands_for_its_network() {
        let stands_for = |text: &str| group_address(text.parse().unwrap()).to_string();
        assert_eq!(stands_for("192.0.2.7"), "192.0.2.7");
        assert_eq!(stands_for("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(stands_for("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
    }

    #[test]
    fn a_phase_is_kept_with_its_time() {
        let budget = Budget::new(0, 0);
        let connection = Connection::new([127, 0, 0, 1].into(), Instant::now(), budget.open_reservation());
        for phase in Phase::ALL {
            connection.enter_phase(phase);
            assert_eq!(connection.phase(), phase);
            assert!(connection.age_of_phase() < Duration::from_secs(60));
        }
    }
}
