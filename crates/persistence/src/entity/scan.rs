//! The table `scans`: the tracking events of shipments.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "scans")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub scan_id: Uuid,
    pub shipment_id: Uuid,
    pub webhook_id: Option<Uuid>,
    pub identity: Vec<u8>,
    pub code: String,
    pub meaning: String,
    pub evidence: String,
    pub description: Option<String>,
    pub location: Option<String>,
    pub occurred_at: DateTimeUtc,
    pub time_estimated: bool,
    pub local_time: Option<String>,
    pub clock: DateTimeUtc,
    pub package: Option<String>,
    pub estimated_delivery: Option<DateTimeUtc>,
    pub estimated_at: Option<DateTimeUtc>,
    pub delivery_estimate: Option<String>,
    pub estimate_received: Option<DateTimeUtc>,
    pub recorded_at: DateTimeUtc,
    pub recorded_by: Option<String>,
    pub recorded_by_id: Option<String>,
    pub effect: String,
    pub called_off: bool,
    pub seen: i32,
    pub retracted_at: Option<DateTimeUtc>,
    pub retracted_by: Option<String>,
    pub retracted_by_id: Option<String>,
    pub retract_reason: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
