//! Keeps a failing member of a batch from failing the other members. `orders`, `webhooks`, `reads` and the webhook job
//! of `worker` use it.
//!
//! 1. All members are tried together.
//! 2. If that fails for a cause that may lie in one member (a row that cannot be read, a row that another transaction
//!    has locked, too many rows, a panic), each member is tried alone, [`AT_ONCE`] at the same time. They start in the
//!    sequence of the batch.
//! 3. If it fails for another cause (the database is down), all members have failed.
//!
//! The caller says with `may_succeed_alone` which errors fall under rule 2. The answer pairs each attempt that counts
//! with its members, in the sequence of the members: one pair with all of them, or one for each.

use std::{future::Future, panic::AssertUnwindSafe};

use futures::{FutureExt, future::join_all};
use tokio::sync::Semaphore;

use crate::error::{Error, Result};

/// Number of members that are tried alone at the same time. Each of them uses a connection, and waits with it for a
/// locked row. A process has ten connections by default, and at most two batches of each kind at once. So eight
/// connections are used and others stay free.
pub const AT_ONCE: usize = 4;

/// Tries the members together, then alone if `may_succeed_alone` says so of the error: for transactions it is
/// [`Error::may_succeed_alone`]. Returns the attempts that count, in the sequence of the members: either one with all
/// members, or one for each member. Logs once that the members are tried alone, except after too many rows, which is
/// usual.
///
/// The answer to a member waits until all members are done. If other transactions hold the rows of `h` members all the
/// time, the batch ends
/// after at most
///
/// ```text
/// lock timeout × (1 + ⌈h ÷ AT_ONCE⌉)
/// ```
///
/// and the time of the other members' work: the batch waits for the first held row once, then `AT_ONCE` members wait at
/// the same time. One after the other it would be lock timeout × (1 + h).
pub async fn isolate<'a, T, R, E, Work>(
    members: &'a [T],
    may_succeed_alone: impl Fn(&Error) -> bool,
    attempt: impl Fn(&'a [T]) -> Work,
) -> Vec<(&'a [T], Result<R>)>
where
    E: Into<Error>,
    Work: Future<Output = Result<R, E>>,
{
    let attempt = |members| {
        let work = AssertUnwindSafe(attempt(members)).catch_unwind();
        async move {
            let result = work.await.map_or(Err(Error::BrokenOff), |result| result.map_err(Into::into));
            (members, result)
        }
    };
    let error = match attempt(members).await {
        (_, Err(error)) if members.len() > 1 && may_succeed_alone(&error) => error,
        result => return vec![result],
    };
    // Reads that are too large together are usual.
    if !error.is_too_many_rows() {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            members = members.len(),
            "a batch failed, its members are tried alone"
        );
    }
    let permits = Semaphore::new(AT_ONCE);
    let alone = members.chunks(1).map(async |member| {
        let _permit = permits.acquire().await;
        attempt(member).await
    });
    join_all(alone).await
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// The attempts that `isolate` made, and what it returned.
    struct Isolated {
        attempts: Vec<Vec<u32>>,
        results: Vec<(Vec<u32>, Result<u32, String>)>,
        /// The largest number of attempts at the same time.
        at_once: usize,
    }

    /// Isolates members of which 0 cannot be read, 1 panics and 2 finds the database down. The result is their sum.
    async fn run(members: &[u32]) -> Isolated {
        let attempts = Mutex::new(Vec::new());
        let running = Mutex::new((0, 0));
        let attempt = async |members: &[u32]| {
            attempts.lock().unwrap().push(members.to_vec());
            {
                let mut running = running.lock().unwrap();
                running.0 += 1;
                running.1 = running.1.max(running.0);
            }
            tokio::task::yield_now().await;
            running.lock().unwrap().0 -= 1;
            assert!(!members.contains(&1), "a member breaks off");
            match members {
                _ if members.contains(&0) => Err(persistence::Error::Url("unreadable".to_owned())),
                _ if members.contains(&2) => Err(persistence::Error::NotCommitted("down")),
                _ => Ok(members.iter().sum()),
            }
        };
        let results = isolate(members, Error::may_succeed_alone, attempt).await;
        let results = results
            .into_iter()
            .map(|(members, result)| (members.to_vec(), result.map_err(|error| error.to_string())))
            .collect();
        let at_once = running.lock().unwrap().1;
        Isolated { attempts: attempts.into_inner().unwrap(), results, at_once }
    }

    #[tokio::test]
    async fn members_that_succeed_together_are_not_tried_alone() {
        let isolated = run(&[3, 4, 5]).await;
        assert_eq!(isolated.results, [(vec![3, 4, 5], Ok(12))]);
        assert_eq!(isolated.attempts.len(), 1);
        assert_eq!(run(&[]).await.results, [(vec![], Ok(0))]);
    }

    #[tokio::test]
    async fn a_member_that_fails_or_panics_fails_alone() {
        for bad in [0, 1] {
            let Isolated { attempts, results, .. } = run(&[3, bad, 4]).await;
            assert_eq!(attempts, [vec![3, bad, 4], vec![3], vec![bad], vec![4]]);
            assert_eq!((&results[0], &results[2]), (&(vec![3], Ok(3)), &(vec![4], Ok(4))));
            assert!(results[1].0 == [bad] && results[1].1.is_err(), "{results:?}");
        }
    }

    #[tokio::test]
    async fn a_single_member_is_tried_once() {
        let isolated = run(&[0]).await;
        assert!(isolated.attempts.len() == 1 && isolated.results[0].1.is_err());
    }

    #[tokio::test]
    async fn a_failure_of_the_database_is_the_answer_to_all() {
        let isolated = run(&[3, 2, 4]).await;
        assert_eq!(isolated.attempts.len(), 1);
        assert!(isolated.results.len() == 1 && isolated.results[0].1.is_err(), "{:?}", isolated.results);
    }

    #[tokio::test]
    async fn few_members_are_tried_at_the_same_time() {
        let members: Vec<u32> = std::iter::once(0).chain(3..40).collect();
        let isolated = run(&members).await;
        assert_eq!((isolated.at_once, isolated.results.len()), (AT_ONCE, members.len()));
        assert_eq!(isolated.results.iter().filter(|(_, result)| result.is_err()).count(), 1);
    }
}
