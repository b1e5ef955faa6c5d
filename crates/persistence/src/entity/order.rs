//! The table `orders`.

use sea_orm::entity::prelude::*;

use super::status::Status;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "orders")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub order_id: Uuid,
    pub user_id: Uuid,
    pub reference: Option<String>,
    pub customer_email: Option<String>,
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub other_emails: Option<Json>,
    pub notifications_muted: bool,
    pub status: Status,
    pub version: i32,
    pub total_cents: i32,
    pub currency: String,
    pub fulfillment_path: String,
    pub closed_at: Option<DateTimeUtc>,
    pub closed_by: Option<String>,
    pub closed_by_id: Option<String>,
    pub close_reason: Option<String>,
    pub replaces: Option<Uuid>,
    pub placed_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub occurred_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
