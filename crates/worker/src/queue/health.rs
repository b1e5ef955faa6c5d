//! Counts what the worker of a queue does, for readiness and for tests. `service` and `supervise` write the counters,
//! `Queue::health` reads them, and the watchdog compares `count_moves`. Nothing here waits.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// The state of the worker of a queue in this process. Readiness uses `alive` and `stalled`; tests use the counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health {
    /// Whether a worker runs and the queue answered the last check, at most about a second ago.
    pub alive: bool,
    /// Whether batches waited and a slot was free, but no batch was taken or finished for some seconds: the worker does
    /// not fetch.
    pub stalled: bool,
    /// Whether batches waited and for some seconds every slot was busy with a job that did not end: the worker works,
    /// but slowly.
    pub slow: bool,
    /// Number of batches that are handled now in this process.
    pub running: usize,
    /// Number of batches handled since the process started, including those that panicked.
    pub handled: u64,
    /// Number of batches whose handler panicked.
    pub panicked: u64,
    /// Number of workers that failed or stalled and were replaced.
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
        // Read `handled` before `taken`: a batch is counted as taken first, so `handled` is never the greater one.
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
    pub(super) fn count_moves(&self) -> u64 {
        self.taken.load(Relaxed) + self.handled.load(Relaxed)
    }
}
