//! The HTTP listener: accepts connections, serves the router on them, and limits the time, the number of connections
//! and the memory that clients can use.
//!
//! The binary calls [`serve`] for every role. The modules:
//! - `limits`: the limits and their defaults.
//! - `slots`: which connections are open, and which one is closed when there are too many.
//! - `connection`: the state of one connection; `phase`: its phases and the reasons to end it.
//! - `handle` and `message_memory`: what a WebSocket needs of its connection.
//! - `stream` and `body`: count the bytes of one connection and of one request.
//! - `budget`: the memory that all connections share.

mod body;
mod budget;
mod connection;
mod handle;
mod limits;
mod message_memory;
mod phase;
mod service;
mod slots;
mod stream;
#[cfg(test)]
mod tests;

use std::{
    error::Error,
    io::{self, ErrorKind},
    net::SocketAddr,
    pin::pin,
    sync::Arc,
    time::Duration,
};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    time::{Instant, sleep},
};
use tokio_util::{
    sync::CancellationToken,
    task::{AbortOnDropHandle, TaskTracker},
};

pub(crate) use body::BodyError;
pub(crate) use budget::Reservation;
use connection::Connection;
pub(crate) use handle::Handle;
pub use limits::HttpLimits;
#[cfg(target_os = "linux")]
use limits::MAX_UNSENT;
use limits::{MAX_BUFFER, MAX_HEAD};
pub(crate) use message_memory::KeptMessage;
use phase::End;
use service::Service;
pub(crate) use service::Static;
use slots::ConnectionSlots;
use stream::Stream;

/// The pause after an accept that failed because a resource of the system is used up, for example open files.
const PAUSE: Duration = Duration::from_millis(100);
/// The pause after such a failure when [`serve`] has closed a connection to free the resource.
const SHORT_PAUSE: Duration = Duration::from_millis(5);
/// The shortest time between two log lines about connections that were not accepted.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// Serves the router until `stop` is cancelled. Then it answers the requests that it has received completely, and
/// returns. It closes idle connections and incomplete requests at once.
pub async fn serve(listener: TcpListener, router: Router, limits: HttpLimits, stop: CancellationToken) {
    let server =
        Server { router, slots: ConnectionSlots::new(limits), connections: TaskTracker::new(), stop };
    let _sweep = AbortOnDropHandle::new(tokio::spawn(server.slots.clone().sweep_forever()));
    #[cfg(target_os = "linux")]
    if let Err(error) = socket2::SockRef::from(&listener).set_tcp_notsent_lowat(MAX_UNSENT) {
        tracing::warn!(error = &error as &dyn Error, "the system may buffer much for slow clients");
    }
    let mut complaint = Complaint::default();
    while let Some(accepted) = server.stop.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, from)) => server.start_connection(stream, from, &mut complaint),
            Err(error) if concerns_one_connection(&error) => {}
            Err(error) => {
                complaint.log_rarely(|| {
                    tracing::error!(
                        error = &error as &dyn Error,
                        "no connection can be accepted; trying again"
                    )
                });
                // When too many files are open, one connection less helps. Its task needs a moment to close it.
                let pause = if server.slots.evict_any() { SHORT_PAUSE } else { PAUSE };
                if server.stop.run_until_cancelled(sleep(pause)).await.is_none() {
                    break;
                }
            }
        }
    }
    drop(listener);
    server.connections.close();
    server.connections.wait().await;
}

/// Whether an accept failed because of the one connection. The next accept can then succeed, without a pause.
fn concerns_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset
    )
}

struct Server {
    router: Router,
    slots: Arc<ConnectionSlots>,
    connections: TaskTracker,
    stop: CancellationToken,
}

impl Server {
    fn start_connection(&self, stream: TcpStream, from: SocketAddr, complaint: &mut Complaint) {
        let Some(slot) = self.slots.take_slot(from.ip()) else {
            complaint.log_rarely(|| tracing::warn!("every connection is taken, further ones are closed"));
            return;
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(error = &error as &dyn Error, "a connection broke off");
            return;
        }
        let connection = slot.connection.clone();
        let stream = Stream::new(stream, slot, self.connections.clone(), self.stop.clone());
        let service = Service {
            router: self.router.clone(),
            slots: self.slots.clone(),
            connection: connection.clone(),
        };
        self.connections.spawn(serve_connection(stream, service, connection, self.stop.clone()));
    }
}

/// Serves one connection until it ends.
async fn serve_connection(
    stream: Stream,
    service: Service,
    connection: Arc<Connection>,
    stop: CancellationToken,
) {
    let mut conversation = pin!(
        http1::Builder::new()
            // The sweep checks this timeout together with the others.
            .header_read_timeout(None)
            .max_header_size(MAX_HEAD)
            .max_buf_size(MAX_BUFFER)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades()
    );
    let ended = tokio::select! {
        biased;
        ended = conversation.as_mut() => ended,
        () = stop.cancelled() => {
            if !connection.owes_response() {
                connection.end(End::Stopped);
                return;
            }
            conversation.as_mut().graceful_shutdown();
            conversation.await
        }
    };
    match (ended, connection.end_reason()) {
        (Err(_), Some(end)) => {
            tracing::debug!(address = %connection.address, %end, "a connection was closed")
        }
        (Err(error), None) => {
            if error.is_parse() {
                connection.linger();
            }
            tracing::debug!(address = %connection.address, error = &error as &dyn Error, "a connection broke off");
        }
        (Ok(()), _) => {}
    }
}

/// Limits how often a log line is written, because many clients at once could otherwise fill the log.
#[derive(Default)]
struct Complaint(Option<Instant>);

impl Complaint {
    fn log_rarely(&mut self, log: impl FnOnce()) {
        if self.0.is_none_or(|last| last.elapsed() >= LOG_EVERY) {
            self.0 = Some(Instant::now());
            log();
        }
    }
}
