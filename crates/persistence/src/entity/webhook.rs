//! The table `webhooks`: the requests of senders, as they came.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "webhooks")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub webhook_id: Uuid,
    pub sender: String,
    pub content_hash: Vec<u8>,
    pub body: Vec<u8>,
    pub request_id: Option<String>,
    pub received_at: DateTimeUtc,
    pub state: String,
    pub reason: Option<String>,
    pub error: Option<String>,
    pub attempt: i32,
    pub failures: i32,
    pub duplicates: i32,
    pub calls: i32,
    pub due_at: Option<DateTimeUtc>,
    pub says_estimate: bool,
    pub came_again_at: Option<DateTimeUtc>,
}

/// A row without its body.
#[derive(Clone, Debug, DerivePartialModel)]
#[sea_orm(entity = "Entity")]
pub(crate) struct Head {
    pub webhook_id: Uuid,
    pub sender: String,
    pub request_id: Option<String>,
    pub received_at: DateTimeUtc,
    pub state: String,
    pub reason: Option<String>,
    pub error: Option<String>,
    pub attempt: i32,
    pub failures: i32,
    pub duplicates: i32,
    pub came_again_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
