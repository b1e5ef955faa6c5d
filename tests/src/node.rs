//! Runs the programs of `tests/clients` on Node.js, with the packages that `scripts/install-clients` installed.

use std::{path::Path, process::Stdio};

use tokio::process::Command;

/// The variable in which `scripts/test` passes the path of Node.js.
const PROGRAM: &str = "MILEPOST_TEST_NODE";

/// Returns a command that runs a file of `tests/clients`: `node::command("validate.js")`. Dropping the process kills
/// it.
///
/// Returns `None` if the tests run without `scripts/test`; the test is skipped then and says so, like a test on
/// PostgreSQL.
pub fn command(file: &str) -> Option<Command> {
    let Ok(program) = std::env::var(PROGRAM) else {
        assert!(std::env::var("MILEPOST_TEST_SERVICES").is_err(), "{PROGRAM} is not set");
        eprintln!(
            "skipped: {PROGRAM} is not set; scripts/test installs Node.js and the packages of tests/clients"
        );
        return None;
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients");
    let mut command = Command::new(program);
    command.arg(folder.join(file)).current_dir(folder).stdin(Stdio::null()).kill_on_drop(true);
    Some(command)
}
