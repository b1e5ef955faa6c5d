//! Tests that `serve --no-migrate` starts, in every role, only if the database has exactly the schema of this build.

use std::fs;

use tempfile::TempDir;
use tests::{database::Database, process::Program};

use crate::installation::{on_postgres, program};

const ROLES: [&str; 3] = ["all", "api", "worker"];

/// Starts the server in every role. Checks that each start fails with exit code 1, and returns what each wrote to
/// stderr.
async fn refusals(program: &Program) -> Vec<String> {
    let program = program.clone().set("MILEPOST_REDIS_URL", "redis://127.0.0.1:1");
    let mut told = Vec::new();
    for role in ROLES {
        let output = program.run(&["serve", "--no-migrate", "--role", role]).await;
        let stderr = String::from_utf8(output.stderr).expect("text");
        assert_eq!(output.status.code(), Some(1), "{role}: {stderr}");
        let error = stderr.lines().find(|line| line.starts_with("error: ")).unwrap_or_default();
        assert!(error.starts_with("error: MILEPOST_DATABASE_URL: "), "{role}: {stderr}");
        told.push(stderr);
    }
    told
}

fn all_say(told: &[String], words: &str) {
    assert!(told.iter().all(|told| told.contains(words)), "{words}: {told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sqlite_file_without_this_schema_is_refused() {
    let folder = TempDir::new().unwrap();
    let secret = "a-secret-for-tests-of-32-bytes-or-more";
    let program = program(folder.path()).set("MILEPOST_JWT_SECRET", secret);
    all_say(&refusals(&program).await, "there is no file milepost.db; serve and migrate make it");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "it makes nothing");

    fs::write(folder.path().join("milepost.db"), "").unwrap();
    all_say(&refusals(&program).await, "1 migration is pending: milepost migrate");

    assert!(program.run(&["migrate"]).await.status.success());
    let url = format!("sqlite://{}/milepost.db", folder.path().display());
    Database::execute_at(&url, "INSERT INTO seaql_migrations VALUES ('m20990101_000001_later', 1)").await;
    all_say(&refusals(&program).await, "m20990101_000001_later");

    Database::execute_at(&url, "DELETE FROM seaql_migrations WHERE version LIKE 'm2099%'").await;
    program.serve(&["--no-migrate"]).await.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_on_postgres_without_this_schema_is_refused() {
    let Some(database) = Database::postgres().await else { return };
    let folder = TempDir::new().unwrap();
    let program = on_postgres(folder.path(), &database.url);
    database.execute("INSERT INTO seaql_migrations VALUES ('m20990101_000001_later', 1)").await;
    all_say(&refusals(&program).await, "m20990101_000001_later");
    database.execute("DELETE FROM seaql_migrations").await;
    all_say(&refusals(&program).await, "1 migration is pending: milepost migrate");
    database.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public").await;
    all_say(&refusals(&program).await, "1 migration is pending: milepost migrate");
}
