//! The roles of `milepost serve --role`: one process can do all the work, or several processes can divide it.
//!
//! Used by `commands::serve`, `server` and `Settings::check_serving`. The text of a role is its name on the command
//! line.

use std::fmt;

use clap::ValueEnum;

/// The part of the work that a process does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Both of the others
    #[default]
    All,
    /// Answers requests
    Api,
    /// Reads webhooks, sends mails
    Worker,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::All => "all",
            Self::Api => "api",
            Self::Worker => "worker",
        })
    }
}
