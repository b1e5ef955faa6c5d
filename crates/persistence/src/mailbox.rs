//! The mailbox: stores mails while no mail server is configured, so that none is lost.
//!
//! `worker::mail::mailer` inserts. The pages of `api::mailbox`, below `/mailbox`, list the latest and find one. Mails
//! are never deleted here. Each function has a transaction or a statement of its own.
//! `find_mail` is `None` for an unknown id.

use chrono::{DateTime, Utc};
use sea_orm::{EntityTrait, QueryOrder, QuerySelect};
use uuid::Uuid;

use crate::{dialect, entity::mail, error::Result, store::Store};

/// A mail that was stored instead of sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaughtMail {
    pub id: Uuid,
    /// The `Message-ID`, which is the same for each attempt of one notification.
    pub message_id: String,
    pub recipient: String,
    pub subject: String,
    /// The body as plain text.
    pub text: String,
    /// The body as HTML.
    pub html: String,
    /// When it was stored.
    pub caught_at: DateTime<Utc>,
}

pub async fn insert(store: &Store, mail: &CaughtMail) -> Result<()> {
    let row = mail::Model {
        mail_id: mail.id,
        message_id: mail.message_id.clone(),
        recipient: mail.recipient.clone(),
        subject: mail.subject.clone(),
        text: mail.text.clone(),
        html: mail.html.clone(),
        caught_at: mail.caught_at,
    };
    let tx = store.begin().await?;
    dialect::insert_rows(&tx, [row], "").await?;
    store.commit_repeatable(tx).await
}

/// The latest mails, newest first.
pub async fn list_latest(store: &Store, limit: u64) -> Result<Vec<CaughtMail>> {
    let rows = mail::Entity::find()
        .order_by_desc(mail::Column::CaughtAt)
        .order_by_desc(mail::Column::MailId)
        .limit(limit)
        .all(store.reader())
        .await?;
    Ok(rows.into_iter().map(to_caught_mail).collect())
}

pub async fn find_mail(store: &Store, id: Uuid) -> Result<Option<CaughtMail>> {
    Ok(mail::Entity::find_by_id(id).one(store.reader()).await?.map(to_caught_mail))
}

fn to_caught_mail(row: mail::Model) -> CaughtMail {
    CaughtMail {
        id: row.mail_id,
        message_id: row.message_id,
        recipient: row.recipient,
        subject: row.subject,
        text: row.text,
        html: row.html,
        caught_at: row.caught_at,
    }
}
