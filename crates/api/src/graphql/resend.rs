//! The mutation `resendNotification`: its input, its call and its result.

use app::{
    App, Caller,
    notifications::{Resend, Resent},
};
use async_graphql::{Context, ID, InputObject, Result, SimpleObject, Union};
use domain::{InputField, Refusal};
use serde::Serialize;

use super::{
    error::convert_error,
    input::{id, parse_key},
    notification::Notification,
    outcome::{Forbidden, IdempotencyMismatch, InvalidInput, NotFound},
};

/// A notification to send again.
#[derive(InputObject, Serialize)]
pub struct ResendNotificationInput {
    /// The id of the notification.
    notification_id: ID,
    /// The reason.
    reason: String,
    /// A repeated request with the same key and the same input changes nothing and gets the first answer again.
    #[serde(skip)]
    idempotency_key: Option<String>,
}

/// The result of `resendNotification`.
#[derive(Union)]
pub enum ResendNotificationResult {
    /// The notification will be sent again.
    Success(ResendNotificationSuccess),
    /// The notification waits to be sent already.
    Queued(NotificationQueued),
    /// The notification does not exist.
    NotFound(NotFound),
    /// The caller's role may not do this.
    Forbidden(Forbidden),
    /// A value of the input is not valid.
    InvalidInput(InvalidInput),
    /// The idempotency key was used before with another input.
    IdempotencyMismatch(IdempotencyMismatch),
}

/// The notification will be sent again.
#[derive(SimpleObject)]
pub struct ResendNotificationSuccess {
    /// The notification as it is now.
    notification: Notification,
}

/// The notification cannot be sent again, because it waits to be sent already.
#[derive(SimpleObject)]
pub struct NotificationQueued {
    /// The reason, as text for people.
    pub(super) message: String,
    /// The notification as it is now.
    notification: Notification,
}

/// Queues a notification again.
pub(super) async fn resend(
    ctx: &Context<'_>,
    input: ResendNotificationInput,
) -> Result<ResendNotificationResult> {
    let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
    let resent = async {
        let resend = input.into_resend()?;
        app.notifications().resend_notification(caller, &resend).await
    };
    let error = match resent.await {
        Ok(Resent::Queued(notification)) => {
            return Ok(ResendNotificationSuccess { notification: Notification::alone(notification) }.into());
        }
        Ok(Resent::AlreadyQueued(notification)) => {
            let message = "the notification waits to be sent already".to_owned();
            return Ok(NotificationQueued { message, notification: Notification::alone(notification) }.into());
        }
        Err(error) => error,
    };
    let message = error.to_string();
    Ok(match error {
        app::Error::KeyReused => IdempotencyMismatch { message }.into(),
        app::Error::Refused(refusal @ Refusal::NotFound(_)) => NotFound::new(&refusal).into(),
        app::Error::Refused(refusal @ Refusal::Forbidden(_)) => Forbidden::new(&refusal).into(),
        app::Error::Refused(Refusal::InvalidInput { field, .. }) => InvalidInput::new(message, field).into(),
        app::Error::Refused(
            Refusal::InvalidTransition { .. }
            | Refusal::VersionConflict { .. }
            | Refusal::OverAllocated { .. }
            | Refusal::Shipment { .. },
        )
        | app::Error::TooManyOrders { .. }
        | app::Error::Failed(_)
        | app::Error::BrokenOff
        | app::Error::Stopping => return Err(convert_error(ctx, &error)),
    })
}

impl ResendNotificationInput {
    fn into_resend(self) -> Result<Resend, Refusal> {
        Ok(Resend {
            key: parse_key(&self.idempotency_key, "resendNotification", &self)?,
            id: id(InputField::NotificationId, &self.notification_id)?,
            reason: self.reason,
        })
    }
}
