//! Sends a notification again because support or a system asks for it.
//!
//! 1. A notification that was sent, has failed or was suppressed is queued again, under its key. One that is queued
//!    already is refused.
//! 2. The mail tells the order as it is when it is sent. It has a `Message-ID` of its own, see
//!    [`Notification::message_id`]: whoever resends a mail wants the customer to see it.
//! 3. A newer event of the order supersedes it while it waits, like any other.

use domain::{NotificationId, Refusal, check_reason};
use persistence::{
    idempotency::{self, StoredAnswer},
    notifications::{self, Notification},
    orders,
};

use crate::{
    App, Caller,
    error::{Error, Result},
    idempotency::IdempotencyKey,
    retry::retry_transaction,
};

/// A request to send a notification again.
#[derive(Clone, Debug)]
pub struct Resend {
    pub id: NotificationId,
    /// Why, for people.
    pub reason: String,
    /// The idempotency key: a repeat of the same request with this key gets the same answer.
    pub key: Option<IdempotencyKey>,
}

/// The answer to a [`Resend`], with the notification as it is now.
#[derive(Clone, Debug)]
pub enum Resent {
    /// It was queued by this request, or by an earlier one with the same idempotency key.
    Queued(Notification),
    /// Nothing was changed, because it waits to be sent already.
    AlreadyQueued(Notification),
}

impl App {
    /// Queues a notification again. For support and systems.
    ///
    /// # Errors
    /// [`Error::Refused`]: forbidden, not found, a reason that is not valid, a notification without an address.
    /// [`Error::KeyReused`].
    pub async fn resend_notification(&self, caller: &Caller, resend: &Resend) -> Result<Resent> {
        caller.must_be_staff()?;
        check_reason(&resend.reason)?;
        let resent = retry_transaction(|| self.resend(caller, resend)).await??;
        self.feed.poke();
        Ok(resent)
    }

    async fn resend(&self, caller: &Caller, resend: &Resend) -> persistence::Result<Result<Resent>> {
        let now = self.clock.now();
        let not_found = || Ok(Err(Refusal::NotFound("notification").into()));
        let tx = self.store.begin().await?;
        let key = resend.key.as_ref().map(|key| ((caller.key_scope(), key.key.clone()), key.fingerprint));
        if let Some((key, fingerprint)) = &key
            && let Some(answer) = idempotency::find_answers(&tx, std::slice::from_ref(key)).await?.remove(key)
        {
            // The fingerprint covers the id of the notification.
            return match notifications::find(&tx, resend.id).await? {
                Some(notification) if answer.fingerprint == *fingerprint => {
                    Ok(Ok(Resent::Queued(notification)))
                }
                _ => Ok(Err(Error::KeyReused)),
            };
        }
        // A notification never moves to another order, so its order can be looked up before it is locked.
        let Some(found) = notifications::find(&tx, resend.id).await? else { return not_found() };
        orders::lock(&tx, &[found.order_id]).await?;
        if found.recipient.is_empty() {
            let message = "the order had no address, so there is nobody to send it to".to_owned();
            let refusal = Refusal::InvalidInput { field: "notificationId".to_owned(), message };
            return Ok(Err(refusal.into()));
        }
        let is_queued = notifications::requeue(&tx, resend.id, now).await?;
        let Some(notification) = notifications::find(&tx, resend.id).await? else { return not_found() };
        if !is_queued {
            return Ok(Ok(Resent::AlreadyQueued(notification)));
        }
        if let Some((key, fingerprint)) = key {
            let answer = StoredAnswer {
                fingerprint,
                order_id: notification.order_id,
                shipment_id: None,
                version: None,
                changed: true,
            };
            idempotency::insert(&tx, &[(key, answer)], now).await?;
        }
        note_resend(caller, resend, &notification);
        self.store.commit(tx).await?;
        Ok(Ok(Resent::Queued(notification)))
    }
}

/// Notes who asked for the resend, and why. This is the one place for the activity `notification_resent` of the order,
/// which belongs into the same transaction.
fn note_resend(caller: &Caller, resend: &Resend, notification: &Notification) {
    tracing::info!(
        key = notification.key,
        order = %notification.order_id,
        actor = caller.key_scope(),
        reason = resend.reason,
        "a notification is sent again by request"
    );
}
