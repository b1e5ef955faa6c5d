//! Tests `milepost check`: it prints a line for each check, and exits with 1 if any of them fails.

use std::fs;

use tempfile::TempDir;
use tests::{database::Database, on_every_database, process::Program};

use crate::installation::{on_postgres, program};

on_every_database!(a_database_that_another_build_made_is_refused_and_left_alone);

/// Runs `milepost check`. Returns the exit code, stdout and stderr.
async fn check(program: &Program) -> (Option<i32>, String, String) {
    let output = program.run(&["check"]).await;
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// Returns the line of the check with this name.
fn line<'a>(told: &'a str, name: &str) -> &'a str {
    let its = |line: &&str| line.split_whitespace().nth(1) == Some(name);
    told.lines().find(its).unwrap_or_else(|| panic!("no line about {name}: {told}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_is_well_before_the_first_start_and_after_it() {
    let folder = TempDir::new().unwrap();
    let program = program(folder.path());
    let (code, told, complaints) = check(&program).await;
    assert_eq!((code, complaints.as_str()), (Some(0), ""), "{told}");
    assert!(
        line(&told, "database").ends_with("sqlite://milepost.db: no file yet; serve and migrate make it")
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "it makes nothing");

    assert!(program.run(&["migrate"]).await.status.success());
    let (code, told, complaints) = check(&program).await;
    assert_eq!((code, complaints.as_str()), (Some(0), ""), "{told}");
    assert_eq!(line(&told, "database"), "ok     database  sqlite://milepost.db: answers, up to date");
    assert!(told.lines().all(|line| line.starts_with("ok ")), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sqlite_file_without_tables_is_pending_and_stays_so() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("milepost.db"), "").unwrap();
    let program = program(folder.path());
    for _ in 0..2 {
        let (code, told, complaints) = check(&program).await;
        assert_eq!((code, complaints.as_str()), (Some(1), "error: 1 thing is wrong\n"), "{told}");
        let expected = "wrong  database  MILEPOST_DATABASE_URL: sqlite://milepost.db: 1 migration is pending: \
                        milepost migrate";
        assert_eq!(line(&told, "database"), expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_on_postgres_is_up_to_date_or_pending() {
    let Some(database) = Database::postgres().await else { return };
    let folder = TempDir::new().unwrap();
    let program = on_postgres(folder.path(), &database.url);
    let (code, told, _) = check(&program).await;
    assert_eq!(code, Some(0), "{told}");
    assert!(line(&told, "database").ends_with(": answers, up to date"), "{told}");
    database.store.drop_schema().await.unwrap();
    let (code, told, _) = check(&program).await;
    assert_eq!(code, Some(1), "{told}");
    assert!(line(&told, "database").ends_with(": 1 migration is pending: milepost migrate"), "{told}");
}

async fn a_database_that_another_build_made_is_refused_and_left_alone(database: Database) {
    database.execute("UPDATE seaql_migrations SET version = 'm20200230_000001_orders'").await;
    let folder = TempDir::new().expect("a folder");
    let program = on_postgres(folder.path(), &database.url);
    let cause = "its schema is of another build: this one does not know the migration m20200230_000001_orders \
                 and begins with an empty database";
    for _ in 0..2 {
        let (code, told, _) = check(&program).await;
        assert_eq!(code, Some(1), "{told}");
        let line = line(&told, "database");
        assert!(line.starts_with("wrong  database  MILEPOST_DATABASE_URL: "), "{line}");
        assert!(line.ends_with(&format!(": {cause}")), "{line}");
        for arguments in [&["migrate"][..], &["migrate", "--status"], &["serve"]] {
            let output = program.run(arguments).await;
            let complaints = String::from_utf8(output.stderr).expect("text");
            assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), &b""[..]), "{complaints}");
            assert!(complaints.contains("error: MILEPOST_DATABASE_URL: "), "{complaints}");
            assert!(complaints.ends_with(&format!("\n  cause: {cause}\n")), "{complaints}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn carriers_of_the_merchant_are_told() {
    let folder = TempDir::new().unwrap();
    let program = program(folder.path());
    let (_, told, _) = check(&program).await;
    let unset = "ok     carriers  MILEPOST_CARRIERS is unset; docs/carriers.md lists the well-known carriers";
    assert_eq!(line(&told, "carriers"), unset);
    let url = "https://bikes.example/{number}";
    let table = format!(
        "[carriers.my_bikes]\nname = \"My Bikes\"\nurl = \"{url}\"\n[carriers.gls]\nname = \"GLS 2\""
    );
    fs::write(folder.path().join("milepost.toml"), table).unwrap();
    let (code, told, _) = check(&program).await;
    assert_eq!(code, Some(0), "{told}");
    let expected = format!("ok     carriers  gls (GLS 2, no tracking page), my_bikes (My Bikes, {url})");
    assert_eq!(line(&told, "carriers"), expected);
    let wrong = program.clone().set("MILEPOST_CARRIERS", "ups_x=X");
    let (code, _, complaints) = check(&wrong).await;
    let expected = "error: MILEPOST_CARRIERS: in `ups_x`: this is the carrier `ups`: use that code\n";
    assert_eq!((code, complaints.as_str()), (Some(2), expected));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mappings_in_force_are_told() {
    let folder = TempDir::new().unwrap();
    let program = program(folder.path());
    let (_, told, _) = check(&program).await;
    let unset = "ok     codes     MILEPOST_CARRIER_CODES is unset; docs/carriers.md says what codes mean";
    assert_eq!(line(&told, "codes"), unset);
    let mapped = program
        .clone()
        .set("MILEPOST_CARRIER_CODES", "ups.i/ot=held,FX.OC=label_created,fedex.oc=label_created");
    let (code, told, _) = check(&mapped).await;
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(line(&told, "codes"), "ok     codes     fedex.OC=label_created, ups.I/OT=held");

    let output = program.set("MILEPOST_CARRIER_CODES", "ups.021=held").run(&["check"]).await;
    let complaints = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{complaints}");
    let expected = "error: MILEPOST_CARRIER_CODES: in `ups.021=held`: UPS's codes begin with their type (";
    assert!(complaints.starts_with(expected), "{complaints}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn senders_are_told_with_what_speaks_against_them() {
    let folder = TempDir::new().unwrap();
    let short = program(folder.path()).set("MILEPOST_WEBHOOK_SECRET_USPS", "usps-secret");
    let (code, told, _) = check(&short).await;
    assert_eq!(code, Some(0), "{told}");
    let webhooks = line(&told, "webhooks");
    assert!(webhooks.contains("usps on (a secret has 11 characters, and usps asks for 32), "), "{webhooks}");
    assert!(webhooks.contains("fedex on, ups off (MILEPOST_WEBHOOK_SECRET_UPS is unset), "), "{webhooks}");
    assert_eq!(line(&told, "dhl"), "ok     dhl       off");

    let long = short.set("MILEPOST_WEBHOOK_SECRET_USPS", &"s".repeat(32));
    let (_, told, _) = check(&long.clone().set("MILEPOST_WEBHOOK_SECRET_DHL", "dhl-secret")).await;
    assert!(line(&told, "webhooks").contains("usps on, "), "{told}");
    let unset = "ok     dhl       MILEPOST_DHL_API_KEY is unset; new subscriptions are not activated";
    assert_eq!(line(&told, "dhl"), unset);
    let long = long.set("MILEPOST_DHL_API_KEY", "key");
    let (_, told, _) = check(&long.clone().set("MILEPOST_WEBHOOK_SECRET_DHL", "dhl-secret")).await;
    let asked_nothing = line(&told, "dhl");
    assert!(asked_nothing.starts_with("ok     dhl       subscriptions are activated at https://"), "{told}");
    assert!(asked_nothing.ends_with(" (not asked)"), "{told}");
    let (_, told, _) = check(&long).await;
    let off =
        "ok     dhl       dhl off (MILEPOST_WEBHOOK_SECRET_DHL is unset), though MILEPOST_DHL_API_KEY is set";
    assert_eq!(line(&told, "dhl"), off);
}
