//! Writes the log to stderr, as text for people or as JSON for machines.
//!
//! `serve`, `demo`, `migrate` and `replay` call [`init`] once, at their start. `Err` means a bad filter, or a second
//! call. The other commands log nothing. `text`, `json` and `value` below format the events; tracing-subscriber calls
//! them.
//!
//! Rules of both formats, so that the code that logs can ignore them:
//! 1. One event is one line. Unsafe characters of all values ([`domain::text::is_unsafe`]) are escaped. Values come
//!    from webhooks, headers, tokens, carriers and mail servers; without escaping they could forge a log line, move the
//!    cursor of a terminal or hide text.
//! 2. An error is logged in one field, together with its chain of causes. Log it as `error = &error as &dyn
//!    std::error::Error`; `%error` loses the causes.
//! 3. A value is cut after [`value::MAX_BYTES`].
//! 4. A panic is logged as an event.

mod json;
mod text;
mod value;

use std::{
    io::{self, IsTerminal},
    panic,
};

use anyhow::Context;
use tracing::Subscriber;
use tracing_subscriber::{
    EnvFilter,
    fmt::{self, MakeWriter},
    util::SubscriberInitExt,
};

use crate::settings::{LogFormat, Settings};
use json::{JsonEvents, JsonFields};
use text::TextFields;

/// Starts logging for the rest of the process. Call it once; a second call fails.
pub fn init(settings: &Settings) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&settings.log).context("MILEPOST_LOG: is not a filter")?;
    let ansi = io::stderr().is_terminal();
    let started = build_subscriber(settings.log_format, filter, io::stderr, ansi).try_init();
    started.context("the log could not be started")?;
    log_panics();
    Ok(())
}

fn build_subscriber<W>(
    format: LogFormat,
    filter: EnvFilter,
    writer: W,
    ansi: bool,
) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let log = fmt::fmt().with_env_filter(filter).with_writer(writer);
    match format {
        LogFormat::Text => Box::new(log.with_ansi(ansi).fmt_fields(TextFields).finish()),
        LogFormat::Json => {
            Box::new(log.with_ansi(false).fmt_fields(JsonFields).event_format(JsonEvents).finish())
        }
    }
}

/// Logs panics as events. The standard library would print the panic's message without the rules of the log, although
/// the message may contain a value from outside.
fn log_panics() {
    panic::set_hook(Box::new(|panic| {
        let text = panic.payload_as_str().unwrap_or("no text");
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(panic = text, place, "a thread panicked");
    }));
}

#[cfg(test)]
mod tests;
