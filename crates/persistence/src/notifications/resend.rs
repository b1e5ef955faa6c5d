//! Makes a notification due again because somebody asks for it. `app::notifications::resend` finds it, locks its order,
//! and calls `requeue_notification` in the same transaction. It answers `false` if the notification waits to be sent
//! already, or is unknown.

use chrono::{DateTime, Utc};
use domain::{NotificationId, NotificationState};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter,
    sea_query::{Expr, ExprTrait},
};

use super::Notification;
use crate::{
    entity::notification::{Column, Entity},
    error::Result,
    store::Tx,
};

/// One notification.
pub async fn find_notification(
    db: &impl ConnectionTrait,
    id: NotificationId,
) -> Result<Option<Notification>> {
    Entity::find_by_id(id.0).one(db).await?.map(Notification::try_from).transpose()
}

/// Makes a notification due at `now`, unless it is queued. Returns whether it did. The order must be locked: otherwise
/// an event that supersedes the notification could miss it.
///
/// It then has all its attempts again: failures, attempts of unknown outcome and the time in which it is retried count
/// from now on.
pub async fn requeue_notification(tx: &Tx, id: NotificationId, now: DateTime<Utc>) -> Result<bool> {
    let done = Entity::update_many()
        .col_expr(Column::State, Expr::value(NotificationState::Queued.as_str()))
        .col_expr(Column::Reason, Expr::value(None::<String>))
        .col_expr(Column::Error, Expr::value(None::<String>))
        .col_expr(Column::Failures, Expr::value(0))
        .col_expr(Column::UnknownOutcomes, Expr::value(0))
        .col_expr(Column::ContentAttempt, Expr::value(0))
        .col_expr(Column::Resends, Expr::col(Column::Resends).add(1))
        .col_expr(Column::ResentAt, Expr::value(now))
        .col_expr(Column::DueAt, Expr::value(now))
        .filter(Column::NotificationId.eq(id.0))
        .filter(Column::State.ne(NotificationState::Queued.as_str()))
        .exec(tx)
        .await?;
    Ok(done.rows_affected > 0)
}
