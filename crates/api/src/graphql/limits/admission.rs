//! Limits on how many operations are resolved at once in the whole process. They bound its memory, however many clients
//! send queries. `operation` waits here for the permits of a query or of an update of a subscription. An update is
//! never refused, because its client would miss it; it waits.
//!
//! 1. At most [`MAX_RESOLVING`] queries are resolved at once. The others wait; their deadline is already running.
//! 2. A query of ordinary size needs at most about one MiB. A query that grows beyond that (see `meter`) needs one of
//!    [`MAX_LARGE`] permits to continue. At most [`MAX_LARGE_WAITING`] queries wait for a permit, and the next one is
//!    refused: queries that wait for a permit occupy places of rule 1, which ordinary queries need.
//! 3. The permit of a large answer is returned when the answer has been written as JSON. The transport puts a
//!    [`PermitSlot`] into the request's data and takes the permit from it. The listener limits how many bytes of
//!    answers wait for their clients, so a client that does not read delays no other large query.
//! 4. At most [`MAX_RESOLVING_OF_CALLER`] queries of one customer or supplier are resolved at once. The others wait and
//!    occupy no place of rule 1, so many queries of one token do not delay other callers. At most
//!    [`MAX_WAITING_OF_CALLER`] of them wait, and the next one is refused, because each takes memory while it
//!    waits. Support and systems have no such limits.
//!
//! Rules 1 and 4 do not apply to mutations. A mutation can wait for rows that another transaction has locked, and
//! queries must not wait for that.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use app::Caller;
use domain::ActorKind;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

/// How many queries are resolved at once.
pub const MAX_RESOLVING: usize = 64;
/// How many queries of one customer or supplier are resolved at once.
pub const MAX_RESOLVING_OF_CALLER: usize = 8;
/// How many more queries of the same customer or supplier may wait.
pub const MAX_WAITING_OF_CALLER: usize = 64;
/// How many large answers are made at once, from their resolution until they are written as JSON.
pub const MAX_LARGE: usize = 2;
/// How many operations may wait for the permit of a large answer.
pub const MAX_LARGE_WAITING: usize = 16;

/// All permits of one schema. A process has one schema.
#[derive(Debug)]
pub struct Admission {
    resolving: Semaphore,
    callers: Mutex<HashMap<String, Arc<Semaphore>>>,
    large: Arc<Semaphore>,
    /// One permit for each operation that may wait for a permit of `large`.
    large_waiting: Semaphore,
}

impl Admission {
    pub fn new() -> Self {
        Self {
            resolving: Semaphore::new(MAX_RESOLVING),
            callers: Mutex::default(),
            large: Arc::new(Semaphore::new(MAX_LARGE)),
            large_waiting: Semaphore::new(MAX_LARGE_WAITING),
        }
    }

    /// Waits until a query of this caller, or an update of a subscription, may be resolved. Keep the result until it is
    /// resolved. `None` if too many queries of the caller already wait. An update is never refused; it waits.
    pub async fn acquire_resolving_permit(
        &self,
        caller: Option<&Caller>,
        is_update: bool,
    ) -> Option<ResolvingPermit<'_>> {
        let own = match caller.and_then(key_of_limited_caller) {
            Some(key) => Some(self.acquire_permit_of_caller(key, is_update).await?),
            None => None,
        };
        // The semaphore is never closed.
        Some(ResolvingPermit { _resolving: self.resolving.acquire().await.ok(), _own: own })
    }

    async fn acquire_permit_of_caller(&self, key: String, is_update: bool) -> Option<OwnPermit<'_>> {
        let semaphore = {
            let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
            let new = || Arc::new(Semaphore::new(MAX_RESOLVING_OF_CALLER));
            let semaphore = callers.entry(key.clone()).or_insert_with(new);
            // The map holds one reference. Each query that runs or waits holds two: its own and that of its permit.
            let queries = (Arc::strong_count(semaphore) - 1) / 2;
            if !is_update && queries >= MAX_RESOLVING_OF_CALLER + MAX_WAITING_OF_CALLER {
                return None;
            }
            semaphore.clone()
        };
        // Created before the wait, so that dropping it removes the caller from the map even if the query stops waiting.
        let mut own = OwnPermit { admission: self, key, semaphore, permit: None };
        own.permit = own.semaphore.clone().acquire_owned().await.ok();
        Some(own)
    }

    /// Waits until a large answer may be made. `None` if too many operations already wait.
    pub async fn acquire_large_permit(&self) -> Option<LargeResponsePermit> {
        if let Ok(permit) = self.large.clone().try_acquire_owned() {
            return Some(permit);
        }
        let _waiting = self.large_waiting.try_acquire().ok()?;
        self.large.clone().acquire_owned().await.ok()
    }
}

/// The permits of one query while it is resolved.
#[derive(Debug)]
pub struct ResolvingPermit<'a> {
    _resolving: Option<SemaphorePermit<'a>>,
    _own: Option<OwnPermit<'a>>,
}

/// The permit of one query for rule 4. Dropping the last permit of a caller removes the caller from the map.
#[derive(Debug)]
struct OwnPermit<'a> {
    admission: &'a Admission,
    key: String,
    semaphore: Arc<Semaphore>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Drop for OwnPermit<'_> {
    fn drop(&mut self) {
        let mut callers = self.admission.callers.lock().unwrap_or_else(PoisonError::into_inner);
        self.permit = None;
        // Two references are left: that of the map and that of this query.
        if Arc::strong_count(&self.semaphore) == 2 {
            callers.remove(&self.key);
        }
    }
}

/// The key under which the queries of a caller are counted. `None` for callers without a limit.
fn key_of_limited_caller(caller: &Caller) -> Option<String> {
    match caller.actor.kind {
        ActorKind::Customer | ActorKind::Supplier => {
            Some(format!("{}/{}", caller.actor.kind, caller.actor.id.as_deref().unwrap_or_default()))
        }
        ActorKind::Support | ActorKind::System | ActorKind::Carrier => None,
    }
}

/// The permit of one large answer. Dropping it lets the next one begin.
pub(crate) type LargeResponsePermit = OwnedSemaphorePermit;

/// The place where an operation puts the permit of its large answer, for the transport that writes the answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct PermitSlot(Arc<Mutex<Option<LargeResponsePermit>>>);

impl PermitSlot {
    pub(super) fn put_permit(&self, permit: LargeResponsePermit) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(permit);
    }

    /// Takes the permit of the last answer. `None` if the answer was not large.
    pub(crate) fn take_permit(&self) -> Option<LargeResponsePermit> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[cfg(test)]
mod tests {
    use domain::Actor;
    use futures::FutureExt;

    use super::*;

    fn caller(kind: ActorKind, id: &str) -> Caller {
        Caller { actor: Actor::new(kind, id), request_id: None, email: None }
    }

    #[tokio::test]
    async fn a_customer_waits_for_own_queries_and_others_do_not() {
        let admission = Admission::new();
        let kim = caller(ActorKind::Customer, "kim");
        let mut admitted = Vec::new();
        for _ in 0..MAX_RESOLVING_OF_CALLER {
            admitted.push(admission.acquire_resolving_permit(Some(&kim), false).await);
        }
        let mut waiting = Box::pin(admission.acquire_resolving_permit(Some(&kim), false));
        assert!(waiting.as_mut().now_or_never().is_none(), "one too many");
        for other in [caller(ActorKind::Customer, "lee"), caller(ActorKind::Supplier, "kim")] {
            assert!(admission.acquire_resolving_permit(Some(&other), false).now_or_never().is_some());
        }
        let staff = caller(ActorKind::Support, "sam");
        let mut of_staff = Vec::new();
        for _ in 0..MAX_RESOLVING - MAX_RESOLVING_OF_CALLER {
            let one = admission.acquire_resolving_permit(Some(&staff), false).now_or_never();
            of_staff.push(one.expect("staff have no bound of their own"));
        }
        drop(of_staff);
        admitted.pop();
        assert!(waiting.as_mut().now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_customer_who_has_too_many_queries_is_refused() {
        let admission = Admission::new();
        let kim = caller(ActorKind::Customer, "kim");
        let begin = |is_update| {
            let mut begun = Box::pin(admission.acquire_resolving_permit(Some(&kim), is_update));
            (begun.as_mut().now_or_never(), begun)
        };
        let mut all = Vec::new();
        for number in 0..MAX_RESOLVING_OF_CALLER + MAX_WAITING_OF_CALLER {
            let (outcome, waiting) = begin(false);
            let admitted = outcome.map(|outcome| outcome.expect("it is not refused"));
            assert_eq!(admitted.is_some(), number < MAX_RESOLVING_OF_CALLER);
            all.push((admitted, waiting));
        }
        assert!(matches!(begin(false).0, Some(None)), "refused");
        assert!(begin(true).0.is_none(), "an update waits");
        all.pop();
        assert!(begin(false).0.is_none(), "it waits");
    }

    #[tokio::test]
    async fn callers_without_queries_are_forgotten() {
        let admission = Admission::new();
        let known = || admission.callers.lock().unwrap().len();
        for number in 0..100 {
            let one = caller(ActorKind::Customer, &number.to_string());
            let first = admission.acquire_resolving_permit(Some(&one), false).await;
            let second = admission.acquire_resolving_permit(Some(&one), false).await;
            drop(first);
            assert_eq!(known(), 1);
            drop(second);
        }
        assert_eq!(known(), 0);
        // A caller whose query stops waiting is removed too.
        let kim = caller(ActorKind::Customer, "kim");
        let mut admitted = Vec::new();
        for _ in 0..MAX_RESOLVING_OF_CALLER {
            admitted.push(admission.acquire_resolving_permit(Some(&kim), false).await);
        }
        assert!(admission.acquire_resolving_permit(Some(&kim), false).now_or_never().is_none());
        drop(admitted);
        assert_eq!(known(), 0);
    }
}
