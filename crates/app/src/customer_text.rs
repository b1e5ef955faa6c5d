//! What a customer wrote, and where it may be shown.
//!
//! A mail and the page of an order speak in the shop's name, and both can be made to reach somebody else: a customer could
//! order "Call 555-0100, your account is locked" and send the link. So neither shows a customer's own words; the API shows
//! them to the customer and to staff. Called for mails (`notifications`) and by the tracking page.

use domain::{ActorKind, Item, OrderStatus};
use persistence::Event;

/// The items with names that may stand in mails and on pages. Those of an order that a customer placed are numbered.
pub fn items_to_show(mut items: Vec<Item>, events: &[Event]) -> Vec<Item> {
    let placed_by_customer = |event: &Event| event.version == 1 && event.actor.kind == ActorKind::Customer;
    if events.iter().any(placed_by_customer) {
        for (number, item) in (1..).zip(&mut items) {
            item.name = format!("Item {number}");
        }
    }
    items
}

/// Why the order came into this status, where support or a system gave the reason.
pub(crate) fn reason_to_mail(events: &[Event], status: OrderStatus) -> Option<String> {
    let event = events.iter().find(|event| event.to == status)?;
    event.notes.clone().filter(|_| event.actor.is_staff())
}
