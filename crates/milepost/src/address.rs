//! Prepares URLs of services for the log and for messages, and tests whether a service accepts connections.
//!
//! - `serve`, `check`, `database` and `settings::values` call `redact_url` before they print a URL. An unreadable URL
//!   becomes a fixed text, because it may contain a secret.
//! - `check` and `database` call `check_reachable` for Redis and PostgreSQL. It sends no data. `Err` is the reason as
//!   text. A SQLite URL is always `Ok`.

use std::time::Duration;

use tokio::{net::TcpStream, time::timeout};
use url::Url;

/// How long to wait for a TCP connection.
const PATIENCE: Duration = Duration::from_secs(3);

/// Returns the URL without user, password and parameters, which may be secret.
pub fn redact_url(url: &str) -> String {
    let bare = url.split(['?', '#']).next().unwrap_or_default();
    if bare.starts_with("sqlite:") {
        return bare.to_owned();
    }
    match Url::parse(bare) {
        Ok(url) if url.has_host() => {
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
        }
        // A URL that cannot be parsed may have a secret anywhere, so hide all of it.
        Ok(_) | Err(_) => "an address that cannot be read".to_owned(),
    }
}

/// Tests whether a service accepts a TCP connection at the URL, and says why not. Libraries that retry only report a
/// timeout, so this gives a better message. A file, or a URL without a host, counts as reachable.
pub async fn check_reachable(url: &str) -> Result<(), String> {
    let Some(url) = Url::parse(url).ok().filter(|url| url.scheme() != "sqlite") else { return Ok(()) };
    let Some(host) = url.host_str().filter(|host| !host.is_empty()) else { return Ok(()) };
    let default = if url.scheme().starts_with("redis") { 6379 } else { 5432 };
    let port = url.port().unwrap_or(default);
    // In a URL an IPv6 address has brackets; `TcpStream` expects it without them.
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match timeout(PATIENCE, TcpStream::connect((bare, port))).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(format!("nothing answers at {host}:{port}: {error}")),
        Err(_) => Err(format!("nothing answers at {host}:{port} within {PATIENCE:?}")),
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn no_password_is_shown() {
        for (url, expected) in [
            ("postgres://shop:hunter2@db:5433/milepost?password=hunter2", "postgres://db:5433/milepost"),
            ("redis://:hunter2@[::1]/0", "redis://[::1]/0"),
            ("smtp://shop:hunter2@mail.example.org", "smtp://mail.example.org"),
            ("sqlite://milepost.db?mode=rwc", "sqlite://milepost.db"),
            ("sqlite:///var/lib/milepost/milepost.db", "sqlite:///var/lib/milepost/milepost.db"),
            ("postgres://shop:hunter2@:99999/x", "an address that cannot be read"),
            ("hunter2", "an address that cannot be read"),
        ] {
            assert_eq!(redact_url(url), expected);
        }
    }

    #[tokio::test]
    async fn a_listener_answers_and_a_closed_port_does_not() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = format!("redis://user:hunter2@127.0.0.1:{port}/0");
        assert_eq!(check_reachable(&url).await, Ok(()));
        drop(listener);
        let error = check_reachable(&url).await.unwrap_err();
        assert!(error.starts_with(&format!("nothing answers at 127.0.0.1:{port}: ")), "{error}");
        assert!(!error.contains("hunter2"));
    }
}
