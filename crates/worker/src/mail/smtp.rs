//! Sends mails by SMTP, one step at a time, over lettre's connection. [`super::Mailer`] uses it.
//!
//! Lettre's pooled transport is not used, for three reasons:
//! 1. It has no timeout once it is connected.
//! 2. It puts a connection back into its pool when a send was cancelled half-way.
//! 3. When a connection breaks, it does not tell whether the content had been sent already. That decides whether the
//!    mail can be sent again or may have been delivered.
//!
//! Every step has a timeout (`run_step`). Its failure becomes a [`SendError`], by the step and the code of the answer
//! (`classify_failure`). A failure before the recipient is named is transient. Up to [`MAX_IDLE`] connections are kept
//! after a success; one that is older than [`IDLE`], or does not answer, is dropped and replaced.
//! `take_idle` is `None` if no connection is kept.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::text::single_line;
use lettre::{
    address::Envelope,
    transport::smtp::{
        authentication::DEFAULT_MECHANISMS,
        client::{AsyncSmtpConnection, Tls},
        commands::{Data, Mail, Noop, Rcpt},
        extension::{ClientId, Extension, MailParameter},
    },
};
use tokio::time::{Instant, timeout};

use super::{SendError, setting::SmtpSetting};

/// Timeouts for a mail server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For opening the TCP connection.
    pub connect: Duration,
    /// For one step: greeting and TLS together, login, each command, the content.
    pub step: Duration,
}

impl Timeouts {
    /// The timeouts in production. RFC 5321 (4.5.3.2) recommends minutes. Shorter ones suffice, because the
    /// notification is retried.
    pub const DEFAULT: Self = Self { connect: Duration::from_secs(10), step: Duration::from_secs(30) };
}

/// How long an idle connection is kept. Servers close an idle connection after a minute or more.
const IDLE: Duration = Duration::from_secs(45);
/// Largest number of idle connections.
const MAX_IDLE: usize = 4;

/// The settings of one mail server, and its idle connections.
pub(super) struct Smtp {
    setting: SmtpSetting,
    timeouts: Timeouts,
    idle: Mutex<Vec<(AsyncSmtpConnection, Instant)>>,
}

impl Smtp {
    pub fn new(setting: SmtpSetting, timeouts: Timeouts) -> Self {
        Self { setting, timeouts, idle: Mutex::default() }
    }

    /// Sends one message. `before_content` runs after the recipient was accepted and before the content is sent; its
    /// error ends the attempt.
    ///
    /// The connection is reused only after the last answer of the server. In every other case an answer may still be on
    /// its way, and could be mistaken for the answer to another message.
    pub async fn send(
        &self,
        envelope: &Envelope,
        message: &[u8],
        before_content: impl Future<Output = Result<(), SendError>>,
    ) -> Result<(), SendError> {
        let mut connection = self.reuse_or_connect().await?;
        let mut options = Vec::new();
        if envelope.to().iter().any(|to| !to.to_string().is_ascii()) {
            if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
                let reason =
                    "the address is not ASCII, and the mail server does not offer SMTPUTF8".to_owned();
                return Err(SendError::Permanent { reason });
            }
            options.push(MailParameter::SmtpUtfEight);
        }
        let from = Mail::new(envelope.from().cloned(), options);
        self.run_step(Step::Sender, connection.command(from)).await?;
        for to in envelope.to() {
            self.run_step(Step::Recipient, connection.command(Rcpt::new(to.clone(), Vec::new()))).await?;
        }
        before_content.await?;
        self.run_step(Step::Data, connection.command(Data)).await?;
        self.run_step(Step::Content, connection.message(message)).await?;
        self.keep_idle(connection);
        Ok(())
    }

    /// Opens a new connection and sends NOOP. Every failure is transient.
    pub async fn check(&self) -> Result<(), SendError> {
        let mut connection = self.connect().await?;
        self.run_step(Step::Connect, connection.command(Noop)).await?;
        self.keep_idle(connection);
        Ok(())
    }

    /// Returns an idle connection that still answers, or opens a new one.
    async fn reuse_or_connect(&self) -> Result<AsyncSmtpConnection, SendError> {
        while let Some((mut connection, since)) = self.take_idle() {
            if since.elapsed() < IDLE && self.run_step(Step::Connect, connection.command(Noop)).await.is_ok()
            {
                return Ok(connection);
            }
        }
        self.connect().await
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, SendError> {
        let SmtpSetting { host, port, tls, credentials } = &self.setting;
        let at_once = match tls {
            Tls::Wrapper(parameters) => Some(parameters.clone()),
            Tls::None | Tls::Opportunistic(_) | Tls::Required(_) => None,
        };
        let hello = ClientId::default();
        let open = AsyncSmtpConnection::connect_tokio1(
            (host.as_str(), *port),
            Some(self.timeouts.connect),
            &hello,
            at_once,
            None,
        );
        let mut connection = self.run_step(Step::Connect, open).await?;
        match tls {
            Tls::Required(parameters) => {
                self.run_step(Step::StartTls, connection.starttls(parameters.clone(), &hello)).await?;
            }
            Tls::Opportunistic(parameters) if connection.can_starttls() => {
                self.run_step(Step::StartTls, connection.starttls(parameters.clone(), &hello)).await?;
            }
            Tls::None | Tls::Wrapper(_) | Tls::Opportunistic(_) => {}
        }
        if let Some(credentials) = credentials {
            self.run_step(Step::Login, connection.auth(DEFAULT_MECHANISMS, credentials)).await?;
        }
        Ok(connection)
    }

    async fn run_step<T>(
        &self,
        step: Step,
        work: impl Future<Output = Result<T, lettre::transport::smtp::Error>>,
    ) -> Result<T, SendError> {
        match timeout(self.timeouts.step, work).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                Err(self.classify_failure(step, SmtpReply::from_error(&error), &describe_error(&error)))
            }
            Err(_) => Err(self.classify_failure(
                step,
                SmtpReply::None,
                &format!("no answer in {:?}", self.timeouts.step),
            )),
        }
    }

    /// Classifies the failure of a step. A failure before the recipient is named concerns our settings or the server,
    /// never the recipient: the mail waits.
    fn classify_failure(&self, step: Step, answer: SmtpReply, words: &str) -> SendError {
        let reason = match step {
            Step::Connect => format!("connecting to {}:{}: {words}", self.setting.host, self.setting.port),
            Step::StartTls | Step::Login | Step::Sender | Step::Recipient | Step::Data | Step::Content => {
                format!("{step}: {words}")
            }
        };
        match (step, answer) {
            (Step::Connect | Step::StartTls | Step::Login | Step::Sender, _) => {
                SendError::Transient { reason }
            }
            (Step::Recipient | Step::Data | Step::Content, SmtpReply::Refused) => {
                SendError::Permanent { reason }
            }
            (_, SmtpReply::Later | SmtpReply::LoginWanted) => SendError::Transient { reason },
            (Step::Recipient | Step::Data, SmtpReply::None) => SendError::Transient { reason },
            (Step::Content, SmtpReply::None) => SendError::Unknown { reason },
        }
    }

    fn take_idle(&self) -> Option<(AsyncSmtpConnection, Instant)> {
        self.lock_idle().pop()
    }

    fn keep_idle(&self, connection: AsyncSmtpConnection) {
        let mut idle = self.lock_idle();
        idle.retain(|(_, since)| since.elapsed() < IDLE);
        if idle.len() < MAX_IDLE {
            idle.push((connection, Instant::now()));
        }
    }

    fn lock_idle(&self) -> MutexGuard<'_, Vec<(AsyncSmtpConnection, Instant)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The steps of sending a mail, in this sequence.
#[derive(Clone, Copy)]
enum Step {
    Connect,
    StartTls,
    Login,
    Sender,
    Recipient,
    Data,
    Content,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connecting",
            Self::StartTls => "switching to TLS",
            Self::Login => "logging in (user and password of the SMTP URL)",
            Self::Sender => "the sender (MAIL FROM)",
            Self::Recipient => "the recipient (RCPT TO)",
            Self::Data => "before the content (DATA)",
            Self::Content => "after the content",
        })
    }
}

/// The answer of the server to a failed step.
#[derive(Clone, Copy)]
enum SmtpReply {
    /// A reply 4xx: the server may take it later.
    Later,
    /// 5xx about the login (RFC 4954, 6), at any step: one of our settings is wrong.
    LoginWanted,
    /// Another reply 5xx: the server will never take it.
    Refused,
    /// No answer, or an unreadable one.
    None,
}

impl SmtpReply {
    fn from_error(error: &lettre::transport::smtp::Error) -> Self {
        match error.status().map(u16::from) {
            Some(530 | 534 | 535 | 538) => Self::LoginWanted,
            Some(500..) => Self::Refused,
            Some(_) => Self::Later,
            None => Self::None,
        }
    }
}

/// The server's answer with its code, or a description of what happened instead.
fn describe_error(error: &lettre::transport::smtp::Error) -> String {
    let said = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    match error.status() {
        Some(code) => single_line(&format!("{code} {said}")),
        None if said == "incomplete response" => "the server closed the connection".to_owned(),
        None => single_line(&error.to_string()),
    }
}
