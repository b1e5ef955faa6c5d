//! E-mail addresses of customers, checked by the rules of mail servers. `order/recipients.rs`, `app::orders` and
//! `milepost token` parse what the caller gave. Nothing is asked of a mail server or of DNS.

use std::fmt;

use email_address::Options;

/// The longest local part and the longest address, in octets (RFC 5321, 4.5.3.1, and the erratum 1690 of RFC 3696).
const MAX_LOCAL_PART: usize = 64;
const MAX_ADDRESS: usize = 254;

/// An address that any SMTP server accepts: ASCII, an unquoted local part, a host name.
///
/// The host name is in lower case, and an internationalised one in its ASCII form (`xn--…`). The local part stays as
/// it was given, because the receiving server may tell upper and lower case apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailAddress(String);

/// Why a text is not an [`EmailAddress`]. The messages do not repeat the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEmailAddress {
    /// The address or its local part is too long.
    #[error("an e-mail address has at most {MAX_ADDRESS} octets, and {MAX_LOCAL_PART} before the @")]
    TooLong,
    /// The local part needs SMTPUTF8, which many servers do not have.
    #[error("the part of an e-mail address before the @ must be ASCII: many mail servers take nothing else")]
    LocalPartNotAscii,
    /// The local part is quoted.
    #[error("an e-mail address with a quoted local part is not supported")]
    Quoted,
    /// The part behind the @ is not a host name.
    #[error("what stands behind the @ of an e-mail address must be a host name, as in example.org")]
    Domain,
    /// The text does not have the form `name@example.org`.
    #[error(
        "that is not an e-mail address: one of the form name@example.org is needed, without a display name"
    )]
    Form,
}

impl EmailAddress {
    /// Parses one address.
    ///
    /// # Errors
    /// [`InvalidEmailAddress`], for an address that some SMTP server would refuse by its form.
    pub fn parse(text: &str) -> Result<Self, InvalidEmailAddress> {
        if text.contains(['"', '\\']) {
            return Err(InvalidEmailAddress::Quoted);
        }
        let (local, domain) = text.rsplit_once('@').ok_or(InvalidEmailAddress::Form)?;
        if !local.is_ascii() {
            return Err(InvalidEmailAddress::LocalPartNotAscii);
        }
        if local.len() > MAX_LOCAL_PART {
            return Err(InvalidEmailAddress::TooLong);
        }
        let address = format!("{local}@{}", parse_host_name(domain)?);
        if address.len() > MAX_ADDRESS {
            return Err(InvalidEmailAddress::TooLong);
        }
        let options = Options::default().without_display_text().without_domain_literal();
        match email_address::EmailAddress::parse_with_options(&address, options) {
            Ok(_) => Ok(Self(address)),
            Err(_) => Err(InvalidEmailAddress::Form),
        }
    }

    /// The address, as mail servers get it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether both are the same mailbox. Upper and lower case make no difference here: no provider of note gives two
    /// people addresses that differ in nothing else.
    pub fn is_same_mailbox(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

/// A host name in ASCII and lower case. Refuses a literal (`[192.0.2.1]`), a bare IP address, and a dot at the end.
fn parse_host_name(text: &str) -> Result<String, InvalidEmailAddress> {
    let name = if text.is_ascii() {
        text.to_ascii_lowercase()
    } else {
        // IDNA drops invisible characters and maps others, for example full-width dots. If the name does not come
        // back as it was typed, it is refused: the person who typed it sees another name than the mail server.
        let name = idna::domain_to_ascii_strict(text).map_err(|_| InvalidEmailAddress::Domain)?;
        let (shown, valid) = idna::domain_to_unicode(&name);
        if valid.is_err() || shown != text.to_lowercase() {
            return Err(InvalidEmailAddress::Domain);
        }
        name
    };
    let is_label = |label: &str| {
        let hyphens = label.starts_with('-') || label.ends_with('-');
        let letters = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        (1..=63).contains(&label.len()) && !hyphens && letters
    };
    // No top-level domain is a number (RFC 3696, section 2), so this is an IP address without its brackets.
    let is_number =
        name.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    if is_number || !name.split('.').all(is_label) {
        return Err(InvalidEmailAddress::Domain);
    }
    Ok(name)
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<EmailAddress> for String {
    fn from(address: EmailAddress) -> Self {
        address.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_every_mail_server_takes_is_an_address() {
        let local = "x".repeat(64);
        for (text, address) in [
            ("ada@example.org", "ada@example.org"),
            ("Ada.Love+shop_1@Example.ORG", "Ada.Love+shop_1@example.org"),
            ("o'hara!#$%&*/=?^`{|}~-@example.org", "o'hara!#$%&*/=?^`{|}~-@example.org"),
            ("ada@localhost", "ada@localhost"),
            ("ada@sub-1.example.co.uk", "ada@sub-1.example.co.uk"),
            ("ada@bücher.example", "ada@xn--bcher-kva.example"),
            ("ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"),
            (&format!("{local}@example.org"), &format!("{local}@example.org")),
        ] {
            assert_eq!(EmailAddress::parse(text).map(String::from).as_deref(), Ok(address), "{text}");
        }
    }

    #[test]
    fn what_some_mail_server_refuses_is_none() {
        let long_local = format!("{}@example.org", "x".repeat(65));
        let long_domain = format!("a@{}.example", vec!["x".repeat(63); 4].join("."));
        let long_label = format!("a@{}.example", "x".repeat(64));
        for text in [
            "",
            "@",
            "ada",
            "ada@",
            "@example.org",
            " ",
            "ada@ ",
            "ada @example.org",
            " ada@example.org",
            "ada@example.org ",
            "a@example.org;b@example.org",
            "a@example.org,b@example.org",
            "a@x;b@x",
            "a@b@c.org",
            "<a@b.c>",
            "Ada <ada@example.org>",
            "ada@example.org (Ada)",
            "mailto:ada@example.org\n",
            ".a@b.c",
            "a.@b.c",
            "a..b@c.d",
            "a@b..c",
            "a@.b.c",
            "a@b.c.",
            "a@-b.c",
            "a@b-.c",
            "a@b_c.d",
            "a@b c.d",
            "\"a\"@b.c",
            "\"a b\"@b.c",
            "a\\b@c.d",
            "a@[127.0.0.1]",
            "a@[IPv6:::1]",
            "a@127.0.0.1",
            "a@1",
            "a@b.1",
            "a@b.c\r\nBcc: x@y.z",
            "a\r\n@b.c",
            "a@b.c\0",
            "a\t@b.c",
            "ä@example.org",
            "a@ex\u{202e}ample.org",
            "a\u{200f}@example.org",
            "a@exa\u{200b}mple.org",
            "a@b:c",
            "a@b/c",
            "a@b.c?d",
            "a@*",
            "a@b.c\u{2028}",
            "a@ｂücher.example",
            "a@bücher．example",
            "a@xn--zzzzzz--.example",
            "a@\u{ad}ü.example",
            &long_local,
            &long_domain,
            &long_label,
        ] {
            assert!(EmailAddress::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_reason_tells_what_is_wrong() {
        for (text, reason) in [
            ("ä@example.org", InvalidEmailAddress::LocalPartNotAscii),
            ("\"a\"@example.org", InvalidEmailAddress::Quoted),
            ("a@[127.0.0.1]", InvalidEmailAddress::Domain),
            ("a@x;b@x", InvalidEmailAddress::Form),
        ] {
            assert_eq!(EmailAddress::parse(text), Err(reason), "{text}");
        }
    }

    #[test]
    fn cases_do_not_make_another_mailbox() {
        let parse = |text| EmailAddress::parse(text).unwrap();
        assert!(parse("Ada@Example.org").is_same_mailbox(&parse("ada@example.ORG")));
        assert!(!parse("ada@example.org").is_same_mailbox(&parse("eve@example.org")));
    }
}
