//! The subcommands. Each has a file with its arguments and its code.

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

/// Writes one line to stdout. Unsafe characters are escaped, because the line may repeat text of a server or a file. If
/// the reader has closed the pipe, this returns an error and does not panic.
pub fn say(line: impl AsRef<str>) -> anyhow::Result<()> {
    writeln!(io::stdout(), "{}", escape(line.as_ref())).context("the output could not be written")
}

/// Returns the names of all senders, for the help of an argument.
fn known_senders() -> String {
    Sender::ALL.map(Sender::as_str).join(", ")
}
