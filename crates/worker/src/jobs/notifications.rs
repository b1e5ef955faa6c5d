//! Job that sends the mails of notifications. `Jobs::handle_batch` calls `send_notifications`, which sends the mails of
//! a batch at the same time.
//!
//! 1. A notification is opened once per attempt. One that cannot be opened is left out silently.
//! 2. A permanent refusal closes it as failed, with the server's answer.
//! 3. After any other failure it is tried again, after a pause that doubles up to five minutes, for three days.
//! 4. If the content was sent and no answer was received (the connection breaks, the process dies, the database is
//!    down), the outcome is unknown: the mail may have been delivered. It is tried again with the same `Message-ID`.
//!    The third such attempt is the last.
//! 5. `Notifications::hand_over_notification` counts an attempt before the content is sent, so the count survives the
//!    process. An attempt that ends before that is not counted. The mailer runs `record_hand_over` at that moment: its
//!    error keeps the content back.
//! 6. `send_notification` fails only if the database fails. A mail that was not sent is recorded, and is no error.
//! 7. `build_order_mail`, `choose_mail_kind` and `summarize_shipment` fill the mail. They are pure. Cancelled shipments
//!    are not in it.

use std::error::Error;

use app::{
    customer_text,
    notifications::{NotSent, NotificationContext, Notifications, Outcome},
};
use domain::{CarrierDirectory, ErrorChain, NotificationKind, Shipment, ShipmentStatus};
use futures::{StreamExt, stream};
use persistence::leases::Leased;

use super::Jobs;
use crate::{
    mail::{self, Kind, Mailer, OrderMail, SendError},
    queue::Batch,
};

/// Number of notifications in one job.
pub(super) const BATCH: usize = 8;
/// Number of mails that one job sends at the same time.
const AT_ONCE: usize = 8;

impl Jobs {
    pub(super) async fn send_notifications(&self, batch: Batch) {
        stream::iter(batch.work)
            .for_each_concurrent(AT_ONCE, |leased| async move {
                if let Err(error) = send_notification(&self.notifications, &self.mailer, leased).await {
                    let error = &error as &dyn Error;
                    tracing::warn!(notification = %leased.id, error, "a notification could not be sent: it is tried again when its lease runs out");
                }
            })
            .await;
    }
}

async fn send_notification(
    notifications: &Notifications,
    mailer: &Mailer,
    leased: Leased,
) -> app::Result<()> {
    let Some(context) = notifications.open_notification(&leased).await? else { return Ok(()) };
    let notification = &context.notification;
    let refuse = async |reason: String| {
        let error = NotSent { reason, outcome: Outcome::Refused };
        notifications.record_notification_failure(notification, leased, &error).await
    };
    let Some(recipient) = &notification.recipient else {
        return refuse("the order has no address".to_owned()).await;
    };
    let mail = match build_order_mail(&context, mailer.shop(), notifications.carriers())
        .render(recipient, &notification.message_id())
    {
        Ok(mail) => mail,
        Err(error) => return refuse(error.to_string()).await,
    };
    let to = mail::mask_address(recipient);
    match mailer.send(&mail, context.opened_at, record_hand_over(notifications, leased, &context)).await {
        Ok(()) => {
            tracing::info!(key = notification.key, to, "a mail left");
            notifications.record_notification_sent(notification.id).await
        }
        Err(error) => {
            tracing::warn!(key = notification.key, to, error = &error as &dyn Error, "a mail did not leave");
            let error = NotSent { reason: error.to_string(), outcome: classify_send_error(&error) };
            notifications.record_notification_failure(notification, leased, &error).await
        }
    }
}

/// Records that the content is about to be sent. On an error it must not be sent.
async fn record_hand_over(
    notifications: &Notifications,
    leased: Leased,
    context: &NotificationContext,
) -> Result<(), SendError> {
    let kept_back = |reason: String| SendError::Transient { reason };
    match notifications.hand_over_notification(&leased, context).await {
        Ok(true) => Ok(()),
        Ok(false) => {
            Err(kept_back("another worker has opened the notification, or it is superseded".to_owned()))
        }
        Err(error) => Err(kept_back(format!("the attempt could not be recorded: {}", ErrorChain(&error)))),
    }
}

fn classify_send_error(error: &SendError) -> Outcome {
    match error {
        SendError::Transient { .. } => Outcome::NotYet,
        SendError::Permanent { .. } => Outcome::Refused,
        SendError::Unknown { .. } => Outcome::Unknown,
    }
}

/// Fills the mail of a notification.
fn build_order_mail(context: &NotificationContext, shop: String, carriers: &CarrierDirectory) -> OrderMail {
    let order = &context.order;
    let live: Vec<&Shipment> = context.live_shipments().collect();
    let is_cancelled = context.notification.kind == NotificationKind::Cancelled;
    // An order that never had a shipment is tracked elsewhere, so nothing is known of its parcels.
    let is_tracked_elsewhere = !context.shipments.iter().any(Shipment::is_outbound);
    let remaining = context.items.iter().map(|item| {
        let quantity = match (is_cancelled, is_tracked_elsewhere) {
            (true, _) => item.quantity,
            (false, true) => 0,
            (false, false) => item.unallocated(&context.shipments),
        };
        mail::Item { name: item.name.clone(), quantity }
    });
    // The mail about a cancelled order has all of its items, and the reason, already.
    let called_off = if is_cancelled { vec![] } else { customer_text::list_called_off(&context.items) };
    OrderMail {
        kind: choose_mail_kind(context, &live, carriers),
        shop,
        order: order.name(),
        progress: context.progress.summary.clone(),
        shipments: live.iter().map(|shipment| summarize_shipment(shipment, context, carriers)).collect(),
        remaining: remaining.filter(|item| item.quantity > 0).collect(),
        called_off,
        total: order.total.to_string(),
        placed_at: order.placed_at,
        link: context.tracking_url.clone(),
    }
}

fn choose_mail_kind(context: &NotificationContext, live: &[&Shipment], carriers: &CarrierDirectory) -> Kind {
    match context.notification.kind {
        NotificationKind::Shipped => Kind::Shipped,
        NotificationKind::OutForDelivery if customer_text::is_ready_for_collection(&context.shipments) => {
            let mut undelivered = live.iter().filter(|one| one.status() != ShipmentStatus::Delivered);
            let first = undelivered.next();
            // Several places stand beside their shipments.
            let only = first.filter(|_| undelivered.next().is_none());
            Kind::ReadyForCollection {
                place: only.and_then(|one| context.pickup_places.get(&one.id).cloned()),
            }
        }
        NotificationKind::OutForDelivery => Kind::OutForDelivery,
        NotificationKind::Delivered => Kind::Delivered,
        NotificationKind::Cancelled => Kind::Cancelled { reason: context.reason.clone() },
        NotificationKind::NumberReplaced => Kind::NumberReplaced {
            number: live
                .iter()
                .find(|one| Some(one.id) == context.notification.shipment_id)
                .map(|one| format!("{} {}", carriers.name(one.carrier()), one.tracking_number)),
            void: context.notification.void_numbers.iter().map(ToString::to_string).collect(),
        },
        NotificationKind::DeliveryRetracted => Kind::DeliveryRetracted,
    }
}

fn summarize_shipment(
    shipment: &Shipment,
    context: &NotificationContext,
    carriers: &CarrierDirectory,
) -> mail::ShipmentSummary {
    let contents = shipment.lines.iter().filter_map(|line| {
        let item = context.items.iter().find(|item| item.id == line.item_id)?;
        Some(mail::Item { name: item.name.clone(), quantity: line.quantity })
    });
    mail::ShipmentSummary {
        carrier: carriers.name(shipment.carrier()).into_owned(),
        tracking_number: shipment.tracking_number.to_string(),
        url: carriers.tracking_url(&shipment.tracking_number),
        status: shipment.describe().to_owned(),
        estimated_delivery: shipment.expected_delivery().map(|expected| expected.date()),
        condition: shipment.describe_trouble().map(str::to_owned),
        pickup_place: context.pickup_places.get(&shipment.id).cloned(),
        items: contents.collect(),
    }
}
