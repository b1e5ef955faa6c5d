//! Mail to customers: what it says ([`OrderMail`]), what leaves ([`Mail`]) and how ([`Mailer`]).
//!
//! Called by the notification jobs, which read the order, fill an [`OrderMail`], send it and settle the notification's
//! row by what [`SendError`] says. Of the domain only `domain::text` is used here, and only `mailer` knows the database: without a mail
//! server the mails stay there.

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

/// One mail, ready to leave by whatever transport.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The recipient's address, without a name. It may be anything here; sending checks it.
    pub to: String,
    /// The subject, one line.
    pub subject: String,
    /// The plain-text alternative.
    pub text: String,
    /// The HTML alternative.
    pub html: String,
    /// What stands before the `@` of the `Message-ID`: the notification's key. The same notification sent again carries
    /// the same one, so that the receiving side can tell.
    pub message_id: String,
}

/// An address as logs may show it: `j***@example.org`.
pub fn mask(address: &str) -> String {
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
        assert_eq!(mask("jane@example.org"), "j***@example.org");
        assert_eq!(mask("\"odd@name\"@example.org"), "\"***@example.org");
        assert_eq!(mask("@example.org"), "***@example.org");
        assert_eq!(mask("äöü@example.org"), "ä***@example.org");
        assert_eq!(mask("no address at all"), "***");
    }
}
