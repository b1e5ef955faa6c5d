//! The table `order_events`. Its rows are never changed or deleted.

use sea_orm::entity::prelude::*;

use super::status::Status;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "order_events")]
pub(crate) struct Model {
    #[sea_orm(primary_key)]
    pub event_id: i64,
    pub order_id: Uuid,
    pub version: i32,
    pub from_status: Option<Status>,
    pub to_status: Status,
    pub actor: String,
    pub actor_id: Option<String>,
    pub notes: Option<String>,
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub metadata: Option<Json>,
    pub inferred: bool,
    pub occurred_at: DateTimeUtc,
    pub recorded_at: DateTimeUtc,
    pub request_id: Option<String>,
    pub webhook_id: Option<Uuid>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
