//! Decides which texts may appear in mails and on the tracking page: never a customer's own.
//!
//! Mails and the tracking page speak in the name of the shop, and a customer could direct both to another person.
//! Example: a customer orders an item with the name "Call 555-0100, your account is locked" and sends the link to
//! somebody else. Therefore neither shows a customer's own text. The API shows it to the customer and to staff.
//!
//! `api::track`, `notifications` and the notification job of `worker` call this.
//!
//! - Only `pickup_places` reads the database. A shipment is missing in its map if it does not wait, or if its latest
//!   scan at the pickup point names no place.
//! - `reason_to_mail` and `reason_if_all_called_off` are for the mail: `None` if there is no reason that staff gave.
//!   The second is `None` too unless every unit of the order was called off, for one and the same reason.
//! - `list_called_off` is empty if nothing was called off. It takes the items that `items_to_show` returned.

use std::collections::HashMap;

use domain::{
    ActorKind, Item, Meaning, OrderStatus, Shipment, ShipmentId, ShipmentStatus, StoredScan, live_shipments,
};
use persistence::{Event, Store, read};

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

/// Units of an item that were called off, for mails and pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalledOff {
    /// The name of the item, as [`items_to_show`] gives it.
    pub name: String,
    pub quantity: u32,
    /// The reason of the latest cancellation. Staff wrote it: only they cancel units.
    pub reason: Option<String>,
}

/// The units that were called off and will not come.
pub fn list_called_off(items: &[Item]) -> Vec<CalledOff> {
    let called_off = items.iter().filter(|item| item.cancelled > 0);
    let view = |item: &Item| CalledOff {
        name: item.name.clone(),
        quantity: item.cancelled,
        reason: item.cancel_reason.clone(),
    };
    called_off.map(view).collect()
}

/// The places at which shipments to the customer wait to be collected: for each shipment the place in its latest such
/// scan, if the carrier or staff recorded that scan. A supplier's text is not shown.
///
/// # Errors
/// When the database fails.
pub async fn pickup_places(
    store: &Store,
    shipments: &[Shipment],
) -> persistence::Result<HashMap<ShipmentId, String>> {
    let waiting = ShipmentStatus::AvailableForPickup;
    let ids =
        live_shipments(shipments).filter(|shipment| shipment.status() == waiting).map(|shipment| shipment.id);
    let scans = read::scans_of(store, &ids.collect::<Vec<_>>()).await?;
    let place = |(id, scans): (ShipmentId, Vec<StoredScan>)| {
        let latest = scans.into_iter().find(|stored| {
            let by_supplier = stored.recorded_by.as_ref().is_some_and(|by| !by.is_staff());
            stored.counts() && stored.scan.meaning == Meaning::Status(waiting) && !by_supplier
        });
        Some((id, latest?.scan.location?))
    };
    Ok(scans.into_iter().filter_map(place).collect())
}

/// Whether everything that is under way waits to be collected: at least one live shipment is not delivered, and each of
/// these is at a pickup point.
pub fn is_ready_for_collection(shipments: &[Shipment]) -> bool {
    let mut undelivered =
        live_shipments(shipments).map(Shipment::status).filter(|&status| status != ShipmentStatus::Delivered);
    let first = undelivered.next();
    first == Some(ShipmentStatus::AvailableForPickup)
        && undelivered.all(|status| status == ShipmentStatus::AvailableForPickup)
}

/// The notes of the event that brought the order into this status, if support or a system wrote them.
pub(crate) fn reason_to_mail(events: &[Event], status: OrderStatus) -> Option<String> {
    let event = events.iter().find(|event| event.to == status)?;
    event.notes.clone().filter(|_| event.actor.is_staff())
}

/// The reason for which all units were called off, if it is the same for all of them. Staff wrote it: only they cancel
/// units.
pub(crate) fn reason_if_all_called_off(items: &[Item]) -> Option<String> {
    let (first, others) = items.split_first()?;
    let is_same = |item: &Item| item.wanted() == 0 && item.cancel_reason == first.cancel_reason;
    let is_all = is_same(first) && others.iter().all(is_same);
    first.cancel_reason.clone().filter(|_| is_all)
}
