//! Defines the command line: the subcommands and the common arguments. The arguments of a subcommand are beside its
//! code. `main` parses it; clap prints the help and ends the process if the arguments are wrong.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::commands::{demo, migrate, replay, scan, serve, token};

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "milepost",
    version,
    about = "Tracks orders from payment to delivery",
    long_about = "Tracks orders from payment to delivery. Without a subcommand it serves, as `milepost serve` does.",
    after_help = "Settings come from the environment (MILEPOST_…) and from milepost.toml; .env.example lists them all.\n\
                  Exit codes: 0 done, 1 the work failed, 2 bad usage or bad settings.\n\n\
                  Example:\n  milepost serve --role api"
)]
pub struct Cli {
    /// Settings file [default: ./milepost.toml, if there is one]
    #[arg(long, global = true, value_name = "FILE", display_order = 100)]
    pub config: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// See it work: everything in one process, and a story that plays in it
    #[command(after_help = demo::EXAMPLES)]
    Demo(demo::Arguments),
    /// Run the server
    #[command(after_help = serve::EXAMPLES)]
    Serve(serve::Arguments),
    /// Bring the database up to date; safe when several do it at once
    #[command(after_help = migrate::EXAMPLES)]
    Migrate(migrate::Arguments),
    /// Print the GraphQL schema
    #[command(after_help = "Example:\n  milepost schema > schema.graphql")]
    Schema,
    /// Print a bearer token, for development and scripts
    #[command(after_help = token::EXAMPLES)]
    Token(token::Arguments),
    /// Read stored webhooks again under the meanings codes have today: what would change, and changing it
    #[command(after_help = replay::EXAMPLES)]
    Replay(replay::Arguments),
    /// Compose, sign and post a webhook as a carrier would, to try an installation
    #[command(after_help = scan::EXAMPLES)]
    Scan(scan::Arguments),
    /// Read the settings, connect to the database, Redis and the mail server, and say what is wrong, one line each
    #[command(
        after_help = "Exits with 1 when anything is wrong.\n\nExample:\n  milepost check --config /etc/milepost.toml"
    )]
    Check,
}

impl Default for Command {
    /// Without a subcommand `milepost` runs the server.
    fn default() -> Self {
        Self::Serve(serve::Arguments::default())
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::role::Role;

    #[test]
    fn the_definition_is_sound_and_every_command_has_an_example() {
        let mut command = Cli::command();
        command.build();
        command.clone().debug_assert();
        for subcommand in command.get_subcommands().filter(|command| command.get_name() != "help") {
            let help = subcommand.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("xample"), "{}", subcommand.get_name());
            assert!(help.contains(&format!("milepost {}", subcommand.get_name())), "{help}");
        }
    }

    #[test]
    fn no_subcommand_serves() {
        let cli = Cli::try_parse_from(["milepost"]).unwrap();
        let Command::Serve(arguments) = cli.command.unwrap_or_default() else { panic!("it does not serve") };
        assert_eq!(arguments, serve::Arguments { role: Role::All, no_migrate: false });
    }

    #[test]
    fn the_settings_file_may_be_named_behind_the_subcommand() {
        let cli = Cli::try_parse_from(["milepost", "check", "--config", "a.toml"]).unwrap();
        assert_eq!(cli.config, Some(PathBuf::from("a.toml")));
    }
}
