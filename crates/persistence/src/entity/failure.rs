//! The table `failures`: failed attempts to process a webhook or to send a notification.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "failures")]
pub(crate) struct Model {
    #[sea_orm(primary_key)]
    pub failure_id: i64,
    pub webhook_id: Option<Uuid>,
    pub notification_id: Option<Uuid>,
    pub attempt: i32,
    pub failed_at: DateTimeUtc,
    pub error: String,
    pub retryable: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
