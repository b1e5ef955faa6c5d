//! A wire that can be cut: a TCP proxy on a free port of this machine, in front of PostgreSQL say.

use std::{io, net::SocketAddr};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

/// The proxy. It ends when dropped.
pub struct Proxy {
    address: SocketAddr,
    target: String,
    wire: Option<JoinHandle<()>>,
}

impl Proxy {
    /// A wire to `host:port`, whole.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start(target: &str) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let wire = Some(tokio::spawn(listen(listener, target.to_owned())));
        Ok(Self { address, target: target.to_owned(), wire })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends every connection; new ones are refused, as by a server that is down.
    pub fn cut(&mut self) {
        if let Some(wire) = &self.wire {
            wire.abort();
        }
    }

    /// Lets new connections through again.
    ///
    /// # Errors
    /// Somebody else has taken the port meanwhile.
    pub async fn mend(&mut self) -> io::Result<()> {
        self.cut();
        if let Some(wire) = self.wire.take() {
            // The port is free when the task has ended, and not yet when it is told to.
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

/// Accepts connections until it is aborted; they end with it.
async fn listen(listener: TcpListener, target: String) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        connections.spawn(carry(client, target.clone()));
    }
}

/// Carries bytes both ways until one side ends. How it ended is the affair of the two at its ends.
async fn carry(mut client: TcpStream, target: String) {
    if let Ok(mut server) = TcpStream::connect(target).await {
        copy_bidirectional(&mut client, &mut server).await.ok();
    }
}
