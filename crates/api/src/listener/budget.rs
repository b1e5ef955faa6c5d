//! A memory budget: a number of bytes that all connections of a listener share. A [`Reservation`] begins with zero
//! bytes. Its holder resizes it; if too little of the budget is left, the size stays as it was, and nobody waits.
//! Dropping it returns its bytes.
//! `try_resize` answers `false` then.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// A number of bytes, of which requests reserve parts.
#[derive(Debug)]
pub(crate) struct Budget {
    left: AtomicUsize,
    /// The first bytes of every reservation, which are not counted.
    free: usize,
}

impl Budget {
    pub(super) fn new(bytes: usize, free: usize) -> Arc<Self> {
        Arc::new(Self { left: AtomicUsize::new(bytes), free })
    }

    /// Makes a reservation of zero bytes; [`Reservation::try_resize`] changes it.
    pub(super) fn open_reservation(self: &Arc<Self>) -> Reservation {
        Reservation { budget: self.clone(), held: AtomicUsize::new(0) }
    }
}

/// The part of a budget that one holder has reserved. Dropping it returns everything.
#[derive(Debug)]
pub(crate) struct Reservation {
    budget: Arc<Budget>,
    held: AtomicUsize,
}

impl Reservation {
    /// Sets the reservation to this many bytes, less the free ones. `false`: the budget has too little left, and
    /// nothing is changed. Two tasks must not call this at the same time.
    pub(super) fn try_resize(&self, bytes: usize) -> bool {
        let (cost, held) = (bytes.saturating_sub(self.budget.free), self.held.load(Ordering::Relaxed));
        let left = &self.budget.left;
        if let Some(more) = cost.checked_sub(held).filter(|more| *more > 0) {
            let take = |left: usize| left.checked_sub(more);
            if left.fetch_update(Ordering::AcqRel, Ordering::Relaxed, take).is_err() {
                return false;
            }
        } else if held > cost {
            left.fetch_add(held - cost, Ordering::AcqRel);
        }
        self.held.store(cost, Ordering::Relaxed);
        true
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.left.fetch_add(*self.held.get_mut(), Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_given_back() {
        let budget = Budget::new(100, 10);
        let (one, other) = (budget.open_reservation(), budget.open_reservation());
        assert!(one.try_resize(70) && other.try_resize(10), "60 and 0 are held");
        assert!(!other.try_resize(51), "41 and 40 are left");
        assert!(other.try_resize(50));
        assert!(one.try_resize(30) && other.try_resize(90), "20 and 80 are held");
        assert!(!one.try_resize(31));
        drop(other);
        assert!(one.try_resize(110));
        drop(one);
        assert_eq!(budget.left.load(Ordering::Relaxed), 100);
    }
}
