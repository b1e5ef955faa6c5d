//! What commands share: how they read what a person typed, and how they print lines.
//!
//! The program `milepost` and the simulator use it. So arguments, settings and story files have one notation of
//! durations and one kind of suggestion for a mistyped name. Only [`print_line`] has an effect; the rest is pure.

#![warn(missing_docs)]

pub mod duration;
mod plural;
mod suggest;

use std::io::{self, Write};

use anyhow::Context;
use domain::text::escape;

pub use plural::pluralize;
pub use suggest::{closest_name, suggest_name};

/// An invalid argument of the command line. The message begins with the argument's name.
#[derive(Debug, thiserror::Error)]
#[error("{argument}: {problem}")]
pub struct BadUsage {
    /// The argument as the user types it, such as `--to`.
    pub argument: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

/// Writes one line to stdout. Unsafe characters are escaped, because the line may repeat text of a server or a file. If
/// the reader has closed the pipe, this returns an error and does not panic.
pub fn print_line(line: impl AsRef<str>) -> anyhow::Result<()> {
    writeln!(io::stdout(), "{}", escape(line.as_ref())).context("the output could not be written")
}
