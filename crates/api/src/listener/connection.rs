//! The state of one connection: what it is doing and since when. Read and written without locks.
//!
//! The connection's task, its stream, its requests and a WebSocket on it share one [`Connection`]. The sweep of
//! `places` compares it with the limits and ends it.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering},
    },
    task::Waker,
    time::Duration,
};

use futures::task::AtomicWaker;
use tokio::time::Instant;

use super::{
    budget::{Budget, Reservation},
    limits::{HttpLimits, LINGER},
};

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Phase {
    /// No whole head of a request has come since the connection was made, or since a later request began.
    Head,
    /// The head of a request is here, its body is not.
    Body,
    /// A request is being answered.
    Answering,
    /// The last request is answered and no other one has begun.
    Idle,
    /// A WebSocket whose client has not said yet who it is.
    Opening,
    /// A WebSocket.
    Socket,
    /// Everything is sent; what the client still sends is thrown away.
    Lingering,
}

impl Phase {
    const ALL: [Self; 7] =
        [Self::Head, Self::Body, Self::Answering, Self::Idle, Self::Opening, Self::Socket, Self::Lingering];

    /// How readily a connection is closed to make place for another one, the readiest first; nothing where it never
    /// is.
    pub(super) fn dispensable(self) -> Option<u8> {
        match self {
            Self::Lingering => Some(0),
            Self::Head | Self::Opening => Some(1),
            Self::Idle => Some(2),
            Self::Body => Some(3),
            Self::Answering | Self::Socket => None,
        }
    }
}

/// Why the server ends a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum End {
    /// The head of a request did not come in time.
    HeaderTimeout = 1,
    /// No further request came in time.
    IdleTimeout,
    /// The client does not read.
    WriteTimeout,
    /// It has read long enough after its answer.
    Lingered,
    /// Its place is needed.
    Evicted,
    /// The server stops.
    Stopped,
}

impl End {
    const ALL: [Self; 6] = [
        Self::HeaderTimeout,
        Self::IdleTimeout,
        Self::WriteTimeout,
        Self::Lingered,
        Self::Evicted,
        Self::Stopped,
    ];

    fn text(self) -> &'static str {
        match self {
            Self::HeaderTimeout => "the head of a request did not come in time",
            Self::IdleTimeout => "no further request came in time",
            Self::WriteTimeout => "the client does not read",
            Self::Lingered => "the client did not close in time",
            Self::Evicted => "its place was needed",
            Self::Stopped => "the server stops",
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// A client that was blocked and takes this much has read again.
const PROGRESS: usize = 64 * 1024;
/// [`Connection::blocked_since`] while the client reads.
const READS: u64 = u64::MAX;

/// One connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(super) address: IpAddr,
    /// The beginning of all times below.
    epoch: Instant,
    /// The phase in the lowest three bits, above them since when, in milliseconds.
    phase: AtomicU64,
    /// Since when the client takes nothing, in milliseconds, or [`READS`].
    blocked_since: AtomicU64,
    /// What the client took since then.
    taken: AtomicUsize,
    /// Whether it has one of the places for questions about health only.
    pub(super) reserved: AtomicBool,
    /// Whether the latest request's body was read to its end.
    body_read: AtomicBool,
    /// Whether to go on reading after the last answer.
    lingers: AtomicBool,
    /// An [`End`], or 0.
    end: AtomicU8,
    reader: AtomicWaker,
    writer: AtomicWaker,
    /// What a WebSocket's messages hold of the budget.
    messages: Reservation,
    /// Bytes of the request body that is coming.
    pub(super) body_bytes: AtomicUsize,
    /// Bytes of the large answer that is being sent.
    pub(super) answer_bytes: AtomicUsize,
    /// Bytes of the WebSocket message that is coming.
    coming: AtomicUsize,
    /// Since when they are coming, in milliseconds.
    coming_since: AtomicU64,
    /// Bytes of the WebSocket messages whose operations run.
    running: AtomicUsize,
}

impl Connection {
    pub(super) fn new(address: IpAddr, epoch: Instant, messages: Reservation) -> Self {
        let new = Self {
            address: neighbourhood(address),
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
            messages,
            body_bytes: AtomicUsize::new(0),
            answer_bytes: AtomicUsize::new(0),
            coming: AtomicUsize::new(0),
            coming_since: AtomicU64::new(0),
            running: AtomicUsize::new(0),
        };
        new.enter(Phase::Head);
        new
    }

    pub(super) fn phase(&self) -> Phase {
        self.state().0
    }

    /// What it does, and since when in milliseconds.
    fn state(&self) -> (Phase, u64) {
        let state = self.phase.load(Ordering::Acquire);
        (Phase::ALL[usize::try_from(state & 7).unwrap_or_default()], state >> 3)
    }

    pub(super) fn enter(&self, phase: Phase) {
        self.phase.store(self.now() << 3 | phase as u64, Ordering::Release);
    }

    fn now(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(u64::MAX >> 3)
    }

    /// How long it is in its phase.
    pub(super) fn age(&self) -> Duration {
        Duration::from_millis(self.now().saturating_sub(self.state().1))
    }

    // Requests.

    /// The head of a request is here.
    pub(super) fn begin_request(&self, has_body: bool) {
        self.body_read.store(!has_body, Ordering::Relaxed);
        self.lingers.store(false, Ordering::Relaxed);
        self.body_bytes.store(0, Ordering::Relaxed);
        self.enter(if has_body { Phase::Body } else { Phase::Answering });
    }

    /// The body of the request is read to its end.
    pub(super) fn end_body(&self) {
        if !self.body_read.swap(true, Ordering::Relaxed) {
            self.enter(Phase::Answering);
        }
    }

    /// The request is answered, maybe before its body was read.
    pub(super) fn end_request(&self) {
        self.answer_bytes.store(0, Ordering::Relaxed);
        if !self.body_read.load(Ordering::Relaxed) {
            self.linger();
        }
        match self.phase() {
            Phase::Opening | Phase::Socket => {}
            Phase::Head | Phase::Body | Phase::Answering | Phase::Idle | Phase::Lingering => {
                self.enter(Phase::Idle);
            }
        }
    }

    /// Whether a client still waits for an answer that the server owes, or for the rest of one.
    pub(super) fn notifies_customer(&self) -> bool {
        self.phase() == Phase::Answering || self.blocked_since.load(Ordering::Relaxed) != READS
    }

    // WebSockets.

    /// Whether the process may hold what this connection holds of messages.
    fn hold_messages(&self) -> bool {
        self.messages.cover(self.coming.load(Ordering::Relaxed) + self.running.load(Ordering::Relaxed))
    }

    // The stream.

    /// Bytes came; `false` where they belong to a WebSocket message and the process holds too much already.
    pub(super) fn received(&self, bytes: usize) -> bool {
        match self.phase() {
            Phase::Idle => {
                self.enter(Phase::Head);
                true
            }
            Phase::Opening | Phase::Socket => {
                if self.coming.fetch_add(bytes, Ordering::Relaxed) == 0 {
                    self.coming_since.store(self.now(), Ordering::Relaxed);
                }
                self.hold_messages()
            }
            Phase::Head | Phase::Body | Phase::Answering | Phase::Lingering => true,
        }
    }

    /// The client took so many bytes, `all` that were offered or not.
    pub(super) fn sent(&self, bytes: usize, all: bool) {
        if self.blocked_since.load(Ordering::Relaxed) == READS {
            return;
        }
        let taken = self.taken.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if all || taken >= PROGRESS {
            self.blocked_since.store(READS, Ordering::Relaxed);
        }
    }

    /// The client takes nothing at the moment.
    pub(super) fn blocked(&self) {
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

    pub(super) fn wake_reader_by(&self, waker: &Waker) {
        self.reader.register(waker);
    }

    pub(super) fn wake_writer_by(&self, waker: &Waker) {
        self.writer.register(waker);
    }

    /// When the server closes, what the client still sends is read, so that the last answer or close frame arrives.
    pub(super) fn linger(&self) {
        self.lingers.store(true, Ordering::Relaxed);
    }

    /// Whether the stream is to be read on; once.
    pub(super) fn begin_lingering(&self) -> bool {
        let lingers = self.lingers.swap(false, Ordering::Relaxed) && self.ended().is_none();
        if lingers {
            self.enter(Phase::Lingering);
        }
        lingers
    }

    // The end.

    /// What is overdue.
    pub(super) fn overdue(&self, limits: &HttpLimits) -> Option<End> {
        let now = self.now();
        let (phase, since) = self.state();
        let blocked = self.blocked_since.load(Ordering::Relaxed);
        let over = |since: u64, limit: Duration| u128::from(now.saturating_sub(since)) >= limit.as_millis();
        if blocked != READS && over(blocked, limits.write_timeout) {
            return Some(End::WriteTimeout);
        }
        let (end, limit) = match phase {
            Phase::Head => (End::HeaderTimeout, limits.header_timeout),
            // An answer that is not sent yet has the time above.
            Phase::Idle if blocked != READS => return None,
            Phase::Idle => (End::IdleTimeout, limits.idle_timeout),
            Phase::Lingering => (End::Lingered, LINGER),
            // These have deadlines of their own: the body, the operation, the beginning of a WebSocket.
            Phase::Body | Phase::Answering | Phase::Opening | Phase::Socket => return None,
        };
        over(since, limit).then_some(end)
    }

    /// Ends the connection: its stream fails from now on.
    pub(super) fn end(&self, end: End) {
        if self.end.compare_exchange(0, end as u8, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
            self.reader.wake();
            self.writer.wake();
        }
    }

    pub(super) fn ended(&self) -> Option<End> {
        let end = self.end.load(Ordering::Acquire);
        End::ALL.into_iter().find(|known| *known as u8 == end)
    }
}

/// Whom an address stands for: with IPv6 one client has a whole network of 64 bits.
fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let network = u128::from(address) & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from(network))
        }
    }
}

/// The connection of a request that wants to become a WebSocket, among the request's extensions.
#[derive(Clone, Debug)]
pub(crate) struct Handle {
    pub(super) connection: Arc<Connection>,
    /// What waits for WebSocket clients to read it.
    pub(super) results: Arc<Budget>,
}

impl Handle {
    /// The connection becomes a WebSocket.
    pub(crate) fn open_socket(&self) {
        self.connection.enter(Phase::Opening);
    }

    /// The client of the WebSocket has said who it is.
    pub(crate) fn accept_socket(&self) {
        self.connection.enter(Phase::Socket);
    }

    /// See [`Connection::linger`].
    pub(crate) fn linger(&self) {
        self.connection.linger();
    }

    /// A whole message has been taken from the stream.
    pub(crate) fn end_message(&self) {
        self.connection.coming.store(0, Ordering::Relaxed);
        self.connection.hold_messages();
    }

    /// A control frame with so many bytes of payload has been taken from the stream, maybe in the middle of a message.
    pub(crate) fn end_control_frame(&self, payload: usize) {
        /// The header of a short frame, with its mask.
        const HEADER: usize = 6;
        let take = |coming: usize| Some(coming.saturating_sub(payload + HEADER));
        // It never fails: there is always a new value.
        let _ = self.connection.coming.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        self.connection.hold_messages();
    }

    /// How long the message that is coming has been coming.
    pub(crate) fn message_age(&self) -> Duration {
        match self.connection.coming.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            _ => {
                let since = self.connection.coming_since.load(Ordering::Relaxed);
                Duration::from_millis(self.connection.now().saturating_sub(since))
            }
        }
    }

    /// An operation keeps so many bytes of its message while the result lives; nothing where the process holds too
    /// much already.
    pub(crate) fn keep_message(&self, bytes: usize) -> Option<KeptMessage> {
        self.connection.running.fetch_add(bytes, Ordering::Relaxed);
        let kept = KeptMessage { connection: self.connection.clone(), bytes };
        self.connection.hold_messages().then_some(kept)
    }

    /// A result of so many bytes waits for the client; nothing where too many wait already.
    pub(crate) fn keep_result(&self, bytes: usize) -> Option<Reservation> {
        let reservation = self.results.reserve();
        reservation.cover(bytes).then_some(reservation)
    }
}

/// The message of an operation that runs.
#[derive(Debug)]
pub(crate) struct KeptMessage {
    connection: Arc<Connection>,
    bytes: usize,
}

impl Drop for KeptMessage {
    fn drop(&mut self) {
        self.connection.running.fetch_sub(self.bytes, Ordering::Relaxed);
        self.connection.hold_messages();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_stands_for_its_network() {
        let stands_for = |text: &str| neighbourhood(text.parse().unwrap()).to_string();
        assert_eq!(stands_for("192.0.2.7"), "192.0.2.7");
        assert_eq!(stands_for("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(stands_for("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
    }

    #[test]
    fn a_phase_is_kept_with_its_time() {
        let budget = Budget::new(0, 0);
        let connection = Connection::new([127, 0, 0, 1].into(), Instant::now(), budget.reserve());
        for phase in Phase::ALL {
            connection.enter(phase);
            assert_eq!(connection.phase(), phase);
            assert!(connection.age() < Duration::from_secs(60));
        }
    }
}
