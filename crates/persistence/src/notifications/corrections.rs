//! Writes the notifications that correct earlier ones, in the transaction of the change that made them false.
//!
//! 1. A correction goes to each recipient who was told: a mail with the number or with the delivery was sent, or may
//!    have been. A recipient who was not told has no row.
//! 2. A mail about the delivery that waits to be sent is suppressed.
//! 3. The key of a correction holds its fact, so it is written once for each fact.
//! 4. A muted order has no corrections.
//!
//! `list_sent_to` lists the mails to a recipient that left or may have left: empty if none did.

use std::collections::HashMap;

use chrono::TimeDelta;
use domain::{
    ActivityKind, Correction, NotificationKind, NotificationState, Order, OrderHead, OrderId, ShipmentId,
    Suppression, TrackingNumber, find_suppression, notification::notification_key,
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use super::{Notification, suppress_queued, to_row};
use crate::{
    dialect::{self, is_one_of},
    entity::{notification, order_activity},
    error::Result,
    mapping,
    store::Tx,
};

/// Writes the corrections of these orders. Call it after their notifications, shipments and activities are written:
/// it suppresses, refers to and reads them.
pub(crate) async fn enqueue_corrections(tx: &Tx, orders: &[&Order]) -> Result<()> {
    let corrected =
        |order: &&Order| !order.changes().corrections.is_empty() && !order.head().notifications_muted;
    let corrected: Vec<&Order> = orders.iter().copied().filter(corrected).collect();
    if corrected.is_empty() {
        return Ok(());
    }
    let is_retracted = |order: &&&Order| {
        let mut corrections = order.changes().corrections.iter();
        corrections.any(|one| matches!(one, Correction::DeliveryRetracted { .. }))
    };
    let retracted: Vec<Uuid> = corrected.iter().filter(is_retracted).map(|order| order.head().id.0).collect();
    // An attempt that has begun cannot hand its mail over any more, so what is read next is all that was told.
    suppress_queued(
        tx,
        retracted.into_iter(),
        [NotificationKind::Delivered].into_iter(),
        Suppression::Retracted,
    )
    .await?;
    let told = load_notifications(tx, &corrected).await?;
    let mut rows = Vec::new();
    for order in corrected {
        let told = told.get(&order.head().id).map_or(&[][..], Vec::as_slice);
        for correction in &order.changes().corrections {
            match correction {
                Correction::DeliveryRetracted { scan } => {
                    let fact = format!("retracted-{scan}");
                    rows.extend(tell_retracted(tx, order.head(), &fact, told));
                }
                Correction::DeliveredAfterRetraction { delay } => {
                    rows.extend(tell_delivered_again(tx, order.head(), *delay).await?);
                }
                Correction::NumberReplaced { shipment, void, delay } => {
                    rows.extend(tell_number(tx, order.head(), (*shipment, void), *delay, told));
                }
            }
        }
    }
    dialect::insert_rows(tx, rows, "ON CONFLICT (key) DO NOTHING").await?;
    Ok(())
}

async fn load_notifications(tx: &Tx, orders: &[&Order]) -> Result<HashMap<OrderId, Vec<Notification>>> {
    let ids = orders.iter().map(|order| order.head().id.0);
    let rows = notification::Entity::find()
        .filter(is_one_of(tx.get_database_backend(), notification::Column::OrderId, ids))
        .order_by_asc(notification::Column::QueuedAt)
        .all(tx)
        .await?;
    let mut found: HashMap<OrderId, Vec<Notification>> = HashMap::new();
    for row in rows {
        let told = Notification::try_from(row)?;
        found.entry(told.order_id).or_default().push(told);
    }
    Ok(found)
}

/// The notifications of a recipient that were sent or may have been.
fn list_sent_to<'a>(told: &'a [Notification], recipient: &'a str) -> impl Iterator<Item = &'a Notification> {
    told.iter().filter(move |one| one.recipient.as_deref() == Some(recipient) && one.may_have_left())
}

/// Whether the last that a recipient was told, or will be told, of a delivery is that there was one. `told` is in the
/// sequence in which it was recorded.
fn believes_in_delivery(told: &[Notification], recipient: &str) -> bool {
    let mut news =
        told.iter().filter(|one| one.recipient.as_deref() == Some(recipient)).filter(|one| match one.kind {
            NotificationKind::Delivered => one.may_have_left(),
            NotificationKind::DeliveryRetracted => one.state != NotificationState::Suppressed,
            NotificationKind::Shipped
            | NotificationKind::OutForDelivery
            | NotificationKind::Cancelled
            | NotificationKind::NumberReplaced => false,
        });
    news.next_back().is_some_and(|one| one.kind == NotificationKind::Delivered)
}

/// The delivery was none.
fn tell_retracted(tx: &Tx, head: &OrderHead, fact: &str, told: &[Notification]) -> Vec<notification::Model> {
    let recipients = head.recipients().enumerate();
    let told = recipients.filter(|(_, recipient)| believes_in_delivery(told, recipient));
    // The retraction happens when it is recorded.
    let reason = find_suppression(head, TimeDelta::zero(), true, tx.notification_max_age());
    told.map(|(at, recipient)| {
        let key = notification_key(head.id, fact, at);
        to_row(head, key, NotificationKind::DeliveryRetracted, recipient, reason)
    })
    .collect()
}

/// The order is delivered after a delivery was retracted. Everybody is told, as of every delivery: a recipient of whom
/// the false one was kept has no mail about a delivery yet.
async fn tell_delivered_again(
    tx: &Tx,
    head: &OrderHead,
    delay: TimeDelta,
) -> Result<Vec<notification::Model>> {
    let Some(scan) = find_retracted_scan(tx, head.id).await? else { return Ok(vec![]) };
    let fact = format!("{}-after-{scan}", NotificationKind::Delivered);
    let reason = find_suppression(head, delay, true, tx.notification_max_age());
    let rows = head.recipients().enumerate().map(|(at, recipient)| {
        let key = notification_key(head.id, &fact, at);
        to_row(head, key, NotificationKind::Delivered, recipient, reason)
    });
    Ok(rows.collect())
}

/// The id of the scan whose retraction ended a delivery of the order, the latest one. `None` if there is none: then the
/// order stands further than its shipments for another reason, and the customer was told nothing of that.
async fn find_retracted_scan(tx: &Tx, order: OrderId) -> Result<Option<String>> {
    let retractions = order_activity::Entity::find()
        .filter(order_activity::Column::OrderId.eq(order.0))
        .filter(order_activity::Column::Kind.eq(ActivityKind::ScanRetracted.as_str()))
        .order_by_desc(order_activity::Column::RecordedAt)
        .order_by_desc(order_activity::Column::ActivityId)
        .all(tx)
        .await?;
    let mut of_deliveries =
        retractions.iter().filter(|activity| activity.facts["delivery_retracted"] == true);
    Ok(of_deliveries.next().and_then(|activity| activity.facts["scan_id"].as_str()).map(str::to_owned))
}

/// Numbers are void, and the number of the shipment takes their place.
fn tell_number(
    tx: &Tx,
    head: &OrderHead,
    (shipment, void): (ShipmentId, &[TrackingNumber]),
    delay: TimeDelta,
    told: &[Notification],
) -> Vec<notification::Model> {
    let reason = find_suppression(head, delay, true, tx.notification_max_age());
    let rows = head.recipients().enumerate().filter_map(|(at, recipient)| {
        let was_told = |number: &&TrackingNumber| {
            list_sent_to(told, recipient).any(|one| one.told_numbers.contains(number))
        };
        let void: Vec<&TrackingNumber> = void.iter().filter(was_told).collect();
        let earlier = told
            .iter()
            .filter(|one| one.shipment_id == Some(shipment) && one.recipient.as_deref() == Some(recipient));
        let is_known =
            |number: &&&TrackingNumber| !earlier.clone().any(|one| one.void_numbers.contains(number));
        let new = void.iter().find(is_known)?;
        let fact = match earlier.clone().next() {
            None => format!("replaced-{shipment}"),
            Some(_) => format!("replaced-{shipment}.{new}"),
        };
        let key = notification_key(head.id, &fact, at);
        let row = to_row(head, key, NotificationKind::NumberReplaced, recipient, reason);
        let void_numbers = mapping::to_number_list(void);
        Some(notification::Model { shipment_id: Some(shipment.0), void_numbers, ..row })
    });
    rows.collect()
}
