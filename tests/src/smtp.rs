//! A mail server for tests, on a free port of this machine, that does what it is told.
//!
//! It keeps what it took, can be told to behave otherwise at any time, and says when something happened, so
//! that no test sleeps. It speaks as much SMTP (RFC 5321) as lettre does; no TLS.

mod session;

use std::{net::SocketAddr, time::Duration};

use tokio::{net::TcpListener, sync::watch, task::AbortHandle};

/// What the server does with the next command, mail or connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Takes every mail.
    Accept,
    /// Answers `AUTH` with 535.
    RefuseLogin,
    /// Answers `MAIL FROM` with this code and text.
    RefuseSender(u16, &'static str),
    /// Answers `RCPT TO` with this code and text.
    RefuseRecipient(u16, &'static str),
    /// Answers `RCPT TO` with 451: come again later.
    Greylist,
    /// Takes the content and answers with this code and text.
    RefuseContent(u16, &'static str),
    /// Closes every connection without a word: a server that is down.
    Closed,
    /// Takes and keeps the mail, then closes without an answer.
    DropAfterData,
    /// Takes and keeps the mail, and does not answer until the behaviour changes.
    Hang,
}

/// A mail as the server got it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedMail {
    /// The address of `MAIL FROM`.
    pub from: String,
    /// The addresses of `RCPT TO`.
    pub to: Vec<String>,
    /// Header and body, dots unstuffed, lines ending in CRLF.
    pub data: String,
}

impl ReceivedMail {
    /// The value of the first header of that name, unfolded.
    pub fn header(&self, name: &str) -> Option<String> {
        let head = self.data.split("\r\n\r\n").next()?.replace("\r\n ", " ").replace("\r\n\t", " ");
        let mut lines = head.split("\r\n").filter_map(|line| line.split_once(": "));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
    }

    /// The `Message-ID`, brackets included; empty without one.
    pub fn message_id(&self) -> String {
        self.header("Message-ID").unwrap_or_default()
    }

    /// The `Subject`; empty without one.
    pub fn subject(&self) -> String {
        self.header("Subject").unwrap_or_default()
    }

    /// Everything with quoted-printable undone, for looking for words and links.
    pub fn readable(&self) -> String {
        let mut bytes = Vec::new();
        let joined = self.data.replace("=\r\n", "");
        let mut rest = joined.as_str();
        while let Some((before, after)) = rest.split_once('=') {
            bytes.extend_from_slice(before.as_bytes());
            let byte = after.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
            bytes.push(byte.unwrap_or(b'='));
            rest = if byte.is_some() { &after[2..] } else { after };
        }
        bytes.extend_from_slice(rest.as_bytes());
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// The server. It ends when dropped.
pub struct SmtpServer {
    address: SocketAddr,
    shared: Shared,
    listener: AbortHandle,
}

#[derive(Clone)]
struct Shared {
    behaviour: watch::Sender<Behaviour>,
    mails: watch::Sender<Vec<ReceivedMail>>,
    attempts: watch::Sender<usize>,
    connections: watch::Sender<usize>,
}

/// How long to wait for what must come. Long, because a test machine may be busy; nobody waits it out but a
/// test that fails.
const PATIENCE: Duration = Duration::from_secs(30);

impl SmtpServer {
    /// A server on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start(behaviour: Behaviour) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shared = Shared {
            behaviour: watch::Sender::new(behaviour),
            mails: watch::Sender::default(),
            attempts: watch::Sender::default(),
            connections: watch::Sender::default(),
        };
        let listener = tokio::spawn(session::listen(listener, shared.clone())).abort_handle();
        Ok(Self { address, shared, listener })
    }

    /// The URL for the setting: `smtp://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// Its address, for URLs of other forms.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on it does this.
    pub fn behave(&self, behaviour: Behaviour) {
        self.shared.behaviour.send_replace(behaviour);
    }

    /// The mails it took, in their order.
    pub fn mails(&self) -> Vec<ReceivedMail> {
        self.shared.mails.borrow().clone()
    }

    /// How often a mail was begun (`MAIL FROM`), or a connection closed without a word.
    pub fn attempts(&self) -> usize {
        *self.shared.attempts.borrow()
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        *self.shared.connections.borrow()
    }

    /// Waits until it took `n` mails, and gives all of them. Panics when they do not come.
    pub async fn wait_for(&self, n: usize) -> Vec<ReceivedMail> {
        let mut mails = self.shared.mails.subscribe();
        match tokio::time::timeout(PATIENCE, mails.wait_for(|mails| mails.len() >= n)).await {
            Ok(Ok(mails)) => mails.clone(),
            Ok(Err(_)) | Err(_) => panic!("waited for {n} mails, there are {:?}", self.mails()),
        }
    }

    /// Waits until there were `n` attempts; see [`SmtpServer::attempts`]. Panics when they do not come.
    pub async fn wait_for_attempts(&self, n: usize) {
        let mut attempts = self.shared.attempts.subscribe();
        let waited = tokio::time::timeout(PATIENCE, attempts.wait_for(|attempts| *attempts >= n)).await;
        assert!(matches!(waited, Ok(Ok(_))), "waited for {n} attempts, there were {}", self.attempts());
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        self.listener.abort();
    }
}
