//! `milepost serve`: the server.

use std::fmt;

use clap::{Args, ValueEnum};

use crate::settings::Settings;

/// Shown below the help.
pub const EXAMPLES: &str = "\
Examples:
  milepost serve
  MILEPOST_REDIS_URL=redis://127.0.0.1:6379 milepost serve --role worker";

/// The arguments of `milepost serve`.
#[derive(Args, Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    /// What this process does; a role other than `all` needs MILEPOST_REDIS_URL
    #[arg(long, value_enum, default_value_t)]
    pub role: Role,
    /// Leave the database's schema as it is
    #[arg(long)]
    pub no_migrate: bool,
}

/// What a process does.
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

/// Serves until it is told to stop.
pub async fn run(_settings: Settings, _arguments: Arguments) -> anyhow::Result<()> {
    anyhow::bail!("not there yet")
}
