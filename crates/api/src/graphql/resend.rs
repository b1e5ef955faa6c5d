//! The mutation `resendNotification`: its input, its call and its result.

use app::{
    App, Caller,
    notifications::{Resend, Resent},
};
use async_graphql::{Context, ID, InputObject, Result, SimpleObject};
use domain::{InputField, Refusal};
use serde::Serialize;

use super::{
    input::{parse_id, parse_key},
    notification::Notification,
    outcome::{Forbidden, IdempotencyMismatch, InvalidInput, NotFound, convert_result, result_union},
};

/// A notification to send again.
#[derive(InputObject, Serialize)]
pub struct ResendNotificationInput {
    /// The id of the notification.
    notification_id: ID,
    /// Why it is sent again. It becomes `Activity.notes`.
    reason: String,
    /// A repeated request with the same key and the same input changes nothing and gets the first answer again.
    #[serde(skip)]
    idempotency_key: Option<String>,
}

result_union! {
    /// The result of `resendNotification`.
    ResendNotificationResult = ResendNotificationSuccess
        | NotificationQueued | NotFound | Forbidden | InvalidInput | IdempotencyMismatch
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
    convert_result(ctx, None, resent.await).await
}

impl From<Resent> for ResendNotificationResult {
    fn from(resent: Resent) -> Self {
        match resent {
            Resent::Queued(notification) => {
                ResendNotificationSuccess { notification: Notification::from_single_row(notification) }.into()
            }
            Resent::AlreadyQueued(notification) => NotificationQueued {
                message: "the notification waits to be sent already".to_owned(),
                notification: Notification::from_single_row(notification),
            }
            .into(),
        }
    }
}

impl ResendNotificationInput {
    fn into_resend(self) -> Result<Resend, Refusal> {
        Ok(Resend {
            key: parse_key(&self.idempotency_key, "resendNotification", &self)?,
            id: parse_id(InputField::NotificationId, &self.notification_id)?,
            reason: self.reason,
        })
    }
}
