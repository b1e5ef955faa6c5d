//! Sends a notification again because support or a system asks for it. `api` calls `resend_notification`, which repeats
//! the transaction of `requeue` until it commits, then pokes the relay.
//!
//! 1. A notification that was sent, has failed or was suppressed is queued again, under its key. One that is queued
//!    already is not changed: the answer is [`Resent::AlreadyQueued`].
//! 2. The mail tells the order as it is when it is sent. It has a `Message-ID` of its own, see
//!    [`Notification::message_id`]: staff who resend a mail want the customer to see it.
//! 3. A newer event of the order supersedes it while it waits, like any other. An event of a muted order does not: its
//!    own notification is not sent.
//! 4. The order gets an activity in the same transaction. It has the reason.
//! 5. If a commit has an unknown outcome, the transaction is repeated, and the repeat finds the answer of the first one
//!    by its idempotency key.
//! 6. The outer error of `requeue` is a failure of the database, the inner one a refusal.

use chrono::{DateTime, Utc};
use domain::{InputField, NotificationId, Refusal, check_reason};
use persistence::{
    activities,
    idempotency::{self, ScopedKey, StoredAnswer},
    notifications::{self, Notification},
    orders,
};
use uuid::Uuid;

use super::Notifications;
use crate::{
    Caller,
    error::{Error, Result},
    orders::{IdempotencyKey, build_context},
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

impl Notifications {
    /// Queues a notification again. For support and systems.
    ///
    /// # Errors
    /// [`Error::Refused`]: forbidden, not found, a reason that is not valid, a notification without an address.
    /// [`Error::KeyReused`].
    pub async fn resend_notification(&self, caller: &Caller, resend: &Resend) -> Result<Resent> {
        caller.must_be_staff()?;
        check_reason(&resend.reason)?;
        let now = self.clock.now();
        let key = match &resend.key {
            Some(key) => key.clone(),
            // The caller has no key that rule 5 needs.
            None => IdempotencyKey::new(Uuid::now_v7().to_string(), "resendNotification", &())?,
        };
        let key = ((caller.key_scope(), key.key), key.fingerprint);
        let resent = retry_transaction(|| self.requeue(caller, resend, &key, now)).await??;
        self.feed.poke();
        Ok(resent)
    }

    async fn requeue(
        &self,
        caller: &Caller,
        resend: &Resend,
        (key, fingerprint): &(ScopedKey, [u8; 32]),
        now: DateTime<Utc>,
    ) -> persistence::Result<Result<Resent>> {
        let not_found = || Ok(Err(Refusal::NotFound("notification").into()));
        let tx = self.store.begin().await?;
        if let Some(answer) = idempotency::find_answers(&tx, std::slice::from_ref(key)).await?.remove(key) {
            // The fingerprint covers the id of the notification.
            return match notifications::find_notification(&tx, resend.id).await? {
                Some(notification) if answer.fingerprint == *fingerprint => {
                    Ok(Ok(Resent::Queued(notification)))
                }
                _ => Ok(Err(Error::KeyReused)),
            };
        }
        // A notification never moves to another order, so its order can be looked up before it is locked.
        let Some(found) = notifications::find_notification(&tx, resend.id).await? else { return not_found() };
        let mut orders = orders::lock_and_load(&tx, &[found.order_id]).await?;
        let Some(order) = orders.get_mut(&found.order_id) else { return not_found() };
        if found.recipient.is_none() {
            let message = "the order had no address, so there is nobody to send it to";
            return Ok(Err(Refusal::invalid(InputField::NotificationId, message).into()));
        }
        let is_queued = notifications::requeue_notification(&tx, resend.id, now).await?;
        let Some(notification) = notifications::find_notification(&tx, resend.id).await? else {
            return not_found();
        };
        if !is_queued {
            return Ok(Ok(Resent::AlreadyQueued(notification)));
        }
        let (kind, status) = (notification.kind, notification.status);
        order.record_resend(notification.id, kind, status, &resend.reason, &build_context(caller, now));
        activities::insert(&tx, &[order]).await?;
        let answer = StoredAnswer {
            fingerprint: *fingerprint,
            order_id: notification.order_id,
            shipment_id: None,
            version: None,
            changed: true,
        };
        idempotency::insert(&tx, &[(key.clone(), answer)], now).await?;
        self.store.commit_repeatable(tx).await?;
        Ok(Ok(Resent::Queued(notification)))
    }
}
