//! Addresses of services as a log may show them, and whether anything answers there.

use std::time::Duration;

use tokio::{net::TcpStream, time::timeout};
use url::Url;

/// How long to wait for a connection before an address counts as silent.
const PATIENCE: Duration = Duration::from_secs(3);

/// The address without user, password and parameters.
pub fn redact(url: &str) -> String {
    let bare = url.split(['?', '#']).next().unwrap_or_default();
    if bare.starts_with("sqlite:") {
        return bare.to_owned();
    }
    match Url::parse(bare) {
        Ok(url) if url.has_host() => {
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
        }
        // Nothing we can take apart: then nothing is shown.
        Ok(_) | Err(_) => "an address that cannot be read".to_owned(),
    }
}

/// Whether anything takes a TCP connection at the address. Libraries that retry by themselves only say that time
/// ran out. A file, or an address without a host, is taken to be well.
pub async fn answers(url: &str) -> Result<(), String> {
    let Some(url) = Url::parse(url).ok().filter(|url| url.scheme() != "sqlite") else { return Ok(()) };
    let Some(host) = url.host_str().filter(|host| !host.is_empty()) else { return Ok(()) };
    let default = if url.scheme().starts_with("redis") { 6379 } else { 5432 };
    let port = url.port().unwrap_or(default);
    // The brackets of an IPv6 address belong to the URL, not to the address.
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
            assert_eq!(redact(url), expected);
        }
    }

    #[tokio::test]
    async fn a_listener_answers_and_a_closed_port_does_not() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = format!("redis://user:hunter2@127.0.0.1:{port}/0");
        assert_eq!(answers(&url).await, Ok(()));
        drop(listener);
        let error = answers(&url).await.unwrap_err();
        assert!(error.starts_with(&format!("nothing answers at 127.0.0.1:{port}: ")), "{error}");
        assert!(!error.contains("hunter2"));
    }
}
