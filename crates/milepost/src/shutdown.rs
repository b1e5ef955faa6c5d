//! Handles the signals that end a server. The first signal starts a graceful stop; a second one ends the process at
//! once.
//!
//! `serve` and `demo` call [`cancel_on_signal`] at their start. It starts a task, and returns at once. `Err` means that
//! the system does not let this process receive signals.

use std::{process, time::Duration};

use anyhow::Context;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;

/// Signals that come within this time after the first one belong to the same stop.
const ONE_STOP: Duration = Duration::from_secs(1);

/// Returns a token that SIGTERM or SIGINT (Ctrl-C) cancels. A second signal, [`ONE_STOP`] or more after the first, ends
/// the process with exit code 1.
pub fn cancel_on_signal() -> anyhow::Result<CancellationToken> {
    let mut signals = Signals::new().context("the signals of the system cannot be received")?;
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    tokio::spawn(async move {
        let name = signals.next().await;
        let one_stop = Instant::now() + ONE_STOP;
        tracing::info!(
            signal = name,
            "stopping: what runs is finished first; a second signal ends it at once"
        );
        stopping.cancel();
        // Ignore repeated signals for a while: one stop can send the signal twice, to the process and to its process
        // group.
        while timeout_at(one_stop, signals.next()).await.is_ok() {}
        let name = signals.next().await;
        tracing::warn!(signal = name, "ended before everything was finished");
        process::exit(1);
    });
    Ok(stop)
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}
