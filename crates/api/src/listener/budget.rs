//! A number of bytes that all requests of the process share.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// The bytes that may still be held.
#[derive(Debug)]
pub(crate) struct Budget {
    left: AtomicUsize,
    /// The first bytes of every reservation, which cost nothing.
    free: usize,
}

impl Budget {
    pub(super) fn new(bytes: usize, free: usize) -> Arc<Self> {
        Arc::new(Self { left: AtomicUsize::new(bytes), free })
    }

    /// A reservation of nothing yet.
    pub(super) fn reserve(self: &Arc<Self>) -> Reservation {
        Reservation { budget: self.clone(), held: AtomicUsize::new(0) }
    }
}

/// What one request holds of a budget. Dropped, it gives everything back.
#[derive(Debug)]
pub(crate) struct Reservation {
    budget: Arc<Budget>,
    held: AtomicUsize,
}

impl Reservation {
    /// Holds exactly what so many bytes cost; `false`, and nothing changed, where too little is left. One task at a
    /// time calls this.
    pub(super) fn cover(&self, bytes: usize) -> bool {
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
        let (one, other) = (budget.reserve(), budget.reserve());
        assert!(one.cover(70) && other.cover(10), "60 and 0 are held");
        assert!(!other.cover(51), "41 and 40 are left");
        assert!(other.cover(50));
        assert!(one.cover(30) && other.cover(90), "20 and 80 are held");
        assert!(!one.cover(31));
        drop(other);
        assert!(one.cover(110));
        drop(one);
        assert_eq!(budget.left.load(Ordering::Relaxed), 100);
    }
}
