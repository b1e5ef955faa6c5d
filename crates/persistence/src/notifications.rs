//! Notifications: one row a key, written with the event that calls for it.

use chrono::{DateTime, Utc};
use domain::{NotificationId, NotificationState, Order, OrderId, OrderStatus, Suppression, notification};
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

/// A message owed to a customer, as it is kept.
#[derive(Clone, Debug)]
pub struct Notification {
    /// Its id.
    pub id: NotificationId,
    /// What makes it the only one: `notify-{order}-{status}`.
    pub key: String,
    /// The order it is about.
    pub order_id: OrderId,
    /// The news.
    pub status: OrderStatus,
    /// How it travels: `email`.
    pub channel: String,
    /// To whom; empty where the order has no address.
    pub recipient: String,
    /// What has become of it.
    pub state: NotificationState,
    /// Why it was suppressed.
    pub reason: Option<String>,
    /// The latest failure, in the server's words.
    pub error: Option<String>,
    /// How often it was taken up.
    pub attempt: i32,
    /// How often that failed.
    pub failures: i32,
    /// Attempts that began to hand the mail's content over and whose answer from the mail server is not known: the
    /// answer was lost, or the process died. Each of them may have delivered the mail.
    pub unknown_outcomes: i32,
    /// When it was written.
    pub queued_at: DateTime<Utc>,
    /// When the mail server took it.
    pub sent_at: Option<DateTime<Utc>>,
}

/// Writes the notifications that these orders' transitions call for. Only the newest news of an order goes out:
/// what is still queued is superseded, and so are the milestones an advance passed on its way.
pub(crate) async fn enqueue(tx: &Tx, orders: &[&Order]) -> Result<()> {
    let telling: Vec<&Order> =
        orders.iter().copied().filter(|order| !notified_statuses(order).is_empty()).collect();
    if telling.is_empty() {
        return Ok(());
    }
    supersede(tx, telling.iter().map(|order| order.head().id.0)).await?;
    let rows = telling.iter().flat_map(|order| {
        let statuses = notified_statuses(order);
        let newest = statuses.len() - 1;
        statuses.into_iter().enumerate().map(move |(at, status)| to_row(order, status, at == newest))
    });
    dialect::insert(tx, rows, "ON CONFLICT (key) DO NOTHING").await?;
    Ok(())
}

/// The notifications that the transitions of an order call for, the newest last.
fn notified_statuses(order: &Order) -> Vec<OrderStatus> {
    let statuses = order.changes().transitions.iter().map(|event| event.to());
    statuses.filter(|status| notification::notifies_customer(*status)).collect()
}

fn to_row(order: &Order, status: OrderStatus, newest: bool) -> entity::notification::Model {
    let head = order.head();
    let reason = match &head.customer_email {
        None => Some(Suppression::NoAddress),
        Some(_) if !newest => Some(Suppression::Superseded),
        Some(_) => None,
    };
    let state = if reason.is_some() { NotificationState::Suppressed } else { NotificationState::Queued };
    entity::notification::Model {
        notification_id: Uuid::now_v7(),
        key: notification::notification_key(head.id, status),
        order_id: head.id.0,
        status: status.into(),
        channel: "email".to_owned(),
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

/// Begins a notification: succeeds once for every attempt, and only while the notification is still queued. It is the
/// job's until `until`, however long it waited before.
pub async fn open(store: &Store, leased: &Leased, until: DateTime<Utc>) -> Result<Option<Notification>> {
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
    // Opened a second time it is nobody's: its mail waits for the next attempt, and leaves once.
    store.commit_repeatable(tx).await?;
    row.map(Notification::try_from).transpose()
}

/// Records that an attempt is about to hand the mail's content over. Until the server's answer is recorded by [`sent`]
/// or
/// [`not_sent`], the attempt counts as one of unknown outcome, also if the process dies. Returns false if the
/// notification is no longer this job's or is superseded: then its mail must not be sent.
pub async fn hand_over(store: &Store, leased: &Leased) -> Result<bool> {
    use entity::notification::Column;
    let tx = store.begin().await?;
    let counted = entity::notification::Entity::update_many()
        .col_expr(Column::UnknownOutcomes, Expr::col(Column::UnknownOutcomes).add(1))
        .col_expr(Column::ContentAttempt, Expr::value(leased.attempt))
        .filter(begun(leased))
        .filter(Column::ContentAttempt.lt(leased.attempt))
        .exec(&tx)
        .await?;
    // Done again after a lost commit, nothing is counted twice, and the attempt is still this job's.
    let may_send = counted.rows_affected > 0
        || entity::notification::Entity::find()
            .filter(begun(leased))
            .filter(Column::ContentAttempt.eq(leased.attempt))
            .one(&tx)
            .await?
            .is_some();
    store.commit_repeatable(tx).await?;
    Ok(may_send)
}

/// A notification that waits to be sent and is at this attempt, which was begun.
fn begun(leased: &Leased) -> Condition {
    use entity::notification::Column;
    Condition::all()
        .add(Column::NotificationId.eq(leased.id))
        .add(Column::Attempt.eq(leased.attempt))
        .add(Column::Opened.eq(leased.attempt))
        .add(Column::State.eq(NotificationState::Queued.as_str()))
}

/// Takes the attempt off the unknown outcomes, in an update of a notification whose answer is known.
fn answered(update: UpdateMany<entity::notification::Entity>) -> UpdateMany<entity::notification::Entity> {
    use entity::notification::Column;
    let counted = "unknown_outcomes - CASE WHEN content_attempt > 0 THEN 1 ELSE 0 END";
    update
        .col_expr(Column::UnknownOutcomes, Expr::cust(counted))
        .col_expr(Column::ContentAttempt, Expr::value(0))
}

/// Writes down a failed attempt, if the notification is still this job's. `answer_is_known`: the mail server did not
/// take the mail, for certain. `decide` gets the number of failures, this one included. `None` if the notification is
/// no longer this job's.
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
        answered(entity::notification::Entity::update_many())
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

/// Closes a notification that the mail server took.
pub async fn mark_sent(store: &Store, id: NotificationId, at: DateTime<Utc>) -> Result<()> {
    use entity::notification::Column;
    let tx = store.begin().await?;
    answered(entity::notification::Entity::update_many())
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
