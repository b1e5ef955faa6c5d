//! A TCP proxy whose connections a test can cut. It stands in front of PostgreSQL or another server, on a free port.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

/// The text in a request whose answer is to be lost, once.
type Fatal = Arc<Mutex<Option<&'static str>>>;

/// The proxy. It ends when this is dropped.
pub struct Proxy {
    address: SocketAddr,
    target: String,
    wire: Option<JoinHandle<()>>,
    fatal: Fatal,
}

impl Proxy {
    /// Starts a proxy to `host:port`. It accepts connections at once.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start(target: &str) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let fatal = Fatal::default();
        let wire = Some(tokio::spawn(listen(listener, target.to_owned(), fatal.clone())));
        Ok(Self { address, target: target.to_owned(), wire, fatal })
    }

    /// The address of the proxy.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends all connections and refuses new ones, like a server that is down.
    pub fn cut(&mut self) {
        if let Some(wire) = &self.wire {
            wire.abort();
        }
    }

    /// Loses the answer to the next request that contains this text: the server gets the request and does the work, and
    /// the connection ends before the client gets the answer.
    pub fn lose_answer_to(&self, text: &'static str) {
        *self.fatal.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
    }

    /// Whether the answer was lost.
    pub fn has_lost_answer(&self) -> bool {
        self.fatal.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// Accepts new connections again.
    ///
    /// # Errors
    /// Another process has taken the port in the meantime.
    pub async fn mend(&mut self) -> io::Result<()> {
        self.cut();
        if let Some(wire) = self.wire.take() {
            // Wait for the end of the task: only then the port is free.
            wire.await.ok();
        }
        let listener = TcpListener::bind(self.address).await?;
        self.wire = Some(tokio::spawn(listen(listener, self.target.clone(), self.fatal.clone())));
        Ok(())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.cut();
    }
}

/// Accepts connections until the task is aborted, which also ends them.
async fn listen(listener: TcpListener, target: String, fatal: Fatal) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        connections.spawn(carry(client, target.clone(), fatal.clone()));
    }
}

/// Copies bytes in both directions until one side ends, or until an answer is to be lost. Errors do not matter here:
/// both sides notice the end themselves.
async fn carry(client: TcpStream, target: String, fatal: Fatal) {
    let Ok(server) = TcpStream::connect(target).await else { return };
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.into_split(), server.into_split());
    let (mut sent, mut received) = (vec![0; 16 * 1024], vec![0; 16 * 1024]);
    loop {
        let copied = tokio::select! {
            count = from_client.read(&mut sent) => match count {
                Ok(count @ 1..) if take_fatal(&fatal, &sent[..count]) => {
                    // The server has done the work when it answers.
                    to_server.write_all(&sent[..count]).await.ok();
                    from_server.readable().await.ok();
                    return;
                }
                Ok(count @ 1..) => to_server.write_all(&sent[..count]).await,
                Ok(0) | Err(_) => return,
            },
            count = from_server.read(&mut received) => match count {
                Ok(count @ 1..) => to_client.write_all(&received[..count]).await,
                Ok(0) | Err(_) => return,
            },
        };
        if copied.is_err() {
            return;
        }
    }
}

/// Whether the answer to these bytes is to be lost. Says so once.
fn take_fatal(fatal: &Fatal, sent: &[u8]) -> bool {
    let mut fatal = fatal.lock().unwrap_or_else(PoisonError::into_inner);
    fatal.take_if(|text| sent.windows(text.len()).any(|part| part == text.as_bytes())).is_some()
}
