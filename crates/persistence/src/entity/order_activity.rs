//! The table `order_activities`. Its rows are never changed or deleted.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "order_activities")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub activity_id: Uuid,
    pub order_id: Uuid,
    pub kind: String,
    pub actor: String,
    pub actor_id: Option<String>,
    pub notes: Option<String>,
    #[sea_orm(column_type = "JsonBinary")]
    pub facts: Json,
    pub shipment_id: Option<Uuid>,
    pub recorded_at: DateTimeUtc,
    pub request_id: Option<String>,
    pub webhook_id: Option<Uuid>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
