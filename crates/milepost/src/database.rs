//! Opens the database for a command. Each error names the setting, and the address without its password.
//!
//! | caller | function | schema | waits for a database that is starting |
//! |---|---|---|---|
//! | `serve` | `connect`, `migrate` | brought up to date | yes, about 30 seconds |
//! | `serve --no-migrate` | `wait_and_open_up_to_date` | must be up to date | yes |
//! | `migrate` | `connect`, `migrate` | brought up to date | yes |
//! | `migrate --status` | `connect`, `list_migrations` | any | no |
//! | `check`, `replay` | `open_up_to_date` | must be up to date | no |
//!
//! - "Must be up to date": a missing SQLite file or a pending migration is an error, and nothing is created.
//! - In a list of migrations, `true` means applied.
//! - `find_missing_file` (for `check` and `token` too) is `None` if the file exists, or for PostgreSQL.
//! - `explain_error` and `error_naming_database` build errors. `failed` is the end of a sentence about the database.

use std::{future::Future, path::PathBuf, time::Duration};

use anyhow::{Context, bail};
use console::pluralize;
use persistence::{Error, Result, Store};
use tokio::time::{Instant, sleep};

use crate::{address, keys::parse_sqlite_path, settings::Settings};

/// How long to wait for a database that is starting, and the pauses between attempts.
const STARTING: Patience = Patience {
    limit: Duration::from_secs(30),
    pause: Duration::from_millis(250),
    longest: Duration::from_secs(4),
};

/// Opens the configured database. A connection to PostgreSQL is made when it is first used.
pub async fn connect(settings: &Settings) -> anyhow::Result<Store> {
    let url = settings.database_url.expose();
    Store::connect(url, settings.database_connections)
        .await
        .with_context(|| format!("MILEPOST_DATABASE_URL: {} cannot be opened", address::redact_url(url)))
}

/// Opens the database for a command that must not change the schema. Fails if there is no database, if it does not
/// answer, or if a migration is pending. Creates no file and no table.
pub async fn open_up_to_date(settings: &Settings) -> anyhow::Result<Store> {
    refuse_missing_file(settings)?;
    address::check_reachable(settings.database_url.expose())
        .await
        .map_err(|problem| error_naming_database(settings, &problem))?;
    let store = connect(settings).await?;
    let migrations =
        store.migrations().await.map_err(|error| error_naming_database(settings, &error.root_message()))?;
    refuse_pending(&migrations, settings)?;
    Ok(store)
}

/// Like [`open_up_to_date`], for a server: it also waits for a database that is still starting.
pub async fn wait_and_open_up_to_date(settings: &Settings) -> anyhow::Result<Store> {
    refuse_missing_file(settings)?;
    let store = connect(settings).await?;
    match retry_patiently(STARTING, || store.migrations()).await {
        Ok(migrations) => refuse_pending(&migrations, settings)?,
        Err(error) => return Err(explain_error(error, settings, "cannot be used as it is").await),
    }
    Ok(store)
}

fn refuse_missing_file(settings: &Settings) -> anyhow::Result<()> {
    if let Some(file) = find_missing_file(settings) {
        let maker =
            if creates_missing_file(settings) { "serve and migrate make it" } else { "?mode=rwc makes it" };
        bail!("MILEPOST_DATABASE_URL: there is no file {}; {maker}", file.display());
    }
    Ok(())
}

fn refuse_pending(migrations: &[(String, bool)], settings: &Settings) -> anyhow::Result<()> {
    match migrations.iter().filter(|(_, applied)| !applied).count() {
        0 => Ok(()),
        pending => {
            let are = if pending == 1 { "is" } else { "are" };
            let migrations = pluralize(pending, "migration");
            Err(error_naming_database(settings, &format!("{migrations} {are} pending: milepost migrate")))
        }
    }
}

fn error_naming_database(settings: &Settings, problem: &str) -> anyhow::Error {
    let redacted = address::redact_url(settings.database_url.expose());
    anyhow::Error::msg(format!("MILEPOST_DATABASE_URL: {redacted}: {problem}"))
}

/// Returns the path of the SQLite file if the file does not exist. `None` for other databases.
pub fn find_missing_file(settings: &Settings) -> Option<PathBuf> {
    parse_sqlite_path(settings.database_url.expose()).filter(|file| !file.exists())
}

/// Returns whether opening a missing SQLite file creates it.
pub fn creates_missing_file(settings: &Settings) -> bool {
    settings.database_url.expose().contains("mode=rwc")
}

/// Applies all pending migrations. Waits for a database that is still starting.
pub async fn migrate(store: &Store, settings: &Settings) -> anyhow::Result<()> {
    match retry_patiently(STARTING, || store.migrate()).await {
        Ok(()) => Ok(()),
        Err(error) => Err(explain_error(error, settings, "cannot be brought up to date").await),
    }
}

/// Returns the name of each migration, and whether it was applied.
pub async fn list_migrations(store: &Store, settings: &Settings) -> anyhow::Result<Vec<(String, bool)>> {
    match store.migrations().await {
        Ok(migrations) => Ok(migrations),
        Err(error) => Err(explain_error(error, settings, "does not say how far it is").await),
    }
}

/// Turns a database error into the error to print, which names the setting. A connection pool reports only a timeout,
/// so this also tests the address, to give the real reason.
async fn explain_error(error: Error, settings: &Settings, failed: &str) -> anyhow::Error {
    let url = settings.database_url.expose();
    let cause = match address::check_reachable(url).await {
        Ok(()) => error.root_message(),
        Err(silence) => silence,
    };
    anyhow::Error::msg(cause).context(format!("MILEPOST_DATABASE_URL: {} {failed}", address::redact_url(url)))
}

/// How long to retry.
#[derive(Clone, Copy)]
struct Patience {
    /// No attempt begins later than this after the first one.
    limit: Duration,
    /// The pause before the second attempt. Each further pause is twice as long.
    pause: Duration,
    /// The maximum of a pause.
    longest: Duration,
}

/// Calls `work` until it succeeds, fails with an error that does not pass by waiting, or `patience.limit` is over.
async fn retry_patiently<T, Work>(patience: Patience, mut work: impl FnMut() -> Work) -> Result<T>
where
    Work: Future<Output = Result<T>>,
{
    let started = Instant::now();
    let mut pause = patience.pause;
    loop {
        match work().await {
            Err(error) if may_be_starting(&error) && started.elapsed() + pause < patience.limit => {
                tracing::warn!(cause = error.root_message(), ?pause, "the database does not answer yet");
                sleep(pause).await;
                pause = (pause * 2).min(patience.longest);
            }
            result => return result,
        }
    }
}

/// Returns whether waiting may help. A full disk or a read-only database needs a person.
fn may_be_starting(error: &Error) -> bool {
    error.retryable() && !error.is_unwritable()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Retries for `seconds` seconds, without pauses.
    fn patience(seconds: u64) -> Patience {
        Patience { limit: Duration::from_secs(seconds), pause: Duration::ZERO, longest: Duration::ZERO }
    }

    /// Retries a work that fails `failures` times and then succeeds. Returns the number of attempts and the result.
    async fn attempts(patience: Patience, failures: u32, error: impl Fn() -> Error) -> (u32, Result<()>) {
        let attempts = Cell::new(0);
        let result = retry_patiently(patience, || async {
            attempts.set(attempts.get() + 1);
            if attempts.get() > failures { Ok(()) } else { Err(error()) }
        });
        let result = result.await;
        (attempts.get(), result)
    }

    #[tokio::test]
    async fn a_database_that_starts_late_is_waited_for() {
        let (attempts, result) = attempts(patience(30), 3, || Error::LostUpdate).await;
        assert!(attempts == 4 && result.is_ok());
    }

    #[tokio::test]
    async fn patience_ends() {
        let (attempts, result) = attempts(patience(0), 3, || Error::LostUpdate).await;
        assert!(attempts == 1 && result.is_err());
    }

    #[tokio::test]
    async fn what_will_not_pass_is_told_at_once() {
        let (attempts, result) = attempts(patience(30), 3, || Error::Url("mysql".to_owned())).await;
        assert!(attempts == 1 && result.is_err());
    }
}
