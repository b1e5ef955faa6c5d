//! Limits how many orders a customer may place in a minute. `orders` makes the limit of the caller when an order is
//! placed, and checks it before it inserts the order.
//!
//! 1. Orders that the customer places are counted. Orders that staff place for the customer are not.
//! 2. Orders are counted in the database, with an index, so the limit holds across processes and restarts.
//! 3. A request that is answered by its idempotency key places no order and is not counted.
//! 4. `check_rate` writes nothing. Other orders of the same customer wait until its transaction ends. The inner error
//!    says after how many seconds the customer can try again: rounded up, 1 to 60.
//! 5. There is no limit (`None`) for anybody but customers, nor if the merchant has set none.

use std::num::NonZeroU32;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{Actor, ActorKind};
use persistence::{Tx, orders};

use crate::error::{Error, Result};

const WINDOW: TimeDelta = TimeDelta::minutes(1);

/// The limit of one customer.
#[derive(Clone, Debug)]
pub(super) struct CustomerRate {
    customer: String,
    per_minute: NonZeroU32,
}

impl CustomerRate {
    /// The limit of this actor. `None` for anybody but customers, and if the merchant has set no limit.
    pub fn for_customer(actor: &Actor, per_minute: Option<NonZeroU32>) -> Option<Self> {
        match actor.kind {
            ActorKind::Customer => Some(Self { customer: actor.id.clone()?, per_minute: per_minute? }),
            ActorKind::System | ActorKind::Carrier | ActorKind::Support | ActorKind::Supplier => None,
        }
    }

    /// Returns [`Error::TooManyOrders`] if the customer has placed as many orders within the last minute as the limit
    /// allows.
    pub async fn check_rate(&self, tx: &Tx, now: DateTime<Utc>) -> persistence::Result<Result<()>> {
        let most = self.per_minute.get();
        let placed = orders::placed_by_customer(tx, &self.customer, now - WINDOW, most.into()).await?;
        let oldest = placed.get(most as usize - 1).copied();
        Ok(match oldest {
            Some(oldest) => Err(Error::TooManyOrders {
                per_minute: most,
                retry_after: seconds_until(oldest + WINDOW, now),
            }),
            None => Ok(()),
        })
    }
}

/// Seconds from `now` until `then`, rounded up, between 1 and the length of the window.
fn seconds_until(then: DateTime<Utc>, now: DateTime<Utc>) -> u32 {
    let milliseconds = (then - now).num_milliseconds().clamp(1, WINDOW.num_milliseconds());
    u32::try_from(milliseconds).unwrap_or(u32::MAX).div_ceil(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_second_is_waited_for() {
        let now = DateTime::UNIX_EPOCH;
        let seconds = |milliseconds| seconds_until(now + TimeDelta::milliseconds(milliseconds), now);
        assert_eq!((seconds(-5), seconds(0), seconds(1)), (1, 1, 1));
        assert_eq!((seconds(1000), seconds(1001), seconds(600_000)), (1, 2, 60));
    }

    #[test]
    fn only_customers_have_a_bound() {
        let actor = |kind| Actor::new(kind, "x");
        let most = NonZeroU32::new(3);
        assert!(CustomerRate::for_customer(&actor(ActorKind::Customer), most).is_some());
        assert!(CustomerRate::for_customer(&actor(ActorKind::Customer), None).is_none());
        for kind in [ActorKind::Support, ActorKind::System, ActorKind::Supplier] {
            assert!(CustomerRate::for_customer(&actor(kind), most).is_none());
        }
    }
}
