//! Sends mails by SMTP, or stores them in the database if no mail server is set. `milepost` creates one for each
//! process from the settings. The notification jobs call `send` and `shop`. The command `milepost check` calls `check`.
//!
//! `send` builds the message with its headers, then sends or stores it. A mail that cannot be built is refused
//! permanently, without a call to the server. A mail that cannot be stored waits, like one that the server does not
//! take now.

use std::fmt;

use chrono::{DateTime, Utc};
use domain::{ErrorChain, text::single_line};
use lettre::{
    Address, Message,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
};
use persistence::{
    Store,
    mailbox::{self, CaughtMail},
};
use uuid::Uuid;

use super::{
    Mail, MailSettingError, SendError, Timeouts, mask_address,
    setting::{SmtpSetting, parse_from},
    smtp::Smtp,
};

/// Sends mails. Create one per process and share it, because it keeps its connections.
pub struct Mailer {
    transport: Transport,
    from: Mailbox,
}

enum Transport {
    /// Sends mails to a mail server.
    Smtp(Box<Smtp>),
    /// Stores mails in the database, where people can look at them, because no mail server is set.
    Mailbox(Store),
}

impl Mailer {
    /// Creates a mailer that sends by SMTP. It connects when the first mail is sent, or by [`Mailer::check`].
    ///
    /// `url` is `smtp://user:password@host:587?tls=required` (STARTTLS, refused without it),
    /// `smtps://user:password@host` (TLS from the first byte) or `smtp://localhost:1025` (not encrypted); `from` is
    /// `Shop <orders@example.org>` or a bare address.
    ///
    /// # Errors
    /// The invalid setting, without the password.
    pub fn smtp(url: &str, from: &str) -> Result<Self, MailSettingError> {
        Self::smtp_with_timeouts(url, from, Timeouts::DEFAULT)
    }

    /// Like [`Mailer::smtp`], with other timeouts. Tests use it with a server that does not answer.
    ///
    /// # Errors
    /// See [`Mailer::smtp`].
    pub fn smtp_with_timeouts(url: &str, from: &str, timeouts: Timeouts) -> Result<Self, MailSettingError> {
        let smtp = Smtp::new(SmtpSetting::parse(url)?, timeouts);
        Ok(Self { transport: Transport::Smtp(Box::new(smtp)), from: parse_from(from)? })
    }

    /// Creates a mailer that stores mails in the database. They are shown at `/mailbox`.
    ///
    /// # Errors
    /// Like [`Mailer::smtp`], for `from`.
    pub fn mailbox(store: Store, from: &str) -> Result<Self, MailSettingError> {
        Ok(Self { transport: Transport::Mailbox(store), from: parse_from(from)? })
    }

    /// The name of the shop: the sender's name, or the domain of the sender's address.
    pub fn shop(&self) -> String {
        self.from.name.clone().unwrap_or_else(|| self.from.email.domain().to_owned())
    }

    /// Sends the mail, dated `at`. `Ok` means that the server has accepted it.
    ///
    /// `before_content` runs after the mail server has accepted sender and recipient, and before the content is sent:
    /// from then on the outcome may stay unknown. If it fails, the mail is not sent. Without a mail server it runs before
    /// the mail is stored.
    ///
    /// # Errors
    /// A [`SendError`]: its variant says whether to retry, its reason says why.
    pub async fn send(
        &self,
        mail: &Mail,
        at: DateTime<Utc>,
        before_content: impl Future<Output = Result<(), SendError>>,
    ) -> Result<(), SendError> {
        let message = build_message(&self.from, mail, at)?;
        let sent = match &self.transport {
            Transport::Smtp(smtp) => {
                smtp.send(message.envelope(), &message.formatted(), before_content).await
            }
            Transport::Mailbox(store) => match before_content.await {
                Ok(()) => store_in_mailbox(store, mail, at).await,
                Err(error) => Err(error),
            },
        };
        sent.map_err(|error| error.mask_address(&mail.to))
    }

    /// Checks that mails can be sent now: connects, logs in, and sends NOOP.
    ///
    /// # Errors
    /// Always [`SendError::Transient`], with the cause.
    pub async fn check(&self) -> Result<(), SendError> {
        match &self.transport {
            Transport::Smtp(smtp) => smtp.check().await,
            Transport::Mailbox(_) => Ok(()),
        }
    }
}

async fn store_in_mailbox(store: &Store, mail: &Mail, caught_at: DateTime<Utc>) -> Result<(), SendError> {
    let caught = CaughtMail {
        id: Uuid::now_v7(),
        message_id: mail.message_id.clone(),
        recipient: mail.to.clone(),
        subject: mail.subject.clone(),
        text: mail.text.clone(),
        html: mail.html.clone(),
        caught_at,
    };
    let kept = mailbox::insert(store, &caught).await;
    kept.map_err(|error| SendError::Transient {
        reason: format!("the mailbox did not take it: {}", ErrorChain(&error)),
    })
}

impl fmt::Debug for Mailer {
    /// Leaves out the transport, because it contains the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailer").field("from", &self.from).finish_non_exhaustive()
    }
}

/// Builds the message with its headers. An error is permanent, because the same mail would fail every time.
fn build_message(from: &Mailbox, mail: &Mail, at: DateTime<Utc>) -> Result<Message, SendError> {
    let refused = |reason: String| SendError::Permanent { reason };
    let to: Address = mail.to.parse().map_err(|e| {
        refused(format!("{:?} is not an address a mail can go to: {e}", mask_address(&mail.to)))
    })?;
    let id_safe = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if mail.message_id.is_empty() || !mail.message_id.chars().all(id_safe) {
        return Err(refused(format!("the message id {:?} cannot stand in a header", mail.message_id)));
    }
    // RFC 3834: tells auto-responders not to answer.
    let automatic =
        HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned());
    Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to))
        .subject(single_line(&mail.subject))
        .date(at.into())
        .message_id(Some(format!("<{}@{}>", mail.message_id, from.email.domain())))
        .raw_header(automatic)
        .multipart(MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone()))
        .map_err(|e| refused(format!("no message can be made of it: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(to: &str, subject: &str) -> Mail {
        Mail {
            to: to.to_owned(),
            subject: subject.to_owned(),
            text: "Grüße\n".to_owned(),
            html: "<p>Grüße</p>".to_owned(),
            message_id: "notify-1-shipped".to_owned(),
        }
    }

    fn format_message(mail: &Mail) -> Result<String, SendError> {
        let from = parse_from("Shop <orders@example.org>").unwrap();
        let at = "2026-11-03T08:05:09Z".parse().unwrap();
        build_message(&from, mail, at).map(|message| String::from_utf8(message.formatted()).unwrap())
    }

    #[test]
    fn the_headers_of_a_mail() {
        let message = format_message(&mail("jane@example.com", "Your order")).unwrap();
        for header in [
            "From: Shop <orders@example.org>\r\n",
            "To: jane@example.com\r\n",
            "Subject: Your order\r\n",
            "Date: Tue, 03 Nov 2026 08:05:09 +0000\r\n",
            "Message-ID: <notify-1-shipped@example.org>\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "Content-Type: multipart/alternative;",
            "Content-Type: text/plain; charset=utf-8\r\n",
            "Content-Type: text/html; charset=utf-8\r\n",
        ] {
            assert!(message.contains(header), "{header} in {message}");
        }
        assert!(message.is_ascii(), "every relay can take it");
        assert!(message.find("text/plain") < message.find("text/html"), "the best alternative comes last");
    }

    #[test]
    fn a_subject_brings_no_header() {
        for subject in ["Order\r\nBcc: eve@example.org", "Örder\r\nBcc: eve@example.org\r\n\r\nbody"] {
            let message = format_message(&mail("jane@example.com", subject)).unwrap();
            assert!(!message.lines().any(|line| line.starts_with("Bcc")), "{message}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_for_good_and_named_masked() {
        let bad = [
            "",
            "jane",
            "jane@",
            "jane@exa mple.org",
            "a@b.org\r\nRCPT TO:<eve@example.org>",
            "a@b.org,c@d.org",
        ];
        for to in bad {
            let error = format_message(&mail(to, "x")).expect_err(to);
            assert!(matches!(error, SendError::Permanent { .. }) && !error.retryable(), "{error}");
            assert!(error.to_string().contains("is not an address"), "{error}");
            assert!(!error.to_string().contains("jane"), "{error}");
        }
    }

    #[test]
    fn what_is_an_address_at_placement_can_be_mailed_by_any_server() {
        let local = "x".repeat(64);
        for text in [
            "ada@example.org",
            "Ada.Love+shop_1@Example.ORG",
            "o'hara!#$%&*/=?^`{|}~-@example.org",
            "ada@localhost",
            "ada@bücher.example",
            &format!("{local}@{}.example", ["y".repeat(63), "z".repeat(63), "w".repeat(49)].join(".")),
        ] {
            let address = domain::EmailAddress::parse(text).expect(text);
            let message = format_message(&mail(address.as_str(), "x")).expect(text);
            assert!(message.contains(&format!("To: {address}\r\n")) && message.is_ascii(), "{message}");
        }
    }

    #[test]
    fn a_quoted_local_part_brings_no_command() {
        for to in ["\"a\r\nb\"@example.org", "\"a>\r\nDATA\"@example.org", "\"a\0b\"@example.org"] {
            assert!(format_message(&mail(to, "x")).is_err(), "{to:?}");
        }
    }

    #[test]
    fn a_message_id_is_plain() {
        for id in ["", "a b", "a\r\nBcc: eve@example.org", "a@b", "ä"] {
            let error = format_message(&Mail { message_id: id.to_owned(), ..mail("jane@example.com", "x") });
            assert!(matches!(error, Err(SendError::Permanent { .. })), "{id:?}");
        }
    }
}
