//! Stores activities: the changes of orders that are no transitions.
//!
//! `insert` writes those that the orders collected since they were loaded. [`record`](crate::orders::record) calls it,
//! and `app::notifications::resend`, which changes nothing else of the order. `app::reads::timeline` calls
//! `find_activity`. `read::timeline` reads lists.

use domain::{Activity, Order};
use sea_orm::EntityTrait;
use uuid::Uuid;

use crate::{
    dialect,
    entity::order_activity,
    error::Result,
    store::{Store, Tx},
};

/// A stored activity.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredActivity {
    /// A UUIDv7. Those of one order are in the sequence of its changes.
    pub id: Uuid,
    pub activity: Activity,
}

/// Writes the new activities of these orders. [`record`](crate::orders::record) calls it for orders that requests
/// changed.
pub async fn insert(tx: &Tx, orders: &[&Order]) -> Result<()> {
    let activities = orders.iter().flat_map(|order| &order.changes().activities);
    dialect::insert_rows(tx, activities.map(to_row), "").await?;
    Ok(())
}

fn to_row(activity: &Activity) -> order_activity::Model {
    order_activity::Model {
        activity_id: Uuid::now_v7(),
        order_id: activity.order_id.0,
        kind: activity.kind.as_str().to_owned(),
        actor: activity.actor.kind.as_str().to_owned(),
        actor_id: activity.actor.id.clone(),
        notes: activity.notes.clone(),
        facts: activity.facts.clone(),
        shipment_id: activity.shipment_id.map(|id| id.0),
        recorded_at: activity.recorded_at,
        request_id: activity.request_id.clone(),
        webhook_id: activity.webhook_id.map(|id| id.0),
    }
}

/// One activity.
pub async fn find_activity(store: &Store, id: Uuid) -> Result<Option<StoredActivity>> {
    let row = order_activity::Entity::find_by_id(id).one(store.reader()).await?;
    row.map(StoredActivity::try_from).transpose()
}
