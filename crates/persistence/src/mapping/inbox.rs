//! Converts the rows of webhooks, of stored answers and of notifications.

use domain::{NotificationId, OrderId, ShipmentId, WebhookId};

use super::RowPosition;
use crate::{
    entity,
    error::{Error, Result},
    idempotency,
    notifications::Notification,
    webhooks::{Webhook, WebhookHead},
};

impl TryFrom<entity::webhook::Model> for Webhook {
    type Error = Error;

    fn try_from(row: entity::webhook::Model) -> Result<Self> {
        let head = entity::webhook::Head {
            webhook_id: row.webhook_id,
            sender: row.sender,
            request_id: row.request_id,
            received_at: row.received_at,
            state: row.state,
            reason: row.reason,
            error: row.error,
            attempt: row.attempt,
            failures: row.failures,
            duplicates: row.duplicates,
            came_again_at: row.came_again_at,
        };
        Ok(Self { head: head.try_into()?, body: row.body })
    }
}

impl TryFrom<entity::webhook::Head> for WebhookHead {
    type Error = Error;

    fn try_from(row: entity::webhook::Head) -> Result<Self> {
        let at = RowPosition { table: "webhooks", row: &row.webhook_id };
        Ok(Self {
            id: WebhookId(row.webhook_id),
            state: at.parse_value(&row.state)?,
            sender: row.sender,
            request_id: row.request_id,
            received_at: row.received_at,
            reason: row.reason,
            error: row.error,
            attempt: row.attempt,
            failures: row.failures,
            duplicates: row.duplicates,
            came_again_at: row.came_again_at,
        })
    }
}

impl TryFrom<entity::idempotency_key::Model> for idempotency::StoredAnswer {
    type Error = Error;

    fn try_from(row: entity::idempotency_key::Model) -> Result<Self> {
        let at =
            RowPosition { table: "idempotency_keys", row: &format_args!("{} of {}", row.key, row.actor) };
        Ok(Self {
            fingerprint: at.parse_hash("fingerprint", row.fingerprint)?,
            order_id: OrderId(row.order_id),
            shipment_id: row.shipment_id.map(ShipmentId),
            version: row.version,
            changed: row.changed,
        })
    }
}

impl TryFrom<entity::notification::Model> for Notification {
    type Error = Error;

    fn try_from(row: entity::notification::Model) -> Result<Self> {
        let at = RowPosition { table: "notifications", row: &row.notification_id };
        Ok(Self {
            id: NotificationId(row.notification_id),
            order_id: OrderId(row.order_id),
            kind: at.parse_value(&row.kind)?,
            status: row.status.into(),
            shipment_id: row.shipment_id.map(ShipmentId),
            void_numbers: at.parse_number_list(row.void_numbers)?,
            told_numbers: at.parse_number_list(row.told_numbers)?,
            state: at.parse_value(&row.state)?,
            key: row.key,
            channel: row.channel,
            recipient: Some(row.recipient).filter(|address| !address.is_empty()),
            reason: row.reason.map(|reason| at.parse_value(&reason)).transpose()?,
            error: row.error,
            attempt: row.attempt,
            failures: row.failures,
            unknown_outcomes: row.unknown_outcomes,
            queued_at: row.queued_at,
            sent_at: row.sent_at,
            resends: row.resends,
            resent_at: row.resent_at,
        })
    }
}
