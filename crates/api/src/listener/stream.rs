//! The TCP stream of one connection, with its limits.
//!
//! 1. It tells its [`Connection`] how many bytes it reads and writes.
//! 2. It fails as soon as the [`Connection`] is ended.
//! 3. After a response that was sent before the whole request was read, it reads on, so that the response arrives.

use std::{
    io::{self, ErrorKind, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures::task::AtomicWaker;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::TcpStream,
    time::sleep,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{body::BodyError, connection::Connection, slots::ConnectionSlot};

/// How long the server reads on after it was told to stop: long enough for a client that already has its response.
const AFTER_STOP: Duration = Duration::from_millis(200);

/// A TCP stream that is counted and can be ended. It holds the connection's slot.
pub(super) struct Stream {
    /// `None` only while the stream is being dropped.
    inside: Option<(TcpStream, ConnectionSlot)>,
    connection: Arc<Connection>,
    /// Counts the tasks that read on after a response, so that a stop waits for them.
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Stream {
    pub(super) fn new(
        stream: TcpStream,
        slot: ConnectionSlot,
        tasks: TaskTracker,
        stop: CancellationToken,
    ) -> Self {
        let connection = slot.connection.clone();
        Self { inside: Some((stream, slot)), connection, tasks, stop }
    }

    fn stream_unless_ended(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        match (self.connection.end_reason(), &mut self.inside) {
            (Some(end), _) => Err(io::Error::new(ErrorKind::ConnectionAborted, end.to_string())),
            (None, Some((stream, _))) => Ok(Pin::new(stream)),
            (None, None) => Err(ErrorKind::NotConnected.into()),
        }
    }

    /// Wakes the task when the connection is ended.
    fn wake_at_end(&self, waker: &AtomicWaker, cx: &Context<'_>) {
        waker.register(cx.waker());
        // The connection may have been ended before the waker was registered.
        if self.connection.end_reason().is_some() {
            cx.waker().wake_by_ref();
        }
    }

    /// Records the result of a write of `offered` bytes.
    fn record_write(
        &self,
        written: Poll<io::Result<usize>>,
        offered: usize,
        cx: &Context<'_>,
    ) -> Poll<io::Result<usize>> {
        match &written {
            Poll::Ready(Ok(bytes)) => self.connection.record_sent(*bytes, *bytes == offered),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => {
                self.connection.record_blocked();
                self.wake_at_end(&self.connection.writer, cx);
            }
        }
        written
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match self.stream_unless_ended()?.poll_read(cx, buffer) {
            Poll::Ready(Ok(())) => {
                let bytes = buffer.filled().len() - before;
                match bytes == 0 || self.connection.count_received(bytes) {
                    true => Poll::Ready(Ok(())),
                    false => Poll::Ready(Err(io::Error::other(BodyError::Busy))),
                }
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                self.wake_at_end(&self.connection.reader, cx);
                Poll::Pending
            }
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = self.stream_unless_ended()?.poll_write(cx, bytes);
        self.record_write(written, bytes.len(), cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let offered = parts.iter().map(|part| part.len()).sum();
        let written = self.stream_unless_ended()?.poll_write_vectored(cx, parts);
        self.record_write(written, offered, cx)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream_unless_ended()?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.stream_unless_ended()?.poll_shutdown(cx))?;
        Poll::Ready(Ok(()))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // Without a runtime, the process is ending.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if !self.connection.begin_lingering_if_owed() {
            return;
        }
        let rest = Self {
            inside: self.inside.take(),
            connection: self.connection.clone(),
            tasks: self.tasks.clone(),
            stop: self.stop.clone(),
        };
        self.tasks.spawn_on(read_on_and_discard(rest), &runtime);
    }
}

/// Closes the server's side, then reads and discards bytes until the client closes or the sweep ends the connection. If
/// bytes were left unread, the system would reset the connection, and the client could lose the response.
async fn read_on_and_discard(mut stream: Stream) {
    let stop = stream.stop.clone();
    let read_on = async {
        stream.shutdown().await?;
        let mut thrown_away = [0; 4096];
        while stream.read(&mut thrown_away).await? > 0 {}
        io::Result::Ok(())
    };
    // A stop of the server waits only a short time for this.
    let stopped = async {
        stop.cancelled().await;
        sleep(AFTER_STOP).await;
    };
    tokio::select! {
        read = read_on => if let Err(error) = read {
            tracing::debug!(error = &error as &dyn std::error::Error, "a connection was not read to its end");
        },
        () = stopped => {}
    }
}
