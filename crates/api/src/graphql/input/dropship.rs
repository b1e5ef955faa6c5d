//! The inputs of the mutations `acceptItems`, `declineItems` and `reassignItems`, for items that suppliers ship.

use app::{Caller, orders::Command};
use async_graphql::{ID, InputObject};
use domain::{DeclinedUnits, InputField, ItemId, Refusal, Request};
use serde::Serialize;
use uuid::Uuid;

use super::{
    OriginInput, QuantityInput, Time, build_command, parse_deadlines, parse_id, parse_key, parse_quantities,
};

/// Items that their supplier accepts or declines.
#[derive(InputObject, Serialize)]
pub struct SupplierItemsInput {
    /// The id of the order.
    order_id: ID,
    /// The ids of the items, at least one. `declineItems` takes either these, to decline all units of the items, or
    /// `items`.
    item_ids: Option<Vec<ID>>,
    /// The units to decline, for `declineItems`: the supplier ships the other units of these items. The declined units
    /// become an item of their own. Units in a shipment cannot be declined.
    items: Option<Vec<QuantityInput>>,
    /// The reason. `declineItems` requires it. `acceptItems` does not store it.
    reason: Option<String>,
    /// A repeated request with the same key and the same input changes nothing and gets the first answer again.
    #[serde(skip)]
    idempotency_key: Option<String>,
}

/// Items to assign to another supplier or to a warehouse.
#[derive(InputObject, Serialize)]
pub struct ReassignItemsInput {
    /// The id of the order.
    order_id: ID,
    /// The ids of the items, at least one.
    item_ids: Vec<ID>,
    /// The place from which the items are to be shipped now: another supplier, a warehouse, or the same supplier, who
    /// is then asked again.
    origin: OriginInput,
    /// The time until which the supplier must accept the items. It must not be in the past. By default there is no
    /// deadline.
    accept_by: Option<Time>,
    /// The time until which a carrier must have every unit of the items. It must not be in the past and not before
    /// `acceptBy`. By default there is no deadline.
    ship_by: Option<Time>,
    /// A repeated request with the same key and the same input changes nothing and gets the first answer again.
    #[serde(skip)]
    idempotency_key: Option<String>,
}

impl SupplierItemsInput {
    pub(in crate::graphql) fn into_accept_command(self, caller: &Caller) -> Result<Command, Refusal> {
        if self.items.is_some() {
            let message =
                "items are accepted as a whole: name them in itemIds, and decline what will not be shipped";
            return Err(Refusal::invalid(InputField::Items, message));
        }
        let key = parse_key(&self.idempotency_key, "acceptItems", &self)?;
        let items = item_ids(self.item_ids.as_deref().unwrap_or_default())?;
        build_command(caller, key, &self.order_id, None, Request::AcceptItems { items })
    }

    pub(in crate::graphql) fn into_decline_command(self, caller: &Caller) -> Result<Command, Refusal> {
        let key = parse_key(&self.idempotency_key, "declineItems", &self)?;
        let reason = self.reason.unwrap_or_default();
        let request = match (&self.items, &self.item_ids) {
            (Some(_), Some(_)) => {
                let message = "name the units to decline in items, or whole items in itemIds, not both";
                return Err(Refusal::invalid(InputField::Items, message));
            }
            (Some(items), None) => Request::DeclineUnits { units: declined_units(items)?, reason },
            (None, ids) => {
                let items = item_ids(ids.as_deref().unwrap_or_default())?;
                Request::DeclineItems { items, reason }
            }
        };
        build_command(caller, key, &self.order_id, None, request)
    }
}

impl ReassignItemsInput {
    pub(in crate::graphql) fn into_command(self, caller: &Caller) -> Result<Command, Refusal> {
        let key = parse_key(&self.idempotency_key, "reassignItems", &self)?;
        let request = Request::ReassignItems {
            items: item_ids(&self.item_ids)?,
            origin: self.origin.into_origin(),
            deadlines: parse_deadlines(InputField::Deadline, self.accept_by, self.ship_by)?,
        };
        build_command(caller, key, &self.order_id, None, request)
    }
}

fn declined_units(items: &[QuantityInput]) -> Result<Vec<DeclinedUnits>, Refusal> {
    let lines = parse_quantities(items)?;
    let units = lines.into_iter().map(|line| DeclinedUnits { line, new_item: ItemId(Uuid::now_v7()) });
    Ok(units.collect())
}

fn item_ids(ids: &[ID]) -> Result<Vec<ItemId>, Refusal> {
    ids.iter().enumerate().map(|(at, item)| parse_id(InputField::ItemId(at), item)).collect()
}
