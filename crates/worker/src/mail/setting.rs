//! Parses the two mail settings: the SMTP URL and the sender. A part of the URL that would be ignored is an error, and
//! so is a password that would be sent unencrypted to another machine.
//!
//! `mailer` calls `SmtpSetting::parse` and `parse_from` when it is created; nothing connects here. Without a port in
//! the URL, the scheme and `tls` choose it. `find_unexpected_part` and `parse_credentials` answer `None` if the URL has
//! no such part. An address of the sender that is not ASCII is refused.

use std::net::IpAddr;

use lettre::{
    message::Mailbox,
    transport::smtp::{
        authentication::Credentials,
        client::{Tls, TlsParameters},
    },
};
use percent_encoding::percent_decode_str;
use url::{Host, Url};

/// The mail server and how to connect to it.
pub(super) struct SmtpSetting {
    /// Name or IP address of the server.
    pub host: String,
    pub port: u16,
    pub tls: Tls,
    /// User and password, if the URL contains them.
    pub credentials: Option<Credentials>,
}

/// An invalid mail setting. Never contains the password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailSettingError {
    /// The SMTP URL is not a URL.
    #[error(
        "the SMTP URL is not a URL: {0}; an example: smtp://user:password@mail.example.org:587?tls=required"
    )]
    Url(url::ParseError),
    /// The scheme is neither `smtp` nor `smtps`.
    #[error("the SMTP URL begins with {0:?}; it must be smtp:// or smtps://")]
    Scheme(String),
    /// The URL has no host.
    #[error("the SMTP URL names no server")]
    Host,
    /// The URL has a part without meaning here, which would be ignored silently.
    #[error("the SMTP URL has {0:?}, which means nothing there; the only parameter is tls")]
    Surplus(String),
    /// The parameter `tls` has an unknown value.
    #[error(
        "the SMTP URL has tls={0:?}; smtp:// knows required, opportunistic and none, smtps:// needs no tls"
    )]
    Tls(String),
    /// TLS cannot be set up, or the name of the server cannot be checked against a certificate.
    #[error("TLS cannot be used with the server {host:?}: {reason}")]
    TlsSetup {
        /// The host of the URL.
        host: String,
        /// The error of the library.
        reason: String,
    },
    /// The URL has a user without a password, or a password without a user.
    #[error("the SMTP URL needs both a user and a password, or neither")]
    HalfLogin,
    /// User or password contain a character that ends the login early, or percent signs that do not decode to text.
    #[error(
        "user or password in the SMTP URL is not percent-encoded: / is %2F, ? is %3F, # is %23, % is %25"
    )]
    LoginEncoding,
    /// The password would be sent unencrypted to a server that is not on this machine.
    #[error(
        "the SMTP URL would send the password unencrypted to {0:?}: add ?tls=required, or ?tls=none if you mean it"
    )]
    OpenPassword(String),
    /// The sender is not an email address.
    #[error("the sender {from:?} is not an address ({reason}); an example: Shop <orders@example.org>")]
    From {
        /// The setting as written.
        from: String,
        /// The error of the library.
        reason: String,
    },
}

/// The ports of RFC 8314 and RFC 5321: submission over TLS, submission, and relay.
const SUBMISSIONS: u16 = 465;
const SUBMISSION: u16 = 587;
const RELAY: u16 = 25;

impl SmtpSetting {
    /// Parses an SMTP URL, such as `smtp://user:password@host:587?tls=required`, `smtps://…` or
    /// `smtp://localhost:1025`.
    pub fn parse(text: &str) -> Result<Self, MailSettingError> {
        let url = Url::parse(text).map_err(MailSettingError::Url)?;
        if !matches!(url.scheme(), "smtp" | "smtps") {
            return Err(MailSettingError::Scheme(url.scheme().to_owned()));
        }
        let host = match url.host() {
            Some(Host::Domain(name)) if !name.is_empty() => name.to_owned(),
            Some(Host::Ipv4(ip)) => ip.to_string(),
            Some(Host::Ipv6(ip)) => ip.to_string(),
            Some(Host::Domain(_)) | None => return Err(MailSettingError::Host),
        };
        // An `@` after the host means that an unencoded character ended the login early, and that the rest is a part of
        // the password.
        let rest = [url.path(), url.query().unwrap_or_default(), url.fragment().unwrap_or_default()];
        if rest.iter().any(|part| part.contains('@')) {
            return Err(MailSettingError::LoginEncoding);
        }
        if let Some(surplus) = find_unexpected_part(&url) {
            return Err(MailSettingError::Surplus(surplus));
        }
        let wanted = url.query_pairs().map(|(_, value)| value.into_owned()).last();
        let parameters = || {
            TlsParameters::new(host.clone())
                .map_err(|e| MailSettingError::TlsSetup { host: host.clone(), reason: e.to_string() })
        };
        let (tls, port) = match (url.scheme(), wanted.as_deref()) {
            ("smtps", None) => (Tls::Wrapper(parameters()?), SUBMISSIONS),
            ("smtp", Some("required")) => (Tls::Required(parameters()?), SUBMISSION),
            ("smtp", Some("opportunistic")) => (Tls::Opportunistic(parameters()?), SUBMISSION),
            ("smtp", Some("none") | None) => (Tls::None, RELAY),
            (_, other) => return Err(MailSettingError::Tls(other.unwrap_or_default().to_owned())),
        };
        let credentials = parse_credentials(&url)?;
        let open = wanted.is_none() && matches!(tls, Tls::None) && !is_loopback(&host);
        if credentials.is_some() && open {
            return Err(MailSettingError::OpenPassword(host));
        }
        Ok(Self { port: url.port().unwrap_or(port), host, tls, credentials })
    }
}

/// Parses the sender: `Shop <orders@example.org>` or a bare address.
pub(super) fn parse_from(text: &str) -> Result<Mailbox, MailSettingError> {
    let wrong = |reason: String| MailSettingError::From { from: text.to_owned(), reason };
    let mailbox: Mailbox = text.parse().map_err(|e: lettre::address::AddressError| wrong(e.to_string()))?;
    match mailbox.email.to_string().is_ascii() {
        true => Ok(mailbox),
        false => Err(wrong("only ASCII can be relayed everywhere".to_owned())),
    }
}

/// A path, fragment or parameter that would be ignored.
fn find_unexpected_part(url: &Url) -> Option<String> {
    let path = Some(url.path()).filter(|path| !matches!(*path, "" | "/")).map(str::to_owned);
    let fragment = url.fragment().map(|fragment| format!("#{fragment}"));
    let parameter = url.query_pairs().find(|(key, _)| key != "tls").map(|(key, _)| key.into_owned());
    path.or(fragment).or(parameter)
}

fn parse_credentials(url: &Url) -> Result<Option<Credentials>, MailSettingError> {
    let decode = |text: &str| {
        let text = percent_decode_str(text).decode_utf8().map_err(|_| MailSettingError::LoginEncoding)?;
        Ok(text.into_owned())
    };
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        ("", Some(_)) | (_, None | Some("")) => Err(MailSettingError::HalfLogin),
        (user, Some(password)) => Ok(Some(Credentials::new(decode(user)?, decode(password)?))),
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(url: &str) -> String {
        SmtpSetting::parse(url).err().expect(url).to_string()
    }

    #[test]
    fn the_forms_of_the_url() {
        let parse = |url: &str| SmtpSetting::parse(url).expect(url);

        let relay = parse("smtp://localhost:1025");
        assert_eq!((relay.host.as_str(), relay.port), ("localhost", 1025));
        assert!(matches!(relay.tls, Tls::None) && relay.credentials.is_none());

        let submission = parse("smtp://shop%40example.org:p%40ss%3Aword@mail.example.org?tls=required");
        assert_eq!(submission.port, 587);
        assert!(matches!(submission.tls, Tls::Required(_)));
        let login = Credentials::new("shop@example.org".into(), "p@ss:word".into());
        assert_eq!(submission.credentials, Some(login));

        let wrapped = parse("smtps://user:secret@mail.example.org/");
        assert_eq!(wrapped.port, 465);
        assert!(matches!(wrapped.tls, Tls::Wrapper(_)));

        assert_eq!(parse("smtp://[::1]:2525").host, "::1");
        assert_eq!(parse("smtp://mail.example.org").port, 25);
        assert!(matches!(parse("smtp://h?tls=opportunistic").tls, Tls::Opportunistic(_)));
        assert!(parse("smtp://user:secret@127.0.0.1").credentials.is_some());
        assert!(parse("smtp://user:secret@h?tls=none").credentials.is_some());
    }

    #[test]
    fn an_error_names_what_is_wrong_and_never_the_password() {
        for (url, named) in [
            ("", "not a URL"),
            ("localhost:1025", "\"localhost\""),
            ("https://user:hunter2@mail.example.org", "\"https\""),
            ("smtp:hunter2", "names no server"),
            ("smtp://user:hunter2@:587", "not a URL"),
            ("smtp://user:hunter2@mail.example.org:99999", "invalid port"),
            ("smtp://user:hunter2@mail.example.org?tls=yes", "tls=\"yes\""),
            ("smtps://user:hunter2@mail.example.org?tls=none", "tls=\"none\""),
            ("smtps://user:hunter2@mail.example.org?ssl=1", "\"ssl\""),
            ("smtps://user:hunter2@mail.example.org/inbox", "\"/inbox\""),
            ("smtps://user@mail.example.org", "both a user and a password"),
            ("smtps://:hunter2@mail.example.org", "both a user and a password"),
            ("smtps://user:hunter2%ff@mail.example.org", "percent-encoded"),
            ("smtps://user:1#hunter2@mail.example.org", "percent-encoded"),
            ("smtps://user:1/hunter2@mail.example.org", "percent-encoded"),
            ("smtp://user:1?tls=hunter2@mail.example.org", "percent-encoded"),
            ("smtp://user:hunter2@mail.example.org", "unencrypted to \"mail.example.org\""),
        ] {
            let message = error(url);
            assert!(message.contains(named), "{url}: {message}");
            assert!(!message.contains("hunter2"), "{url}: {message}");
        }
    }

    #[test]
    fn the_sender_is_an_address_with_or_without_a_name() {
        assert_eq!(parse_from("orders@localhost").unwrap().email.to_string(), "orders@localhost");
        let named = parse_from("Milepost <orders@localhost>").unwrap();
        assert_eq!(named.name.as_deref(), Some("Milepost"));
        for bad in ["", "Milepost", "Milepost <>", "a@b@c", "Örders <ö@example.org>"] {
            let message = parse_from(bad).expect_err(bad).to_string();
            assert!(message.contains(&format!("{bad:?}")), "{message}");
        }
    }
}
