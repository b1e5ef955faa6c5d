//! The table `shipment_numbers`: all tracking numbers of each shipment.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "shipment_numbers")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub shipment_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub carrier: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub tracking_number: String,
    pub position: i32,
    pub is_primary: bool,
    pub is_shared: bool,
    pub is_exclusive: bool,
    pub added_at: DateTimeUtc,
    pub void_since: Option<DateTimeUtc>,
    pub void_by: Option<String>,
    pub void_by_id: Option<String>,
    pub void_reason: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {
    #[sea_orm(
        belongs_to = "super::shipment::Entity",
        from = "Column::ShipmentId",
        to = "super::shipment::Column::ShipmentId"
    )]
    Shipment,
}

impl Related<super::shipment::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Shipment.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
