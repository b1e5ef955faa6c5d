//! Replacements: links a new order to the one that it replaces, in the transaction that places it. `orders` calls this
//! before it inserts the new order, and writes the order that is returned. The outer error is a failure of the
//! database, the inner one a refusal.
//!
//! `None`: the new order replaces none.

use domain::{Context, Order, OrderHead, Refusal, Replacement, Request, check_replaced_order};
use persistence::{Tx, orders};

/// Locks the order that `new` replaces, and records in it that it is replaced; the caller writes it. `None` if `new`
/// replaces none. Refuses an order that does not exist or belongs to another customer.
pub(super) async fn link_replaced_order(
    tx: &Tx,
    new: &OrderHead,
    context: &Context,
) -> persistence::Result<Result<Option<Order>, Refusal>> {
    let Some(id) = new.replaces else { return Ok(Ok(None)) };
    let mut replaced = orders::lock_and_load(tx, &[id]).await?.remove(&id);
    if let Err(refusal) = check_replaced_order(new, replaced.as_ref().map(Order::head)) {
        return Ok(Err(refusal));
    }
    if let Some(order) = &mut replaced {
        let link = Replacement { id: new.id, reference: new.reference.clone() };
        if let Err(refusal) = order.apply(Request::RecordReplacement(link), None, context) {
            return Ok(Err(refusal));
        }
    }
    Ok(Ok(replaced))
}
