//! The table `webhook_waits`: the tracking numbers for which unmatched webhooks wait.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_waits")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub carrier: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub tracking_number: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub webhook_id: Uuid,
    pub is_further: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
