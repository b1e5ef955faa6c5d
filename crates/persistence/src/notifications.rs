//! Notifications: one row for each key, written in the transaction of the event that causes it, and the record of the
//! attempts to send it.

use chrono::{DateTime, Utc};
use domain::{
    NotificationId, NotificationKind, NotificationState, Order, OrderId, Suppression, notification,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, UpdateMany,
    sea_query::{Expr, ExprTrait},
};
use uuid::Uuid;

use crate::{
    dialect::{self, is_one_of},
    entity,
    error::Result,
    leases::{self, Leased, Next, Work},
    store::{Store, Tx},
};

/// A stored notification.
#[derive(Clone, Debug)]
pub struct Notification {
    pub id: NotificationId,
    /// The unique key: `notify-{order}-{status}`.
    pub key: String,
    pub order_id: OrderId,
    /// The status that the customer is told.
    pub kind: NotificationKind,
    /// The channel by which it is sent: `email`.
    pub channel: String,
    /// The customer's address. `None` if the order has none.
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
    /// When the mail server accepted it.
    pub sent_at: Option<DateTime<Utc>>,
}

/// Writes the notifications that the transitions of these orders cause. Only the newest notification of an order is
/// sent: older ones that are still queued are superseded, and so are the intermediate statuses of an advance.
pub(crate) async fn enqueue_notifications(tx: &Tx, orders: &[&Order]) -> Result<()> {
    let telling: Vec<&Order> =
        orders.iter().copied().filter(|order| !notification_kinds(order).is_empty()).collect();
    if telling.is_empty() {
        return Ok(());
    }
    supersede(tx, telling.iter().map(|order| order.head().id.0)).await?;
    let rows = telling.iter().flat_map(|order| {
        let kinds = notification_kinds(order);
        let newest = kinds.len() - 1;
        kinds.into_iter().enumerate().map(move |(at, kind)| to_row(order, kind, at == newest))
    });
    dialect::insert(tx, rows, "ON CONFLICT (key) DO NOTHING").await?;
    Ok(())
}

/// The statuses of an order's new transitions that cause a notification, the newest last.
fn notification_kinds(order: &Order) -> Vec<NotificationKind> {
    let owed = order.changes().transitions.iter().filter(|event| event.owes_notification());
    let statuses = owed.map(|event| event.to());
    statuses.filter_map(NotificationKind::from_status).collect()
}

fn to_row(order: &Order, kind: NotificationKind, newest: bool) -> entity::notification::Model {
    let head = order.head();
    let reason = match &head.customer_email {
        None => Some(Suppression::NoAddress),
        Some(_) if !newest => Some(Suppression::Superseded),
        Some(_) => None,
    };
    let state = if reason.is_some() { NotificationState::Suppressed } else { NotificationState::Queued };
    entity::notification::Model {
        notification_id: Uuid::now_v7(),
        key: notification::notification_key(head.id, kind),
        order_id: head.id.0,
        status: kind.status().into(),
        channel: "email".to_owned(),
        // The column is not nullable: an empty text stands for no address.
        recipient: head.customer_email.clone().unwrap_or_default(),
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
        due_at: reason.is_none().then_some(head.updated_at),
    }
}

async fn supersede(tx: &Tx, orders: impl Iterator<Item = Uuid>) -> Result<()> {
    use entity::notification::Column;
    entity::notification::Entity::update_many()
        .col_expr(Column::State, Expr::value(NotificationState::Suppressed.as_str()))
        .col_expr(Column::Reason, Expr::value(Suppression::Superseded.as_str()))
        .col_expr(Column::DueAt, Expr::value(None::<DateTime<Utc>>))
        .filter(is_one_of(tx.get_database_backend(), Column::OrderId, orders))
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

/// Records that an attempt is about to hand over the content of the mail. Until [`mark_sent`] or [`not_sent`] records
/// the answer of the server, the attempt counts as one of unknown outcome, also if the process dies.
///
/// Returns `false` if the notification no longer belongs to this job or is superseded. Then its mail must not be
/// sent.
pub async fn hand_over(store: &Store, leased: &Leased) -> Result<bool> {
    use entity::notification::Column;
    let tx = store.begin().await?;
    let counted = entity::notification::Entity::update_many()
        .col_expr(Column::UnknownOutcomes, Expr::col(Column::UnknownOutcomes).add(1))
        .col_expr(Column::ContentAttempt, Expr::value(leased.attempt))
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
fn clear_due(update: UpdateMany<entity::notification::Entity>) -> UpdateMany<entity::notification::Entity> {
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
/// As [`leases::fail`](crate::leases::fail).
pub async fn not_sent(
    store: &Store,
    leased: Leased,
    error: &str,
    answer_is_known: bool,
    decide: impl FnOnce(i32) -> Next + Send,
) -> Result<Option<Next>> {
    use entity::notification::Column;
    let tx = store.begin().await?;
    if answer_is_known {
        clear_due(entity::notification::Entity::update_many())
            .filter(Column::NotificationId.eq(leased.id))
            .filter(Column::Attempt.eq(leased.attempt))
            .filter(Column::ContentAttempt.eq(leased.attempt))
            .exec(&tx)
            .await?;
    }
    let next = leases::fail_in(&tx, Work::Notifications, leased, error, decide).await?;
    store.commit(tx).await?;
    Ok(next)
}

/// Closes a notification that the mail server accepted.
pub async fn mark_sent(store: &Store, id: NotificationId, at: DateTime<Utc>) -> Result<()> {
    use entity::notification::Column;
    let tx = store.begin().await?;
    clear_due(entity::notification::Entity::update_many())
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
