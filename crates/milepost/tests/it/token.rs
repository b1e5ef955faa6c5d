//! Tests that `milepost token` refuses invalid arguments as bad usage, and names the argument.

use std::fs;

use tempfile::TempDir;

use crate::installation::program;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_nobody_would_accept_is_refused_by_the_argument_at_fault() {
    let folder = TempDir::new().unwrap();
    let program = program(folder.path());
    assert!(program.run(&["migrate"]).await.status.success());
    for (arguments, complaint) in [
        (&["--role", "supplier"][..], "error: --supplier: a supplier's token needs the supplier's code"),
        (&["--role", "supplier", "--supplier", " "], "error: --supplier: "),
        (&["--role", "supplier", "--user", "bob"], "error: --supplier: "),
        (&["--role", "customer"], "error: --user: "),
        (&["--role", "carrier"], "--role"),
        (&["--role", "system", "--ttl", "0s"], "--ttl"),
        (&["--role", "system", "--ttl", "4000000000d"], "`4000000000d` is too long: 3650 days are the most"),
    ] {
        let output = program.run(&[&["token"], arguments].concat()).await;
        let complaints = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{arguments:?}: {complaints}");
        assert!(complaints.contains(complaint), "{arguments:?}: {complaints}");
    }
    let token = program.token(&["--role", "supplier", "--supplier", "ACME", "--ttl", "30m"]).await;
    assert_eq!(token.split('.').count(), 3, "{token}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_made_up_where_no_server_can_have_it() {
    let folder = TempDir::new().unwrap();
    let program = program(folder.path());
    let output = program.run(&["token", "--role", "support"]).await;
    let complaints = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{complaints}");
    let expected = "error: MILEPOST_JWT_SECRET: is unset, and there is neither milepost.db.jwt-secret nor the database \
                    milepost.db; run this in the server's folder and with its settings, after its first start\n";
    assert_eq!(complaints, expected);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "it makes nothing");

    assert!(program.run(&["migrate"]).await.status.success());
    let output = program.run(&["token", "--role", "support"]).await;
    let complaints = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{complaints}");
    assert!(
        complaints.starts_with("warning: ") && complaints.contains("milepost.db.jwt-secret"),
        "{complaints}"
    );
    let output = program.run(&["token", "--role", "support"]).await;
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0), "the secret is there");
}
