//! The table `shipments`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "shipments")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub shipment_id: Uuid,
    pub order_id: Uuid,
    pub carrier: String,
    pub tracking_number: String,
    pub direction: String,
    pub status: String,
    pub status_before_return: Option<String>,
    pub in_possession: bool,
    pub origin_kind: String,
    pub origin_code: String,
    pub condition: Option<String>,
    pub condition_message: Option<String>,
    pub condition_since: Option<DateTimeUtc>,
    pub estimated_delivery: Option<DateTimeUtc>,
    pub promised_delivery: Option<DateTimeUtc>,
    pub delivery_estimate: Option<String>,
    pub promised_estimate: Option<String>,
    pub promised_at: Option<DateTimeUtc>,
    pub shipped_at: Option<DateTimeUtc>,
    pub shipped_inferred: bool,
    pub out_for_delivery_at: Option<DateTimeUtc>,
    pub out_for_delivery_inferred: bool,
    pub delivered_at: Option<DateTimeUtc>,
    pub arrived_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    pub cancelled_at: Option<DateTimeUtc>,
    pub cancel_reason: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {
    #[sea_orm(
        belongs_to = "super::order::Entity",
        from = "Column::OrderId",
        to = "super::order::Column::OrderId"
    )]
    Order,
}

impl ActiveModelBehavior for ActiveModel {}
