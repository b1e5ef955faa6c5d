//! The table `delivery_estimates`: every estimate that was said for a shipment.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "delivery_estimates")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub shipment_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub said_at: DateTimeUtc,
    #[sea_orm(primary_key, auto_increment = false)]
    pub received_at: DateTimeUtc,
    #[sea_orm(primary_key, auto_increment = false)]
    pub estimate: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub source: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
