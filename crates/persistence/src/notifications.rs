//! Notifications: one row for each key, written in the transaction of the event that causes it, and the record of the
//! attempts to send it. `resend` makes a notification due again by request, `corrections` writes the notifications that
//! correct earlier ones.
//!
//! 1. `orders::write` calls `enqueue_notifications`. `list_news` says what a change tells the customer; if that is
//!    nothing, no row is written. `supersede_queued` closes the queued notifications of these orders as suppressed,
//!    except of muted ones.
//! 2. A row with a reason for suppression (`reason`) is written as suppressed, and is never due. An order without an
//!    address gets one such row.
//! 3. For `worker`, `app::notifications` takes an attempt through `open_notification`, `hand_over` just before the
//!    content is sent, then `mark_sent` or `record_failed_attempt`. Each of these commits on its own.
//! 4. `None` or `false` of these functions: the notification belongs to another attempt by now, or is not queued any
//!    more. No mail may be sent then.
//! 5. An attempt whose outcome is unknown stays counted in `unknown_outcomes`. `remove_from_unknown_outcomes` takes it
//!    out of the count when the answer of the mail server is known.

mod corrections;
mod resend;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    NotificationId, NotificationKind, NotificationState, Order, OrderHead, OrderId, OrderStatus, ShipmentId,
    Suppression, TrackingNumber, find_suppression, notification,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, UpdateMany,
    sea_query::{Expr, ExprTrait},
};
use uuid::Uuid;

pub(crate) use corrections::enqueue_corrections;
pub use resend::{find_notification, requeue_notification};

use crate::{
    dialect::{self, is_one_of},
    entity,
    error::Result,
    failures::NewFailure,
    leases::{self, Leased, Next, Work},
    mapping,
    store::{Store, Tx},
};

/// A stored notification.
#[derive(Clone, Debug)]
pub struct Notification {
    pub id: NotificationId,
    /// The unique key of a recipient and a fact, see [`domain::notification::notification_key`].
    pub key: String,
    pub order_id: OrderId,
    /// What the customer is told.
    pub kind: NotificationKind,
    /// The status that the customer is told. For a correction, the status of the order when it was recorded.
    pub status: OrderStatus,
    /// The shipment whose number takes the place of `void_numbers`.
    pub shipment_id: Option<ShipmentId>,
    /// The numbers that the customer was told and that are void.
    pub void_numbers: Vec<TrackingNumber>,
    /// The tracking numbers in its mails that left or may have left.
    pub told_numbers: Vec<TrackingNumber>,
    /// The channel by which it is sent: `email`.
    pub channel: String,
    /// The address of the recipient. `None` if the order has none.
    pub recipient: Option<String>,
    pub state: NotificationState,
    /// Why it was suppressed.
    pub reason: Option<Suppression>,
    /// The latest failure, in the words of the mail server.
    pub error: Option<String>,
    /// How often it was leased.
    pub attempt: i32,
    /// How often sending failed.
    pub failures: i32,
    /// The number of attempts that began to hand over the content of the mail and have no known answer of the mail
    /// server, because the answer was lost or the process died. Each of them may have delivered the mail.
    pub unknown_outcomes: i32,
    /// When it was recorded.
    pub queued_at: DateTime<Utc>,
    /// When the mail server accepted it, the last time if it was sent again.
    pub sent_at: Option<DateTime<Utc>>,
    /// How often somebody asked for it to be sent again.
    pub resends: i32,
    /// When somebody last asked for that.
    pub resent_at: Option<DateTime<Utc>>,
}

impl Notification {
    /// The part before the `@` of the mail's `Message-ID`: the key, and for a mail that somebody asked to send again
    /// also the number of that request. All attempts of one request have the same one, so that the receiving side can
    /// recognize a copy. A mail that was requested again has another one, because many mailboxes show only one mail of
    /// each `Message-ID`.
    pub fn message_id(&self) -> String {
        match self.resends {
            0 => self.key.clone(),
            resends => format!("{}.resend-{resends}", self.key),
        }
    }

    /// Whether a mail of it was sent, or may have been: an attempt handed it over and has no known answer.
    pub fn may_have_left(&self) -> bool {
        self.sent_at.is_some() || self.unknown_outcomes > 0
    }
}

/// Writes the notifications that the transitions of these orders cause. Only the newest notification of an order is
/// sent: older ones that are still queued are superseded, and so are the intermediate statuses of an advance. Queued
/// notifications of a muted order were asked for by hand, and no newer one is sent in their place: they stay.
/// [`find_suppression`] has the other reasons for which a notification is not sent.
pub(crate) async fn enqueue_notifications(tx: &Tx, orders: &[&Order]) -> Result<()> {
    let telling: Vec<&Order> = orders.iter().copied().filter(|order| !list_news(order).is_empty()).collect();
    if telling.is_empty() {
        return Ok(());
    }
    let sending = telling.iter().map(|order| order.head()).filter(|head| !head.notifications_muted);
    supersede_queued(tx, sending.map(|head| head.id.0)).await?;
    let max_age = tx.notification_max_age();
    let rows = telling.iter().flat_map(|order| {
        let news = list_news(order);
        let newest = news.len() - 1;
        news.into_iter().enumerate().flat_map(move |(position, (kind, delay))| {
            to_rows(order, kind, find_suppression(order.head(), delay, position == newest, max_age))
        })
    });
    dialect::insert_rows(tx, rows, "ON CONFLICT (key) DO NOTHING").await?;
    Ok(())
}

/// What the changes of an order tell the customer, the newest last, and how long after it happened each was recorded.
/// If all units were cancelled and the order cannot become cancelled, the customer is told as of a cancelled one.
fn list_news(order: &Order) -> Vec<(NotificationKind, TimeDelta)> {
    let owed = order.changes().transitions.iter().filter(|event| event.may_notify());
    let told = owed.filter_map(|event| {
        Some((NotificationKind::from_status(event.to())?, event.recorded_at() - event.occurred_at()))
    });
    let called_off = order.changes().called_off.then_some((NotificationKind::Cancelled, TimeDelta::zero()));
    told.chain(called_off).collect()
}

/// One row for each recipient. An order without an address has one row, without a recipient.
fn to_rows(
    order: &Order,
    kind: NotificationKind,
    reason: Option<Suppression>,
) -> Vec<entity::notification::Model> {
    let head = order.head();
    let mut recipients: Vec<&str> = head.recipients().collect();
    if recipients.is_empty() {
        recipients.push("");
    }
    let rows = recipients.into_iter().enumerate();
    rows.map(|(at, recipient)| {
        let key = notification::notification_key(head.id, kind, at);
        to_row(head, key, kind, recipient, reason)
    })
    .collect()
}

/// A new row. Of a correction, the status is the one that the order has now.
fn to_row(
    head: &OrderHead,
    key: String,
    kind: NotificationKind,
    recipient: &str,
    reason: Option<Suppression>,
) -> entity::notification::Model {
    let state = if reason.is_some() { NotificationState::Suppressed } else { NotificationState::Queued };
    entity::notification::Model {
        notification_id: Uuid::now_v7(),
        key,
        order_id: head.id.0,
        status: kind.status().unwrap_or(head.status).into(),
        kind: kind.as_str().to_owned(),
        shipment_id: None,
        void_numbers: None,
        told_numbers: None,
        channel: "email".to_owned(),
        // The column is not nullable: an empty text stands for no address.
        recipient: recipient.to_owned(),
        state: state.as_str().to_owned(),
        reason: reason.map(|reason| reason.as_str().to_owned()),
        error: None,
        attempt: 0,
        opened: 0,
        failures: 0,
        unknown_outcomes: 0,
        content_attempt: 0,
        queued_at: head.updated_at,
        sent_at: None,
        resends: 0,
        resent_at: None,
        due_at: reason.is_none().then_some(head.updated_at),
    }
}

/// Suppresses the queued notifications of these orders about statuses. A correction is superseded by nothing.
async fn supersede_queued(tx: &Tx, orders: impl Iterator<Item = Uuid>) -> Result<()> {
    let of_status = NotificationKind::ALL.into_iter().filter(|kind| kind.status().is_some());
    suppress_queued(tx, orders, of_status, Suppression::Superseded).await
}

/// Suppresses the queued notifications of these kinds.
async fn suppress_queued(
    tx: &Tx,
    orders: impl Iterator<Item = Uuid>,
    kinds: impl Iterator<Item = NotificationKind>,
    reason: Suppression,
) -> Result<()> {
    use entity::notification::Column;
    entity::notification::Entity::update_many()
        .col_expr(Column::State, Expr::value(NotificationState::Suppressed.as_str()))
        .col_expr(Column::Reason, Expr::value(reason.as_str()))
        .col_expr(Column::DueAt, Expr::value(None::<DateTime<Utc>>))
        .filter(is_one_of(tx.get_database_backend(), Column::OrderId, orders))
        .filter(Column::Kind.is_in(kinds.map(NotificationKind::as_str)))
        .filter(Column::State.eq(NotificationState::Queued.as_str()))
        .exec(tx)
        .await?;
    Ok(())
}

/// Begins an attempt and extends its lease until `until`. Returns the notification once for each attempt, and only
/// while it is queued; else `None`.
pub async fn open_notification(
    store: &Store,
    leased: &Leased,
    until: DateTime<Utc>,
) -> Result<Option<Notification>> {
    use entity::notification::Column;
    let tx = store.begin().await?;
    let opened = entity::notification::Entity::update_many()
        .col_expr(Column::Opened, Expr::value(leased.attempt))
        .col_expr(Column::DueAt, Expr::value(until))
        .filter(Column::NotificationId.eq(leased.id))
        .filter(Column::Attempt.eq(leased.attempt))
        .filter(Column::Opened.lt(leased.attempt))
        .filter(Column::State.eq(NotificationState::Queued.as_str()))
        .exec(&tx)
        .await?;
    let row = match opened.rows_affected {
        0 => None,
        _ => entity::notification::Entity::find_by_id(leased.id).one(&tx).await?,
    };
    // If the call is repeated after a lost commit, this attempt is begun already, and the result is `None`. The mail
    // waits for the next attempt, so it is not sent twice.
    store.commit_repeatable(tx).await?;
    row.map(Notification::try_from).transpose()
}

/// Records that an attempt is about to hand over the content of the mail. Until [`mark_sent`] or
/// [`record_failed_attempt`] records the answer of the server, the attempt counts as one of unknown outcome, also if
/// the process dies.
///
/// `told` are the tracking numbers in the mail and in its earlier mails that may have left.
///
/// Returns `false` if the notification no longer belongs to this job or is superseded. Then its mail must not be
/// sent.
pub async fn hand_over(store: &Store, leased: &Leased, told: &[TrackingNumber]) -> Result<bool> {
    use entity::notification::Column;
    let tx = store.begin().await?;
    let counted = entity::notification::Entity::update_many()
        .col_expr(Column::UnknownOutcomes, Expr::col(Column::UnknownOutcomes).add(1))
        .col_expr(Column::ContentAttempt, Expr::value(leased.attempt))
        .col_expr(Column::ToldNumbers, Expr::value(mapping::to_number_list(told)))
        .filter(is_at_attempt(leased))
        .filter(Column::ContentAttempt.lt(leased.attempt))
        .exec(&tx)
        .await?;
    // If the call is repeated after a lost commit, the attempt is not counted twice, and it still belongs to this
    // job.
    let may_send = counted.rows_affected > 0
        || entity::notification::Entity::find()
            .filter(is_at_attempt(leased))
            .filter(Column::ContentAttempt.eq(leased.attempt))
            .one(&tx)
            .await?
            .is_some();
    store.commit_repeatable(tx).await?;
    Ok(may_send)
}

/// The condition for a queued notification at this attempt, which was begun.
fn is_at_attempt(leased: &Leased) -> Condition {
    use entity::notification::Column;
    Condition::all()
        .add(Column::NotificationId.eq(leased.id))
        .add(Column::Attempt.eq(leased.attempt))
        .add(Column::Opened.eq(leased.attempt))
        .add(Column::State.eq(NotificationState::Queued.as_str()))
}

/// Adds to an update that this attempt no longer has an unknown outcome, because the answer of the mail server is
/// known.
fn remove_from_unknown_outcomes(
    update: UpdateMany<entity::notification::Entity>,
) -> UpdateMany<entity::notification::Entity> {
    use entity::notification::Column;
    let counted = "unknown_outcomes - CASE WHEN content_attempt > 0 THEN 1 ELSE 0 END";
    update
        .col_expr(Column::UnknownOutcomes, Expr::cust(counted))
        .col_expr(Column::ContentAttempt, Expr::value(0))
}

/// Records a failed attempt, if the notification still belongs to this job; else returns `None`. `answer_is_known`
/// means that the mail server certainly did not accept the mail. `decide` gets the number of failures, this one
/// included, and says what happens next.
///
/// # Errors
/// As [`leases::record_failure`](crate::leases::record_failure).
pub async fn record_failed_attempt(
    store: &Store,
    leased: Leased,
    failure: NewFailure<'_>,
    answer_is_known: bool,
    decide: impl FnOnce(i32) -> Next + Send,
) -> Result<Option<Next>> {
    use entity::notification::Column;
    let tx = store.begin().await?;
    if answer_is_known {
        remove_from_unknown_outcomes(entity::notification::Entity::update_many())
            .filter(Column::NotificationId.eq(leased.id))
            .filter(Column::Attempt.eq(leased.attempt))
            .filter(Column::ContentAttempt.eq(leased.attempt))
            .exec(&tx)
            .await?;
    }
    let next = leases::record_failure_in(&tx, Work::Notifications, leased, failure, decide).await?;
    store.commit(tx).await?;
    Ok(next)
}

/// Closes a notification that the mail server accepted.
pub async fn mark_sent(store: &Store, id: NotificationId, at: DateTime<Utc>) -> Result<()> {
    use entity::notification::Column;
    let tx = store.begin().await?;
    remove_from_unknown_outcomes(entity::notification::Entity::update_many())
        .col_expr(Column::State, Expr::value(NotificationState::Sent.as_str()))
        .col_expr(Column::SentAt, Expr::value(at))
        .col_expr(Column::Error, Expr::value(None::<String>))
        .col_expr(Column::Reason, Expr::value(None::<String>))
        .col_expr(Column::DueAt, Expr::value(None::<DateTime<Utc>>))
        .filter(Column::NotificationId.eq(id.0))
        .exec(&tx)
        .await?;
    store.commit_repeatable(tx).await
}
