//! Distinguishes a worker that no longer fetches from a worker whose jobs take long. `supervise` calls it at every
//! check. Only [`Slowness`] logs; nothing here stops a worker.
//!
//! Rules:
//! 1. No work waits, or batches are taken or finished: the worker works.
//! 2. Work waits, nothing moved for [`STALLED_AFTER`], and every slot has a job: the jobs are slow, because a mail
//!    server or a lock keeps them waiting. The worker works. A new one would not help, so the process stays ready. The
//!    log has one line when jobs become slow, and one when the queue is empty again.
//! 3. Work waits, nothing moved for [`STALLED_AFTER`], and a slot is free: the worker does not fetch. It is replaced,
//!    and the process is not ready in the meantime.

use std::time::Duration;

use tokio::time::Instant;

/// How long work waits without a batch being taken or finished, before the worker counts as busy or stalled.
pub(super) const STALLED_AFTER: Duration = Duration::from_secs(5);

/// The result of one check of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// Rule 1, and no work waits.
    Idle,
    /// Rule 1, and work waits.
    Working,
    /// Work waits and nothing moves, because every slot is busy (rule 2).
    Busy,
    /// Work waits and nothing moves, although a slot is free (rule 3).
    Stalled,
}

/// Remembers when a batch was taken or finished last.
pub(super) struct Watchdog {
    moves: u64,
    still_since: Instant,
}

impl Watchdog {
    pub(super) fn new(now: Instant) -> Self {
        Self { moves: 0, still_since: now }
    }

    /// `waiting` is the number of batches in the queue. `moves` changes whenever a batch is taken or finished.
    pub(super) fn assess_progress(
        &mut self,
        waiting: usize,
        moves: u64,
        all_slots_busy: bool,
        now: Instant,
    ) -> Finding {
        if waiting == 0 || moves != self.moves {
            self.moves = moves;
            self.still_since = now;
        }
        match now - self.still_since >= STALLED_AFTER {
            true if all_slots_busy => Finding::Busy,
            true => Finding::Stalled,
            false if waiting == 0 => Finding::Idle,
            false => Finding::Working,
        }
    }
}

/// Logs when jobs become slow, and when the queue is empty again.
#[derive(Default)]
pub(super) struct Slowness {
    since: Option<Instant>,
}

impl Slowness {
    pub(super) fn note_finding(&mut self, queue: &str, finding: Finding, waiting: usize, now: Instant) {
        match (finding, self.since) {
            (Finding::Busy, None) => {
                tracing::warn!(
                    queue,
                    waiting,
                    "jobs take long: every slot has been busy for {STALLED_AFTER:?}, and further work waits"
                );
                self.since = Some(now);
            }
            (Finding::Idle, Some(since)) => {
                let seconds = (now - since).as_secs();
                tracing::info!(queue, seconds, "jobs no longer take long: no work waits");
                self.since = None;
            }
            (Finding::Busy, Some(_)) | (Finding::Idle, None) | (Finding::Working | Finding::Stalled, _) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_is_stalled_when_work_waits_a_slot_is_free_and_nothing_moves() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut watchdog = Watchdog::new(start);
        assert_eq!(watchdog.assess_progress(3, 0, false, at(4)), Finding::Working, "not long enough");
        assert_eq!(watchdog.assess_progress(3, 0, false, at(5)), Finding::Stalled);
        assert_eq!(watchdog.assess_progress(3, 1, false, at(6)), Finding::Working, "something moved");
        assert_eq!(watchdog.assess_progress(0, 1, false, at(60)), Finding::Idle);
        assert_eq!(watchdog.assess_progress(1, 1, false, at(64)), Finding::Working);
        assert_eq!(watchdog.assess_progress(1, 1, false, at(65)), Finding::Stalled);
    }

    #[test]
    fn a_worker_whose_slots_are_all_busy_is_slow_and_not_stalled() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut watchdog = Watchdog::new(start);
        assert_eq!(watchdog.assess_progress(3, 2, true, at(1)), Finding::Working);
        for seconds in [6, 60, 3_600] {
            assert_eq!(watchdog.assess_progress(3, 2, true, at(seconds)), Finding::Busy, "after {seconds} s");
        }
        assert_eq!(watchdog.assess_progress(3, 3, true, at(3_601)), Finding::Working, "a job ended");
        assert_eq!(
            watchdog.assess_progress(3, 3, false, at(3_606)),
            Finding::Stalled,
            "a slot is free and nothing is taken"
        );
    }
}
