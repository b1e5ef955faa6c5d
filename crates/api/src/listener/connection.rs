//! The state of one HTTP connection: its phase, since when it is in it, and how many bytes it holds.
//!
//! The connection's task, its stream, its requests and a WebSocket on it share one [`Connection`]. All fields are
//! atomic, so that nobody needs a lock. The sweep of `places` compares the state with the limits, and ends the
//! connection when a timeout has passed.

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

/// What a connection is doing or waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Phase {
    /// The server waits for the rest of a request's head: since the connection was accepted, or since the first byte of
    /// a later request.
    Head,
    /// The server has received the head of a request and waits for its body.
    Body,
    /// The server works on a request or sends its response.
    Answering,
    /// The last request is answered, and the client has not begun another one.
    Idle,
    /// The connection is a WebSocket whose client has not authenticated yet.
    Opening,
    /// The connection is a WebSocket whose client has authenticated.
    Socket,
    /// The server has sent everything. It reads and discards the bytes that the client still sends.
    Lingering,
}

impl Phase {
    const ALL: [Self; 7] =
        [Self::Head, Self::Body, Self::Answering, Self::Idle, Self::Opening, Self::Socket, Self::Lingering];

    /// The rank in which connections are closed to make place for a new one; the lowest is closed first. `None`: a
    /// connection in this phase is never closed for that reason.
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
    /// The head of a request was not received in time.
    HeaderTimeout = 1,
    /// The client sent no further request in time.
    IdleTimeout,
    /// The client did not read the response for too long.
    WriteTimeout,
    /// The server has read on after its response for [`LINGER`], and the client has not closed.
    Lingered,
    /// Another connection needs its place or its memory.
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

/// A client that was blocked counts as reading again once it has taken this many bytes, or all that was offered.
const PROGRESS: usize = 64 * 1024;
/// The value of [`Connection::blocked_since`] while the client reads.
const READS: u64 = u64::MAX;

/// The shared state of one connection. All times are milliseconds since `epoch`.
#[derive(Debug)]
pub(crate) struct Connection {
    /// The client's address, or its network: see [`neighbourhood`].
    pub(super) address: IpAddr,
    epoch: Instant,
    /// The phase, in the lowest three bits, and above them the time when it began.
    phase: AtomicU64,
    /// The time since when the system takes no bytes for the client, or [`READS`].
    blocked_since: AtomicU64,
    /// The bytes that the client has taken since `blocked_since`.
    taken: AtomicUsize,
    /// Whether the connection has one of the places that are reserved for health checks.
    pub(super) reserved: AtomicBool,
    /// Whether the body of the latest request was read to its end.
    body_read: AtomicBool,
    /// Whether the stream is read on after the last response: see [`Connection::linger`].
    lingers: AtomicBool,
    /// An [`End`], or 0 while the connection is open.
    end: AtomicU8,
    reader: AtomicWaker,
    writer: AtomicWaker,
    /// The share of the budget for the messages of a WebSocket: `coming` and `running` together.
    messages: Reservation,
    /// The bytes received so far of the current request's body.
    pub(super) body_bytes: AtomicUsize,
    /// The bytes of the large response that is being sent; 0 when there is none.
    pub(super) answer_bytes: AtomicUsize,
    /// The bytes received so far of the current WebSocket message.
    coming: AtomicUsize,
    /// The time when the current WebSocket message began.
    coming_since: AtomicU64,
    /// The bytes of the WebSocket messages whose operations are running.
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

    /// The phase, and the time when it began.
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

    /// How long the connection has been in its phase.
    pub(super) fn age(&self) -> Duration {
        Duration::from_millis(self.now().saturating_sub(self.state().1))
    }

    // Requests.

    /// Begins a request, after its head was received.
    pub(super) fn begin_request(&self, has_body: bool) {
        self.body_read.store(!has_body, Ordering::Relaxed);
        self.lingers.store(false, Ordering::Relaxed);
        self.body_bytes.store(0, Ordering::Relaxed);
        self.enter(if has_body { Phase::Body } else { Phase::Answering });
    }

    /// Records that the body of the request was read to its end.
    pub(super) fn end_body(&self) {
        if !self.body_read.swap(true, Ordering::Relaxed) {
            self.enter(Phase::Answering);
        }
    }

    /// Ends a request after its response. When the body was not read to its end, the stream has to linger.
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

    /// Whether the client still waits for a response, or for the rest of one. When the server stops, it finishes these
    /// connections first.
    pub(super) fn owes_response(&self) -> bool {
        self.phase() == Phase::Answering || self.blocked_since.load(Ordering::Relaxed) != READS
    }

    // WebSockets.

    /// Adapts the reservation to the bytes of messages that this connection holds. `false`: too little of the
    /// budget is left.
    fn hold_messages(&self) -> bool {
        self.messages.cover(self.coming.load(Ordering::Relaxed) + self.running.load(Ordering::Relaxed))
    }

    // The stream.

    /// Counts received bytes. `false`: they belong to a WebSocket message, and too little of the budget
    /// is left.
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

    pub(super) fn wake_reader_by(&self, waker: &Waker) {
        self.reader.register(waker);
    }

    pub(super) fn wake_writer_by(&self, waker: &Waker) {
        self.writer.register(waker);
    }

    /// Makes the server read on after it has closed its side, so that the last response or close frame arrives. See
    /// [`LINGER`].
    pub(super) fn linger(&self) {
        self.lingers.store(true, Ordering::Relaxed);
    }

    /// Whether the stream has to be read on. Returns `true` only once, and then enters [`Phase::Lingering`].
    pub(super) fn begin_lingering(&self) -> bool {
        let lingers = self.lingers.swap(false, Ordering::Relaxed) && self.end_reason().is_none();
        if lingers {
            self.enter(Phase::Lingering);
        }
        lingers
    }

    // The end.

    /// The reason to end the connection now; `None` when no timeout has passed.
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
            // The response is not sent completely yet: only the write timeout above counts.
            Phase::Idle if blocked != READS => return None,
            Phase::Idle => (End::IdleTimeout, limits.idle_timeout),
            Phase::Lingering => (End::Lingered, LINGER),
            // These have timeouts elsewhere: the body in `body`, the operation in its limits, a WebSocket in
            // `transport`.
            Phase::Body | Phase::Answering | Phase::Opening | Phase::Socket => return None,
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
fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let network = u128::from(address) & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from(network))
        }
    }
}

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
        self.connection.enter(Phase::Opening);
    }

    /// Records that the client of the WebSocket has authenticated.
    pub(crate) fn accept_socket(&self) {
        self.connection.enter(Phase::Socket);
    }

    /// See [`Connection::linger`].
    pub(crate) fn linger(&self) {
        self.connection.linger();
    }

    /// Records that a whole message was read from the stream.
    pub(crate) fn end_message(&self) {
        self.connection.coming.store(0, Ordering::Relaxed);
        self.connection.hold_messages();
    }

    /// Records that a control frame with `payload` bytes of payload was read from the stream. It can come in the middle
    /// of a message, so its bytes are subtracted from the message's.
    pub(crate) fn end_control_frame(&self, payload: usize) {
        /// The length in bytes of a short frame's header, including its mask.
        const HEADER: usize = 6;
        let take = |coming: usize| Some(coming.saturating_sub(payload + HEADER));
        // This cannot fail, because `take` always returns a value.
        let _ = self.connection.coming.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        self.connection.hold_messages();
    }

    /// How long ago the first byte of the current message was received; zero when there is none.
    pub(crate) fn message_age(&self) -> Duration {
        match self.connection.coming.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            _ => {
                let since = self.connection.coming_since.load(Ordering::Relaxed);
                Duration::from_millis(self.connection.now().saturating_sub(since))
            }
        }
    }

    /// Reserves the `bytes` of a message for as long as its operation runs. `None`: too little of the budget is left.
    pub(crate) fn keep_message(&self, bytes: usize) -> Option<KeptMessage> {
        self.connection.running.fetch_add(bytes, Ordering::Relaxed);
        let kept = KeptMessage { connection: self.connection.clone(), bytes };
        self.connection.hold_messages().then_some(kept)
    }

    /// Reserves the `bytes` of a result until the client has read it. `None`: too little of the budget is left.
    pub(crate) fn keep_result(&self, bytes: usize) -> Option<Reservation> {
        let reservation = self.results.reserve();
        reservation.cover(bytes).then_some(reservation)
    }
}

/// The reserved bytes of a running operation's message. Dropping it frees them.
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
