//! The interface `Node`: records that a client can read again by their id alone.

use app::{App, Caller};
use async_graphql::{Context, ID, Interface, Result};
use domain::{OrderId, ShipmentId};
use uuid::Uuid;

use super::{
    activity::Activity,
    error::{bad_input, convert_app_result},
    event::OrderEvent,
    order::Order,
    shipment::Shipment,
};

/// A record with an id that is unique among all records.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "The id. Opaque: ask `node` for what it names."))]
pub enum Node {
    /// An order. Its id is its UUID.
    Order(Order),
    /// A shipment. Its id is its UUID.
    Shipment(Shipment),
    /// An order event. Its id is the UUID of its order, a colon and its version.
    OrderEvent(OrderEvent),
    /// An activity. Its id is its UUID.
    Activity(Activity),
}

/// Reads the record with this id. `None` if there is none or the caller may not see it.
///
/// # Errors
/// `BAD_INPUT` for a text that is no id.
pub(super) async fn find_node(ctx: &Context<'_>, id: &str) -> Result<Option<Node>> {
    let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
    if let Some((order, version)) = id.split_once(':') {
        let (Ok(order), Ok(version)) = (order.parse(), version.parse()) else { return Err(no_id("id")) };
        let event = convert_app_result(ctx, app.reads().event(caller, order, version).await)?;
        return Ok(event.map(|event| Node::OrderEvent(OrderEvent(event))));
    }
    let id: Uuid = parse_uuid("id", id)?;
    if let Some(order) = convert_app_result(ctx, app.reads().order(caller, OrderId(id)).await)? {
        return Ok(Some(Node::Order(order.into())));
    }
    let found = convert_app_result(ctx, app.reads().shipment_by_id(caller, ShipmentId(id)).await)?;
    if let Some((order, shipment)) = found {
        return Ok(Some(Node::Shipment(Shipment::with_own_batch(order.into(), shipment))));
    }
    let activity = convert_app_result(ctx, app.reads().activity(caller, id).await)?;
    Ok(activity.map(|stored| Node::Activity(Activity(stored))))
}

/// Reads an id from an argument.
///
/// # Errors
/// `BAD_INPUT` for a text that is no UUID. It names `field`.
pub(super) fn parse_uuid<T: std::str::FromStr>(field: &str, id: &str) -> Result<T> {
    id.parse().map_err(|_| no_id(field))
}

fn no_id(field: &str) -> async_graphql::Error {
    bad_input(field, "that is no id of ours")
}
