//! What the worker of a queue is doing, counted by the queue.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// One look at the worker of a queue in this process. Readiness reads `alive` and `stalled`; tests read the counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health {
    /// A worker runs and the queue answered its last check, at most about a second ago.
    pub alive: bool,
    /// Batches waited and a slot was free, and for some seconds none was taken and none finished: the worker does not
    /// fetch.
    pub stalled: bool,
    /// Batches waited, and for some seconds every slot was busy with a job that did not end: the worker works, slowly.
    pub slow: bool,
    /// Batches being handled in this process.
    pub running: usize,
    /// Batches handled since the process started, those that panicked included.
    pub handled: u64,
    /// Batches whose handler panicked.
    pub panicked: u64,
    /// Workers that failed or stalled and were replaced.
    pub rebuilt: u64,
}

/// The counters behind [`Health`].
#[derive(Default)]
pub(super) struct Progress {
    pub(super) alive: AtomicBool,
    pub(super) stalled: AtomicBool,
    pub(super) slow: AtomicBool,
    pub(super) taken: AtomicU64,
    pub(super) handled: AtomicU64,
    pub(super) panicked: AtomicU64,
    pub(super) rebuilt: AtomicU64,
}

impl Progress {
    pub(super) fn health(&self) -> Health {
        // Handled first: it never overtakes taken.
        let handled = self.handled.load(Relaxed);
        Health {
            alive: self.alive.load(Relaxed),
            stalled: self.stalled.load(Relaxed),
            slow: self.slow.load(Relaxed),
            running: self.taken.load(Relaxed).saturating_sub(handled) as usize,
            handled,
            panicked: self.panicked.load(Relaxed),
            rebuilt: self.rebuilt.load(Relaxed),
        }
    }

    /// A number that changes whenever a batch is taken or finished.
    pub(super) fn moves(&self) -> u64 {
        self.taken.load(Relaxed) + self.handled.load(Relaxed)
    }
}
