//! The limits on one operation while it is resolved.
//!
//! `operation` calls an [`OperationMeter`] before and after each field and each element of a list is resolved.
//! `batch_cache` reports the rows that it has read (`count_rows`), and reads that were refused because they have too
//! many
//! rows (`stop_for_refused_read`). Before it reads more than [`ORDINARY_ROWS`] rows, it waits for `begin_large_read`.
//! Futures of this module never end once the operation is stopped. Rules:
//!
//! 1. **Turns.** After [`FIELDS_A_TURN`] fields the operation gives the thread back to the runtime. Otherwise a large
//!    operation would keep others from running, and would notice neither its deadline nor that its caller is gone.
//! 2. **Elements.** At most [`ELEMENTS_A_LEVEL`] elements of lists are resolved at once on each level of nested lists,
//!    because every field of an element that waits takes some KiB. Elements of a level wait only for deeper levels, so
//!    one of them can always continue. At most [`ROOTS_AT_ONCE`] of the operation's own fields are resolved at once, so
//!    that an operation with fifty aliases does not take all connections to the database.
//! 3. **Size.** Values and bytes of the answer are counted while they are made. Beyond [`MAX_VALUES`] or the maximum
//!    size of an answer the operation stops, before the rest is made.
//! 4. **Rows.** Rows that resolvers keep are counted in the same way, up to [`MAX_ROWS`].
//! 5. **Large answers.** Beyond an ordinary number of values, bytes or rows the operation waits for the permit of a
//!    large answer.
//!
//! When an operation stops, `operation` drops all of it, and its answer is one error.

use std::{
    convert::Infallible,
    future::{pending, poll_fn},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll},
};

use app::reads::ORDINARY_ROWS;
use async_graphql::{QueryPathNode, QueryPathSegment, ServerError, Value, parser::types::Field};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{MAX_DEPTH, errors::too_large};

/// How many fields begin before the runtime gets the thread back. They take about a millisecond.
pub const FIELDS_A_TURN: usize = 256;
/// How many elements of lists are resolved at once, on each level of nested lists.
pub const ELEMENTS_A_LEVEL: usize = 32;
/// How many fields of the operation itself are resolved at once.
pub const ROOTS_AT_ONCE: usize = 4;
/// The maximum number of fields and elements of lists in one answer.
pub const MAX_VALUES: usize = 100_000;
/// The maximum number of rows that one operation keeps while it is resolved: items, shipments and their lines, scans.
pub const MAX_ROWS: usize = 10_000;
// Up to these numbers of values and bytes, an answer needs no permit. The limit for rows is `ORDINARY_ROWS`.
const ORDINARY_VALUES: usize = 5_000;
const ORDINARY_BYTES: usize = 512 * 1024;

/// The counters of one operation, or of one update of a subscription. Only one task polls the operation.
pub(crate) struct OperationMeter {
    answer_bytes: usize,
    turns: AtomicUsize,
    /// Fields and elements that have begun.
    values: AtomicUsize,
    /// Members of objects that were made. They are counted too, because the library makes `__typename` without a call
    /// of [`begin_value`](Self::begin_value).
    members: AtomicUsize,
    bytes: AtomicUsize,
    rows: AtomicUsize,
    large: AtomicU8,
    stopped: AtomicBool,
    error: Mutex<Option<ServerError>>,
    roots: Semaphore,
    levels: [Semaphore; MAX_DEPTH],
    /// Lets one large read of the operation run at a time, so that each one knows how many rows the previous ones kept.
    reading: Semaphore,
}

/// Whether the operation needs, or has, the permit of a large answer.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Large {
    No,
    Wanted,
    Granted,
}

impl OperationMeter {
    pub fn new(answer_bytes: usize) -> Arc<Self> {
        Arc::new(Self {
            answer_bytes,
            turns: AtomicUsize::new(FIELDS_A_TURN),
            values: AtomicUsize::new(0),
            members: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            rows: AtomicUsize::new(0),
            large: AtomicU8::new(Large::No as u8),
            stopped: AtomicBool::new(false),
            error: Mutex::new(None),
            roots: Semaphore::const_new(ROOTS_AT_ONCE),
            levels: [const { Semaphore::const_new(ELEMENTS_A_LEVEL) }; MAX_DEPTH],
            reading: Semaphore::const_new(1),
        })
    }

    /// Resets the counters, the permit and the stop. Called before an operation, or one update of a subscription, is
    /// resolved.
    pub fn reset_for_execution(&self) {
        for counter in [&self.values, &self.members, &self.bytes, &self.rows] {
            counter.store(0, Relaxed);
        }
        self.large.store(Large::No as u8, Relaxed);
        self.stopped.store(false, Relaxed);
        self.begin_turn();
    }

    /// Begins a new turn. `operation` calls it before each poll.
    pub fn begin_turn(&self) {
        self.turns.store(FIELDS_A_TURN, Relaxed);
    }

    /// Whether the operation needs the permit of a large answer before it is polled again.
    pub fn needs_permit(&self) -> bool {
        self.large.load(Relaxed) == Large::Wanted as u8
    }

    /// Records that the operation has the permit of a large answer.
    pub fn grant_permit(&self) {
        self.large.store(Large::Granted as u8, Relaxed);
    }

    /// Asks `operation` for the permit of a large answer, unless the operation has it already.
    fn request_permit(&self) {
        if self.large.load(Relaxed) == Large::No as u8 {
            self.large.store(Large::Wanted as u8, Relaxed);
        }
    }

    /// Ends the operation with this error. If it was already ended, the first error remains.
    pub fn stop(&self, error: ServerError) {
        if !self.stopped.swap(true, Relaxed) {
            *self.error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        }
    }

    /// Takes the error that ended the operation. `None` if it was not ended.
    pub fn take_stop_error(&self) -> Option<ServerError> {
        let stopped = self.stopped.load(Relaxed);
        stopped.then(|| self.error.lock().unwrap_or_else(PoisonError::into_inner).take()).flatten()
    }

    /// Takes a part of the turn for one more field or element. If nothing is left of the turn, it is pending and wakes
    /// the task at once. `operation`, which polls the operation, decides when the operation continues.
    fn poll_for_turn(&self, cx: &Context<'_>) -> Poll<()> {
        let turns = self.turns.load(Relaxed);
        if turns == 0 || self.stopped.load(Relaxed) || self.needs_permit() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.turns.store(turns - 1, Relaxed);
        Poll::Ready(())
    }

    /// Waits until a field or an element of a list may begin, by rules 1 and 2. Keep the permit until the field or
    /// element is resolved. `None` for a field below the root, which needs no permit.
    pub async fn begin_value(&self, place: &QueryPathNode<'_>) -> Option<SemaphorePermit<'_>> {
        let permit = match place.segment {
            QueryPathSegment::Index(_) => match self.levels.get(count_lists_above(place)) {
                Some(elements) => elements.acquire().await.ok(),
                // The validation refuses deeper queries.
                None => None,
            },
            QueryPathSegment::Name(_) if place.parent.is_none() => self.roots.acquire().await.ok(),
            QueryPathSegment::Name(_) => None,
        };
        self.count_values(&self.values, 1);
        // Nothing more begins in an operation that was stopped.
        poll_fn(|cx| self.poll_for_turn(cx)).await;
        permit
    }

    /// Counts the bytes of a value that was made. Values inside an object or a list were counted before.
    pub fn count_resolved_value(&self, value: &Value, field: &Field) {
        let is_leaf = field.selection_set.node.items.is_empty();
        let (members, added) = match value {
            _ if is_leaf => measure_json(value),
            Value::Object(members) => (members.len(), own_size(value)),
            _ => (0, own_size(value)),
        };
        self.count_values(&self.members, members);
        let bytes = add(&self.bytes, added);
        if bytes > ORDINARY_BYTES {
            self.request_permit();
        }
        if bytes > self.answer_bytes {
            self.stop(too_large(format!("the answer is larger than {} bytes", self.answer_bytes)));
        }
    }

    /// Adds values of the answer. Asks for a permit beyond [`ORDINARY_VALUES`], stops the operation beyond
    /// [`MAX_VALUES`].
    fn count_values(&self, counter: &AtomicUsize, added: usize) {
        let values = add(counter, added);
        if values > ORDINARY_VALUES {
            self.request_permit();
        }
        if values > MAX_VALUES {
            self.stop(too_large(format!(
                "the answer has more than {MAX_VALUES} fields and elements of lists"
            )));
        }
    }

    /// Counts rows that a read returned and a resolver keeps.
    pub fn count_rows(&self, rows: usize) {
        let rows = add(&self.rows, rows);
        if rows > ORDINARY_ROWS {
            self.request_permit();
        }
        if rows > MAX_ROWS {
            self.stop(too_many_rows());
        }
    }

    /// Waits until a read of this operation may return more than [`ORDINARY_ROWS`] rows.
    pub async fn begin_large_read(&self) -> LargeRead<'_> {
        self.request_permit();
        poll_fn(|cx| {
            if self.needs_permit() || self.stopped.load(Relaxed) {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(())
        })
        .await;
        let permit = self.reading.acquire().await.ok();
        LargeRead { rows: MAX_ROWS.saturating_sub(self.rows.load(Relaxed)), _permit: permit }
    }

    /// Ends the operation because a read was refused: it would return too many rows. It never returns: the future that
    /// awaits it is
    /// dropped with the operation.
    pub async fn stop_for_refused_read(&self) -> Infallible {
        self.stop(too_many_rows());
        pending().await
    }
}

/// Adds to a counter and returns its new value. Only one task polls an operation, so this needs no atomic addition,
/// which
/// would cost more.
fn add(counter: &AtomicUsize, added: usize) -> usize {
    let sum = counter.load(Relaxed).saturating_add(added);
    counter.store(sum, Relaxed);
    sum
}

/// The permission to read many rows. Keep it until the rows are counted with [`OperationMeter::count_rows`].
pub(crate) struct LargeRead<'a> {
    /// How many rows the operation may still read.
    pub rows: usize,
    _permit: Option<SemaphorePermit<'a>>,
}

fn too_many_rows() -> ServerError {
    too_large(format!(
        "the query reads more than {MAX_ROWS} items, shipments or scans: ask for fewer orders at once"
    ))
}

/// In how many other lists the list of this element is.
fn count_lists_above(place: &QueryPathNode<'_>) -> usize {
    let is_index = |node: &&QueryPathNode<'_>| matches!(node.segment, QueryPathSegment::Index(_));
    place.parents().filter(is_index).count()
}

/// How many values a value contains, without itself, and the length of the JSON of all of it in bytes.
fn measure_json(value: &Value) -> (usize, usize) {
    let own = (0, own_size(value));
    let add = |(values, bytes): (usize, usize), inner: &Value| {
        let (inner_values, inner_bytes) = measure_json(inner);
        (values + 1 + inner_values, bytes + inner_bytes)
    };
    match value {
        Value::List(values) => values.iter().fold(own, add),
        Value::Object(members) => members.values().fold(own, add),
        Value::Null
        | Value::Number(_)
        | Value::String(_)
        | Value::Boolean(_)
        | Value::Binary(_)
        | Value::Enum(_) => own,
    }
}

/// The length of the JSON of a value without the values inside it, in bytes. Numbers count with a usual length.
fn own_size(value: &Value) -> usize {
    match value {
        Value::Null => 4,
        Value::Number(_) => 8,
        Value::Boolean(_) => 5,
        Value::Enum(name) => name.len() + 2,
        Value::String(text) => escaped_length(text) + 2,
        Value::Binary(bytes) => bytes.len() * 4 + 2,
        // Two brackets, and a comma for each element. For each member of an object, also two quotes and a colon.
        Value::List(values) => values.len() + 2,
        Value::Object(members) => members.keys().map(|name| name.len() + 4).sum::<usize>() + 2,
    }
}

/// The length of a text in JSON without its quotes. A control character takes six bytes, a quote or backslash two.
fn escaped_length(text: &str) -> usize {
    let escaped: usize = text
        .bytes()
        .map(|byte| match byte {
            b'"' | b'\\' => 1,
            0..=0x1f => 5,
            _ => 0,
        })
        .sum();
    text.len() + escaped
}

#[cfg(test)]
mod tests {
    use async_graphql::Value;
    use serde_json::json;

    use super::*;

    #[test]
    fn sizes_are_those_of_json() {
        for value in [
            json!(null),
            json!("plain"),
            json!("a \"quoted\" \\ \u{1} text"),
            json!([true, false]),
            json!({"a": [null, "x"], "bc": {"d": "é€"}}),
        ] {
            let written = serde_json::to_string(&value).unwrap().len();
            let (_, size) = measure_json(&Value::from_json(value.clone()).unwrap());
            assert!(size >= written && size <= written + 8, "{value}: {size} for {written}");
        }
        assert_eq!(measure_json(&Value::from("x".repeat(1000))), (0, 1002));
        assert_eq!(measure_json(&Value::from_json(json!([[1, 2], {"a": null}])).unwrap()).0, 5);
    }
}
