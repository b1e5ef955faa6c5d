//! The signals that end a server: the first one asks it to finish, the second one ends it.

use std::{process, time::Duration};

use anyhow::Context;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;

/// Signals that come this soon after the first are one with it.
const ONE_STOP: Duration = Duration::from_secs(1);

/// A token that is cancelled by SIGTERM or Ctrl-C. A second signal, [`ONE_STOP`] or more after the first, ends the
/// process at once.
pub fn on_signal() -> anyhow::Result<CancellationToken> {
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
        // A stop that reaches the process twice, by itself and by its group, is one.
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
