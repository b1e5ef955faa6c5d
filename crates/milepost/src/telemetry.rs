//! The log: to stderr, as text for people or as JSON for machines. Request ids are in the spans already.

use std::io::{self, IsTerminal};

use anyhow::Context;
use tracing_subscriber::{EnvFilter, fmt, util::SubscriberInitExt};

use crate::settings::{LogFormat, Settings};

/// Starts logging for the rest of the process. Once per process.
pub fn init(settings: &Settings) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&settings.log).context("MILEPOST_LOG: is not a filter")?;
    let log = fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
    let started = match settings.log_format {
        LogFormat::Text => log.finish().try_init(),
        LogFormat::Json => log.json().flatten_event(true).finish().try_init(),
    };
    started.context("the log could not be started")
}
