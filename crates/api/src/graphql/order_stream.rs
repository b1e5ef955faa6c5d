//! The stream of the updates of one order: the core of the subscription `orderUpdated`, without GraphQL.
//!
//! 1. It subscribes to the live feed first and reads the stored events afterwards, so no change falls between the two.
//! 2. A signal of the feed only says that there may be something new. The updates come from the stored events, whose
//!    versions have no gaps. So no event is missed, repeated or out of order, even if the feed loses signals.
//! 3. It also reads at a fixed interval, because the feed can lose the last signal.
//! 4. The stream ends after a cancelled or returned order, or when the caller may not see the order any more. A read
//!    that fails does not end it.

use std::{collections::VecDeque, time::Duration};

use app::{
    Caller, Error, Result,
    feed::{Feed, Signal, Subscription},
    reads::Reads,
};
use chrono::{DateTime, Utc};
use domain::{OrderHead, OrderId};
use futures::{Stream, stream};
use persistence::{Event, read::VersionRange};
use tokio::time::{Instant, sleep_until};

/// One update: the order as it is now, and what happened to it.
#[derive(Clone, Debug)]
pub(super) struct Update {
    /// The version after which a client continues that has received this update.
    pub version: i32,
    /// The order as it is now.
    pub order: OrderHead,
    /// The event that happened. `None` for the present state, and for a change that left the status as it was.
    pub event: Option<Event>,
}

/// Where a stream begins.
#[derive(Clone, Copy, Debug)]
pub(super) enum StartFrom {
    /// With the present state of the order.
    Now,
    /// With the event after this version.
    Version(i32),
}

/// Why a stream cannot begin.
#[derive(Debug)]
pub(super) enum NotStreamed {
    /// The order does not exist, or the caller may not see it.
    NoOrder,
    /// The order has not reached that version yet.
    FutureVersion,
    Failed(Error),
}

/// Streams the updates of an order until it is cancelled or returned, or until the caller may no longer see it. The
/// order is read at least once in every `tick`.
pub(super) async fn stream_order(
    reads: Reads,
    feed: &Feed,
    caller: Caller,
    id: OrderId,
    from: StartFrom,
    tick: Duration,
) -> Result<impl Stream<Item = Update> + Send + use<>, NotStreamed> {
    let signals = feed.subscribe();
    let order = reads.order(&caller, id).await.map_err(NotStreamed::Failed)?.ok_or(NotStreamed::NoOrder)?;
    let mut pending = VecDeque::new();
    if let StartFrom::Version(version) = from {
        if version > order.version {
            return Err(NotStreamed::FutureVersion);
        }
        pending = events_since(&reads, &caller, version, &order).await.map_err(NotStreamed::Failed)?;
    }
    pending.push_back(Update { version: order.version, order: order.clone(), event: None });
    let stream_state = OrderStream {
        ended: order.status.is_terminal(),
        seen: (order.version, order.updated_at),
        next_look: Instant::now() + tick,
        failing: false,
        reads,
        caller,
        id,
        signals,
        tick,
        pending,
    };
    Ok(stream::unfold(stream_state, |mut stream_state| async {
        stream_state.next().await.map(|update| (update, stream_state))
    }))
}

/// The events after a version, each with the order as it is now.
async fn events_since(
    reads: &Reads,
    caller: &Caller,
    version: i32,
    order: &OrderHead,
) -> Result<VecDeque<Update>> {
    let range = VersionRange { order_id: order.id, first: version.saturating_add(1), last: order.version };
    if range.first > range.last {
        return Ok(VecDeque::new());
    }
    let events = reads.events_in(caller, vec![range]).await?.remove(&range).unwrap_or_default();
    let update = |event: Event| Update { version: event.version, order: order.clone(), event: Some(event) };
    Ok(events.iter().cloned().map(update).collect())
}

struct OrderStream {
    reads: Reads,
    caller: Caller,
    id: OrderId,
    signals: Subscription,
    tick: Duration,
    next_look: Instant,
    /// Updates that were read and are not sent yet.
    pending: VecDeque<Update>,
    /// The version of the order, and the time of its last change, at the last read.
    seen: (i32, DateTime<Utc>),
    /// Whether no update can follow after `pending`.
    ended: bool,
    /// Whether the last read failed. An outage is logged once, not at every read.
    failing: bool,
}

impl OrderStream {
    async fn next(&mut self) -> Option<Update> {
        loop {
            if let Some(update) = self.pending.pop_front() {
                return Some(update);
            }
            if self.ended {
                return None;
            }
            self.wait_for_signal().await;
            match self.read_new_events().await {
                Ok(()) => self.failing = false,
                Err(error) => {
                    // No update is lost: the next read begins at the same version.
                    if !std::mem::replace(&mut self.failing, true) {
                        let error = &error as &dyn std::error::Error;
                        tracing::warn!(request_id = self.caller.request_id, order = %self.id, error, "an order could not be looked at");
                    }
                }
            }
        }
    }

    /// Waits until a signal for this order, a gap of the feed or the tick.
    async fn wait_for_signal(&mut self) {
        loop {
            let signal = tokio::select! {
                signal = self.signals.recv() => signal,
                () = sleep_until(self.next_look) => break,
            };
            match signal {
                Signal::Update(update) if update.order_id != self.id => {}
                Signal::Update(_) | Signal::Gap => break,
            }
        }
        self.next_look = Instant::now() + self.tick;
    }

    /// Reads the order again, and the events since the last read, into `pending`.
    async fn read_new_events(&mut self) -> Result<()> {
        let Some(order) = self.reads.order(&self.caller, self.id).await? else {
            self.ended = true;
            return Ok(());
        };
        let now = (order.version, order.updated_at);
        if now == self.seen {
            return Ok(());
        }
        let mut news = events_since(&self.reads, &self.caller, self.seen.0, &order).await?;
        if news.is_empty() {
            news.push_back(Update { version: order.version, order: order.clone(), event: None });
        }
        self.pending = news;
        self.seen = now;
        self.ended = order.status.is_terminal();
        Ok(())
    }
}
