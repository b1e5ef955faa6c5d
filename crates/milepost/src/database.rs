//! The database on the way up: connecting, and migrating as soon as it answers.

use std::{future::Future, time::Duration};

use anyhow::Context;
use persistence::{Error, Result, Store};
use tokio::time::{Instant, sleep};

use crate::{address, settings::Settings};

/// How long a database may take to start, counted from our first attempt.
const PATIENCE: Duration = Duration::from_secs(30);
/// Pauses between attempts double from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LAST_PAUSE: Duration = Duration::from_secs(4);

/// The configured database. PostgreSQL is connected when it is first used.
pub async fn connect(settings: &Settings) -> anyhow::Result<Store> {
    let url = settings.database_url.expose();
    Store::connect(url, settings.database_connections)
        .await
        .with_context(|| format!("MILEPOST_DATABASE_URL: {} cannot be opened", address::shown(url)))
}

/// Brings the schema up to date, and waits for a database that is still starting.
pub async fn migrate(store: &Store, settings: &Settings) -> anyhow::Result<()> {
    match patiently(PATIENCE, || store.migrate()).await {
        Ok(()) => Ok(()),
        Err(error) => Err(explained(error, settings, "cannot be brought up to date").await),
    }
}

/// The migrations there are, and whether each was applied.
pub async fn migrations(store: &Store, settings: &Settings) -> anyhow::Result<Vec<(String, bool)>> {
    match store.migrations().await {
        Ok(migrations) => Ok(migrations),
        Err(error) => Err(explained(error, settings, "does not say how far it is").await),
    }
}

/// The error with the setting named; a pool says only that time ran out, so the address is asked itself.
async fn explained(error: Error, settings: &Settings, failed: &str) -> anyhow::Error {
    let url = settings.database_url.expose();
    let cause = match address::answers(url).await {
        Ok(()) => root(&error),
        Err(silence) => silence,
    };
    anyhow::Error::msg(cause).context(format!("MILEPOST_DATABASE_URL: {} {failed}", address::shown(url)))
}

/// Tries until it succeeds, fails in a way that will not pass, or `patience` is over.
async fn patiently<T, Work>(patience: Duration, mut work: impl FnMut() -> Work) -> Result<T>
where
    Work: Future<Output = Result<T>>,
{
    let started = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        match work().await {
            Err(error) if error.retryable() && started.elapsed() + pause < patience => {
                tracing::warn!(cause = root(&error), ?pause, "the database does not answer yet");
                sleep(pause).await;
                pause = (pause * 2).min(LAST_PAUSE);
            }
            result => return result,
        }
    }
}

/// The innermost cause: the outer ones say only that the database failed.
pub fn root(error: &Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_database_that_starts_late_is_waited_for() {
        let attempts = Cell::new(0);
        let answer = patiently(PATIENCE, || async {
            attempts.set(attempts.get() + 1);
            if attempts.get() < 4 { Err(Error::LostUpdate) } else { Ok(attempts.get()) }
        });
        assert_eq!(answer.await.unwrap(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn patience_ends() {
        let started = Instant::now();
        let answer = patiently(PATIENCE, || async { Err::<(), _>(Error::LostUpdate) }).await;
        assert!(matches!(answer, Err(Error::LostUpdate)));
        assert!(started.elapsed() <= PATIENCE && started.elapsed() > PATIENCE - LAST_PAUSE * 2);
    }

    #[tokio::test(start_paused = true)]
    async fn what_will_not_pass_is_told_at_once() {
        let started = Instant::now();
        let answer = patiently(PATIENCE, || async { Err::<(), _>(Error::Url("mysql".to_owned())) }).await;
        assert!(matches!(answer, Err(Error::Url(_))));
        assert_eq!(started.elapsed(), Duration::ZERO);
    }
}
