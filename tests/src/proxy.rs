//! A TCP proxy whose connections a test can cut. It stands in front of PostgreSQL or another server, on a free port.

use std::{io, net::SocketAddr};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

/// The proxy. It ends when this is dropped.
pub struct Proxy {
    address: SocketAddr,
    target: String,
    wire: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Starts a proxy to `host:port`. It accepts connections at once.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start(target: &str) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let wire = Some(tokio::spawn(listen(listener, target.to_owned())));
        Ok(Self { address, target: target.to_owned(), wire })
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
        self.wire = Some(tokio::spawn(listen(listener, self.target.clone())));
        Ok(())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.cut();
    }
}

/// Accepts connections until the task is aborted, which also ends them.
async fn listen(listener: TcpListener, target: String) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        connections.spawn(carry(client, target.clone()));
    }
}

/// Copies bytes in both directions until one side ends. Errors do not matter here: both sides notice the end
/// themselves.
async fn carry(mut client: TcpStream, target: String) {
    if let Ok(mut server) = TcpStream::connect(target).await {
        copy_bidirectional(&mut client, &mut server).await.ok();
    }
}
