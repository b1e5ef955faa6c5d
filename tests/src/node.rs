//! Programs of `tests/clients`, which run on Node.js with the packages that `scripts/install-clients` installed.

use std::{path::Path, process::Stdio};

use tokio::process::Command;

/// Where `scripts/test` says Node.js is.
const PROGRAM: &str = "MILEPOST_TEST_NODE";

/// A command that runs a file of `tests/clients`: `node::command("validate.js")`. It is killed when it is dropped.
///
/// `None` if the tests run without `scripts/test`, like a test on PostgreSQL: the test is skipped and says so.
pub fn command(file: &str) -> Option<Command> {
    let Ok(program) = std::env::var(PROGRAM) else {
        assert!(std::env::var("MILEPOST_TEST_SERVICES").is_err(), "{PROGRAM} is not set");
        eprintln!("skipped: {PROGRAM} is not set; scripts/test installs Node.js and the packages of tests/clients");
        return None;
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients");
    let mut command = Command::new(program);
    command.arg(folder.join(file)).current_dir(folder).stdin(Stdio::null()).kill_on_drop(true);
    Some(command)
}
