//! The subcommands, one file each: its arguments and what it does.

pub mod check;
pub mod migrate;
pub mod replay;
pub mod scan;
pub mod schema;
pub mod serve;
pub mod token;

use std::io::{self, Write};

use anyhow::Context;
use carriers::Sender;
use domain::text::escape;

/// Writes one line to stdout. Unsafe characters in it are escaped: it may repeat what a server or a file says. A reader that
/// went away is an error, not a panic.
pub fn say(line: impl AsRef<str>) -> anyhow::Result<()> {
    writeln!(io::stdout(), "{}", escape(line.as_ref())).context("the output could not be written")
}

/// The names of all senders, for the help of an argument.
fn known_senders() -> String {
    Sender::ALL.map(Sender::as_str).join(", ")
}
