//! Mails to customers: their content ([`OrderMail`]), the message that is sent ([`Mail`]) and the sending ([`Mailer`]).
//!
//! The notification jobs read the order, fill an [`OrderMail`], send it, and settle the notification by the
//! [`SendError`]. This module uses only `domain::text` and `domain::ErrorChain` of the domain. Only `mailer` knows the
//! database: if no mail server is set, mails are stored there. `mask_address` is for logs and stored errors; a text
//! without `@` becomes `***`.

mod error;
mod mailer;
mod order;
mod setting;
mod smtp;

pub use error::SendError;
pub use mailer::Mailer;
pub use order::{Item, Kind, OrderMail, RenderError, ShipmentSummary};
pub use setting::MailSettingError;
pub use smtp::Timeouts;

/// One mail, ready to be sent by any transport.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The recipient's address, without a name. It is not checked before the mail is sent.
    pub to: String,
    /// The subject, one line.
    pub subject: String,
    /// The plain-text alternative.
    pub text: String,
    /// The HTML alternative.
    pub html: String,
    /// The part before the `@` of the `Message-ID`. A repeated mail has the same one, so that the receiving side can
    /// recognize it. A mail that somebody asked to send again has another one.
    pub message_id: String,
}

/// An email address in a form that logs may show: `j***@example.org`.
pub fn mask_address(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((user, domain)) => {
            format!("{}***@{domain}", user.chars().next().map_or(String::new(), String::from))
        }
        None => "***".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_keeps_the_first_letter_and_the_domain() {
        assert_eq!(mask_address("jane@example.org"), "j***@example.org");
        assert_eq!(mask_address("\"odd@name\"@example.org"), "\"***@example.org");
        assert_eq!(mask_address("@example.org"), "***@example.org");
        assert_eq!(mask_address("äöü@example.org"), "ä***@example.org");
        assert_eq!(mask_address("no address at all"), "***");
    }
}
