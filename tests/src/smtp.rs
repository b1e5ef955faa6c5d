//! A mail server for tests, on a free port of this machine, whose behaviour the test chooses.
//!
//! It stores the mails that it accepted. A test can change its behaviour at any time, and can wait for mails and
//! attempts instead of sleeping. It supports as much SMTP (RFC 5321) as lettre uses, without TLS.

mod session;

use std::{net::SocketAddr, time::Duration};

use tokio::{net::TcpListener, sync::watch, task::AbortHandle};

/// What the server does with the next command, mail or connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Accepts every mail.
    Accept,
    /// Answers `AUTH` with 535.
    RefuseLogin,
    /// Answers `MAIL FROM` with this code and text.
    RefuseSender(u16, &'static str),
    /// Answers `RCPT TO` with this code and text.
    RefuseRecipient(u16, &'static str),
    /// Answers `RCPT TO` with 451, which means: try again later.
    Greylist,
    /// Reads the content and answers it with this code and text.
    RefuseContent(u16, &'static str),
    /// Closes every connection without an answer, like a server that is down.
    Closed,
    /// Stores the mail, then closes the connection without an answer.
    DropAfterData,
    /// Stores the mail, and answers only when the behaviour changes.
    Hang,
}

/// A mail as the server received it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedMail {
    /// The address of `MAIL FROM`.
    pub from: String,
    /// The addresses of `RCPT TO`.
    pub to: Vec<String>,
    /// Header and body, without dot-stuffing, with lines that end in CRLF.
    pub data: String,
}

impl ReceivedMail {
    /// Returns the value of the first header with this name, unfolded.
    pub fn header(&self, name: &str) -> Option<String> {
        let head = self.data.split("\r\n\r\n").next()?.replace("\r\n ", " ").replace("\r\n\t", " ");
        let mut lines = head.split("\r\n").filter_map(|line| line.split_once(": "));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
    }

    /// The `Message-ID` with its brackets; empty if there is none.
    pub fn message_id(&self) -> String {
        self.header("Message-ID").unwrap_or_default()
    }

    /// The `Subject`; empty if there is none.
    pub fn subject(&self) -> String {
        self.header("Subject").unwrap_or_default()
    }

    /// Returns header and body with quoted-printable decoded, to search for words and links.
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

/// The server. It ends when this is dropped.
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

/// How long to wait for an expected event. It is long because a test machine may be slow; only a failing test waits so
/// long.
const PATIENCE: Duration = Duration::from_secs(30);

impl SmtpServer {
    /// Starts a server on a free port of 127.0.0.1.
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

    /// The URL for the setting `SMTP_URL`: `smtp://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// The address, for other forms of the URL.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes the behaviour from now on.
    pub fn behave(&self, behaviour: Behaviour) {
        self.shared.behaviour.send_replace(behaviour);
    }

    /// The stored mails, in the sequence in which they were received.
    pub fn mails(&self) -> Vec<ReceivedMail> {
        self.shared.mails.borrow().clone()
    }

    /// Counts the mails that clients began (`MAIL FROM`) and the new connections that were closed without an answer.
    pub fn attempts(&self) -> usize {
        *self.shared.attempts.borrow()
    }

    /// Counts the connections that clients made.
    pub fn connections(&self) -> usize {
        *self.shared.connections.borrow()
    }

    /// Waits until `n` mails are stored, and returns all of them. Panics after `PATIENCE`.
    pub async fn wait_for(&self, n: usize) -> Vec<ReceivedMail> {
        let mut mails = self.shared.mails.subscribe();
        match tokio::time::timeout(PATIENCE, mails.wait_for(|mails| mails.len() >= n)).await {
            Ok(Ok(mails)) => mails.clone(),
            Ok(Err(_)) | Err(_) => panic!("waited for {n} mails, there are {:?}", self.mails()),
        }
    }

    /// Waits until there were `n` attempts; see [`SmtpServer::attempts`]. Panics after `PATIENCE`.
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
