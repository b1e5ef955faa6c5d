//! The bodies of requests and responses, with their limits.
//!
//! A [`RequestBody`] has a deadline and a share of the memory for bodies. A [`ResponseBody`] has a share of the memory
//! for large responses, and marks the end of its request when it is dropped. `connection` limits the time that a client
//! has to read it. When the memory is used up:
//! 1. A [`RequestBody`] ends another connection and waits for its memory. It fails if there is no connection to end, or
//!    if the memory is not free in time.
//! 2. A response ends connections whose clients do not read, and waits. If the memory is not free in time, `service`
//!    responds 503.

use std::{
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use super::{budget::Reservation, connection::Connection, limits::MAX_BUFFER, slots::ConnectionSlots};

/// Why the body of a request could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    /// The body was not complete at its deadline.
    #[error("the body did not come in time")]
    TooSlow,
    /// The memory for bodies is used up.
    #[error("too many bodies are being received")]
    Busy,
    /// The connection broke off, or the body is malformed.
    #[error("the body broke off or is malformed")]
    BrokenOff(#[source] hyper::Error),
}

/// The body of a request, with its deadline and its share of the memory.
pub(super) struct RequestBody {
    incoming: Incoming,
    received: usize,
    deadline: Instant,
    /// Waits for the deadline. It is made only when the body does not come at once.
    timer: Option<Pin<Box<Sleep>>>,
    reservation: Arc<Reservation>,
    connection: Arc<Connection>,
    slots: Arc<ConnectionSlots>,
    /// A frame for which there was no memory when it was received.
    waiting: Option<Waiting>,
}

/// A frame that waits until other requests have freed memory.
struct Waiting {
    frame: Frame<Bytes>,
    until: Instant,
    retry: Pin<Box<Sleep>>,
}

/// How long a frame or a response waits for memory.
const WAIT: Duration = Duration::from_millis(500);
/// The time between two attempts to get the memory.
const RETRY: Duration = Duration::from_millis(10);

impl RequestBody {
    pub(super) fn new(
        incoming: Incoming,
        deadline: Instant,
        reservation: Arc<Reservation>,
        connection: Arc<Connection>,
        slots: Arc<ConnectionSlots>,
    ) -> Self {
        Self { incoming, received: 0, deadline, timer: None, reservation, connection, slots, waiting: None }
    }

    /// Passes on a frame that is already counted in `received`.
    ///
    /// When there is no memory for it, it ends another connection ([`ConnectionSlots::evict_stalled_body`]) and tries
    /// again until `until`, or for [`WAIT`]. It fails with [`BodyError::Busy`] when that time has passed, or when the
    /// first attempt found no connection to end.
    fn admit_frame(
        &mut self,
        frame: Frame<Bytes>,
        until: Option<Instant>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.reservation.try_resize(self.received) {
            if self.incoming.is_end_stream() {
                self.connection.record_body_end();
            }
            return Poll::Ready(Some(Ok(frame)));
        }
        let evicted = self.slots.evict_stalled_body(&self.connection);
        let until = match until {
            None if evicted => Instant::now() + WAIT,
            Some(until) if Instant::now() < until => until,
            None | Some(_) => return Poll::Ready(Some(Err(BodyError::Busy))),
        };
        let mut retry = Box::pin(sleep(RETRY));
        if retry.as_mut().poll(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
        self.waiting = Some(Waiting { frame, until, retry });
        Poll::Pending
    }
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        if let Some(mut waiting) = this.waiting.take() {
            if waiting.retry.as_mut().poll(cx).is_pending() {
                this.waiting = Some(waiting);
                return Poll::Pending;
            }
            return this.admit_frame(waiting.frame, Some(waiting.until), cx);
        }
        let Poll::Ready(frame) = Pin::new(&mut this.incoming).poll_frame(cx) else {
            let timer = this.timer.get_or_insert_with(|| Box::pin(sleep_until(this.deadline)));
            ready!(timer.as_mut().poll(cx));
            return Poll::Ready(Some(Err(BodyError::TooSlow)));
        };
        match frame {
            Some(Ok(frame)) => {
                this.received += frame.data_ref().map_or(0, Bytes::len);
                this.connection.body_bytes.store(this.received, Ordering::Relaxed);
                this.admit_frame(frame, None, cx)
            }
            Some(Err(error)) => Poll::Ready(Some(Err(BodyError::BrokenOff(error)))),
            None => {
                this.connection.record_body_end();
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.waiting.is_none() && self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

/// The body of a response. Dropping it ends the request.
///
/// It is handed out in parts of at most the size of the connection's buffer. So hyper drops it after the client has
/// read all but the last part, and not as soon as the only frame is in the buffer.
pub(super) struct ResponseBody {
    pub(super) body: Body,
    /// The part of the latest frame that is not handed out yet.
    pub(super) rest: Bytes,
    pub(super) _held: Held,
}

/// The resources of a request and its response. Dropping them ends the request.
pub(super) struct Held {
    pub(super) connection: Arc<Connection>,
    /// The reservation for the body of the request.
    pub(super) _body: Option<Arc<Reservation>>,
    /// The reservation for the response, if it is large.
    pub(super) response: Option<Reservation>,
}

impl Held {
    /// Reserves memory for a response of this many bytes, and waits for it up to [`WAIT`]. `false`: there was none.
    /// While it waits, it ends connections whose clients do not read their responses.
    pub(super) async fn reserve_response(&mut self, bytes: usize, slots: &ConnectionSlots) -> bool {
        let until = Instant::now() + WAIT;
        let reservation = slots.responses.open_reservation();
        while !reservation.try_resize(bytes) {
            if Instant::now() >= until {
                return false;
            }
            slots.evict_stalled_reader();
            sleep(RETRY).await;
        }
        self.connection.response_bytes.store(bytes, Ordering::Relaxed);
        self.response = Some(reservation);
        true
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.connection.end_request();
    }
}

impl HttpBody for ResponseBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            let frame = match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => frame,
                ended => return Poll::Ready(ended),
            };
            match frame.into_data() {
                Ok(data) => self.rest = data,
                Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
            }
        }
        let part = self.rest.len().min(MAX_BUFFER);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(part)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (body, rest) = (self.body.size_hint(), self.rest.len() as u64);
        let mut both = SizeHint::new();
        both.set_lower(body.lower() + rest);
        if let Some(upper) = body.upper() {
            both.set_upper(upper + rest);
        }
        both
    }
}
