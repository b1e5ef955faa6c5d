//! The program `milepost`: reads the command line and the settings, assembles the parts, and runs one command.
//!
//! This crate has no rules about orders; these are in `domain` and `app`. Exit codes: 0 done, 1 the work failed, 2 bad
//! usage or bad settings. `run` calls the `run` of one command, and `failure` prints the error that it returns.

mod address;
mod cli;
mod commands;
mod database;
mod failure;
mod files;
mod keys;
mod role;
mod server;
mod settings;
mod shutdown;
mod telemetry;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};
use settings::Settings;

/// mimalloc returns memory to the system after a burst of large requests. The system's allocator keeps it: 240 MiB in
/// `bench hostile`, for the rest of the process.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::report_error(&error),
    }
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    install_tls_provider();
    let settings = || Settings::load(cli.config.as_deref());
    match cli.command.unwrap_or_default() {
        Command::Demo(arguments) => commands::demo::run(arguments).await,
        Command::Serve(arguments) => commands::serve::run(settings()?, arguments).await,
        Command::Migrate(arguments) => commands::migrate::run(settings()?, arguments).await,
        Command::Schema => commands::schema::run(),
        Command::Token(arguments) => commands::token::run(&settings()?, arguments),
        Command::Replay(arguments) => commands::replay::run(settings()?, arguments).await,
        Command::Scan(arguments) => commands::scan::run(settings, arguments).await,
        Command::Check => commands::check::run(&settings()?).await,
    }
}

/// Installs the TLS provider of the process. The HTTP client has none of its own and needs one.
fn install_tls_provider() {
    // The error says that a provider is installed already; that is fine.
    rustls::crypto::ring::default_provider().install_default().ok();
}
