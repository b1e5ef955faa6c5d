//! The table `notifications`.

use sea_orm::entity::prelude::*;

use super::status::Status;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "notifications")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub notification_id: Uuid,
    pub key: String,
    pub order_id: Uuid,
    pub status: Status,
    pub kind: String,
    pub shipment_id: Option<Uuid>,
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub void_numbers: Option<Json>,
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub told_numbers: Option<Json>,
    pub channel: String,
    pub recipient: String,
    pub state: String,
    pub reason: Option<String>,
    pub error: Option<String>,
    pub attempt: i32,
    pub opened: i32,
    pub failures: i32,
    pub unknown_outcomes: i32,
    pub content_attempt: i32,
    pub queued_at: DateTimeUtc,
    pub sent_at: Option<DateTimeUtc>,
    pub resends: i32,
    pub resent_at: Option<DateTimeUtc>,
    pub due_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
