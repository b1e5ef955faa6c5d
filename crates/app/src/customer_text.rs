//! Decides which texts may appear in mails and on the tracking page: never a customer's own.
//!
//! Mails and the tracking page speak in the name of the shop, and a customer could direct both to another person.
//! Example: a customer orders an item with the name "Call 555-0100, your account is locked" and sends the link to
//! somebody else. Therefore neither shows a customer's own text. The API shows it to the customer and to staff.
//! `notifications` and the tracking page call this.

use domain::{ActorKind, Item, OrderStatus};
use persistence::Event;

/// The items, with names that may be shown in mails and on pages. If a customer placed the order, the names are
/// replaced by "Item 1", "Item 2", …
pub fn items_to_show(mut items: Vec<Item>, events: &[Event]) -> Vec<Item> {
    let placed_by_customer = |event: &Event| event.version == 1 && event.actor.kind == ActorKind::Customer;
    if events.iter().any(placed_by_customer) {
        for (number, item) in (1..).zip(&mut items) {
            item.name = format!("Item {number}");
        }
    }
    items
}

/// The notes of the event that brought the order into this status, if support or a system wrote them.
pub(crate) fn reason_to_mail(events: &[Event], status: OrderStatus) -> Option<String> {
    let event = events.iter().find(|event| event.to == status)?;
    event.notes.clone().filter(|_| event.actor.is_staff())
}

/// The reason for which all units were called off, if it is the same for all of them. Staff wrote it: only they cancel
/// units.
pub(crate) fn reason_of_called_off(items: &[Item]) -> Option<String> {
    let (first, others) = items.split_first()?;
    let is_same = |item: &Item| item.wanted() == 0 && item.cancel_reason == first.cancel_reason;
    let is_all = is_same(first) && others.iter().all(is_same);
    first.cancel_reason.clone().filter(|_| is_all)
}
