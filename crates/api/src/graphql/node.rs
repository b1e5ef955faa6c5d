//! Records that can be looked up again by their id alone.

use app::{App, Caller};
use async_graphql::{Context, ID, Interface, Result};
use domain::{OrderId, ShipmentId};
use uuid::Uuid;

use super::{
    error::{answer, bad_input},
    event::OrderEvent,
    order::Order,
    shipment::Shipment,
};

/// A record with an id that is its own among all records.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "The id. Opaque: ask `node` for what it names."))]
pub enum Node {
    /// An order: its UUID.
    Order(Order),
    /// A shipment: its UUID.
    Shipment(Shipment),
    /// An event: its order's UUID, a colon, its version.
    OrderEvent(OrderEvent),
}

/// The record with that id, if the caller may see it.
pub(super) async fn node(ctx: &Context<'_>, id: &str) -> Result<Option<Node>> {
    let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
    if let Some((order, version)) = id.split_once(':') {
        let (Ok(order), Ok(version)) = (order.parse(), version.parse()) else { return Err(no_id("id")) };
        let event = answer(ctx, app.event(caller, order, version).await)?;
        return Ok(event.map(|event| Node::OrderEvent(OrderEvent(event))));
    }
    let id: Uuid = uuid("id", id)?;
    if let Some(order) = answer(ctx, app.order(caller, OrderId(id)).await)? {
        return Ok(Some(Node::Order(order.into())));
    }
    let found = answer(ctx, app.shipment_by_id(caller, ShipmentId(id)).await)?;
    Ok(found.map(|(order, shipment)| Node::Shipment(Shipment::alone(order.into(), shipment))))
}

/// An id in an argument of a query.
///
/// # Errors
/// `BAD_INPUT` for what is no UUID.
pub(super) fn uuid<T: std::str::FromStr>(field: &str, id: &str) -> Result<T> {
    id.parse().map_err(|_| no_id(field))
}

fn no_id(field: &str) -> async_graphql::Error {
    bad_input(field, "that is no id of ours")
}
