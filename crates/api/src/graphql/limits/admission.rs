//! How much is resolved at once in the whole process, so that its memory is bounded whatever many clients ask for.
//!
//! 1. At most [`MAX_RESOLVING`] queries are resolved at once. The others wait, within their deadline.
//! 2. A query of ordinary size needs at most about a MiB. One that grows beyond that (see `running`) needs one of
//!    [`MAX_LARGE`] permits to go on. At most [`MAX_LARGE_WAITING`] wait for one, and the next is refused: they would
//!    take the places of ordinary queries.
//! 3. The permit of a large answer is returned when the answer has left for the client, because until then the answer
//!    takes memory. The transport puts a [`PermitSlot`] into the request's data, takes the permit from it, and keeps it
//!    with the answer.
//!
//! Mutations are outside of rule 1: they wait for rows that others hold, and queries must not wait for those.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

/// Queries that are resolved at once.
pub const MAX_RESOLVING: usize = 64;
/// Large answers at once, from their resolution until they have left.
pub const MAX_LARGE: usize = 2;

/// Operations that wait until they may make a large answer.
pub const MAX_LARGE_WAITING: usize = 16;

/// The permits of one schema, and so of the process.
#[derive(Debug)]
pub struct Admission {
    resolving: Semaphore,
    large: Arc<Semaphore>,
    large_waiting: AtomicUsize,
}

impl Admission {
    pub fn new() -> Self {
        Self {
            resolving: Semaphore::new(MAX_RESOLVING),
            large: Arc::new(Semaphore::new(MAX_LARGE)),
            large_waiting: AtomicUsize::new(0),
        }
    }

    /// Waits until a query may be resolved. `None` if nothing is admitted any more: the semaphore is never closed.
    pub async fn resolving(&self) -> Option<SemaphorePermit<'_>> {
        self.resolving.acquire().await.ok()
    }

    /// Waits until a large answer may be made. `None` if too many wait already.
    pub async fn large(&self) -> Option<AnswerPermit> {
        if let Ok(permit) = self.large.clone().try_acquire_owned() {
            return Some(AnswerPermit { _permit: permit });
        }
        let waiting = Waiting::enter(&self.large_waiting)?;
        let permit = self.large.clone().acquire_owned().await.ok()?;
        drop(waiting);
        Some(AnswerPermit { _permit: permit })
    }
}

/// One of those that wait; counted until it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn enter(count: &'a AtomicUsize) -> Option<Self> {
        let before = count.fetch_add(1, Relaxed);
        let waiting = Self(count);
        (before < MAX_LARGE_WAITING).then_some(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// The permit of one large answer. Dropped, it lets the next one begin.
#[derive(Debug)]
pub(crate) struct AnswerPermit {
    _permit: OwnedSemaphorePermit,
}

/// Where an operation leaves the permit of a large answer for the transport that sends the answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct PermitSlot(Arc<Mutex<Option<AnswerPermit>>>);

impl PermitSlot {
    pub(super) fn put(&self, permit: AnswerPermit) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(permit);
    }

    /// The permit of the answer that was made last, if that was large.
    pub(crate) fn take(&self) -> Option<AnswerPermit> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
