//! The table `order_items`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "order_items")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub item_id: Uuid,
    pub order_id: Uuid,
    pub position: i32,
    pub sku: String,
    pub name: String,
    pub quantity: i32,
    pub cancelled: i32,
    pub cancel_reason: Option<String>,
    pub origin_kind: Option<String>,
    pub origin_code: Option<String>,
    pub accept_by: Option<DateTimeUtc>,
    pub ship_by: Option<DateTimeUtc>,
    pub accepted_at: Option<DateTimeUtc>,
    pub declined_at: Option<DateTimeUtc>,
    pub decline_reason: Option<String>,
    pub return_requested: i32,
    pub return_reason: Option<String>,
    pub returned: i32,
    pub return_written_off: i32,
    pub split_from: Option<Uuid>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
