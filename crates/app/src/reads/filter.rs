//! Restricts the filters of lists to what the caller may see. `reads::orders` and `reads::events` call this for pages
//! and for counts. `None` means that the caller sees nothing of the list. A supplier's filter by a customer, an actor
//! or a carrier is refused, because the length of the list would reveal data. Pure.

use domain::Refusal;
use persistence::read::{EventFilter, OrderFilter};

use crate::{Caller, access::Scope, error::Result};

/// Restricts a filter of orders. `None` if nothing is left.
pub(super) fn narrow_order_filter(caller: &Caller, filter: OrderFilter) -> Result<Option<OrderFilter>> {
    Ok(match caller.scope() {
        Scope::All => Some(filter),
        Scope::Own(own) => (filter.user_id.is_none_or(|user| user == own))
            .then_some(OrderFilter { user_id: Some(own), ..filter }),
        Scope::Supplies(code) => {
            refuse_filter(caller, "userId", filter.user_id.is_some())?;
            refuse_filter(caller, "carrier", filter.carrier.is_some())?;
            Some(OrderFilter { supplier: Some(code.to_owned()), ..filter })
        }
        Scope::None => None,
    })
}

/// Restricts a filter of events. `None` if nothing is left.
pub(super) fn narrow_event_filter(caller: &Caller, filter: EventFilter) -> Result<Option<EventFilter>> {
    Ok(match caller.scope() {
        Scope::All => Some(filter),
        Scope::Own(own) => Some(EventFilter { user_id: Some(own), ..filter }),
        Scope::Supplies(code) => {
            refuse_filter(caller, "actor", filter.actor.is_some())?;
            refuse_filter(caller, "carrier", filter.carrier.is_some())?;
            Some(EventFilter { supplier: Some(code.to_owned()), ..filter })
        }
        Scope::None => None,
    })
}

/// Refuses a filter by data that the caller may not see. Otherwise the length of the list would reveal the data.
fn refuse_filter(caller: &Caller, field: &str, is_used: bool) -> Result<()> {
    if !is_used {
        return Ok(());
    }
    let message = format!("filter.{field}: the role {} may not ask for this", caller.actor.kind);
    Err(Refusal::Forbidden(message).into())
}
