//! The inputs of the mutations `acceptItems`, `declineItems` and `reassignItems`, for items that suppliers ship.

use app::{Caller, orders::Command};
use async_graphql::{ID, InputObject};
use domain::{InputField, ItemId, Refusal, Request};
use serde::Serialize;

use super::{OriginInput, Time, id, parse_deadlines, parse_key};

/// Items that their supplier accepts or declines.
#[derive(InputObject, Serialize)]
pub struct SupplierItemsInput {
    /// The id of the order.
    order_id: ID,
    /// The ids of the items, at least one.
    item_ids: Vec<ID>,
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
        let items = item_ids(&self.item_ids)?;
        self.into_item_command("acceptItems", Request::AcceptItems { items }, caller)
    }

    pub(in crate::graphql) fn into_decline_command(self, caller: &Caller) -> Result<Command, Refusal> {
        let items = item_ids(&self.item_ids)?;
        let reason = self.reason.clone().unwrap_or_default();
        self.into_item_command("declineItems", Request::DeclineItems { items, reason }, caller)
    }

    fn into_item_command(
        self,
        operation: &str,
        request: Request,
        caller: &Caller,
    ) -> Result<Command, Refusal> {
        Ok(Command {
            caller: caller.clone(),
            key: parse_key(&self.idempotency_key, operation, &self)?,
            order_id: id(InputField::OrderId, &self.order_id)?,
            request,
            expected_version: None,
        })
    }
}

impl ReassignItemsInput {
    pub(in crate::graphql) fn into_command(self, caller: &Caller) -> Result<Command, Refusal> {
        Ok(Command {
            caller: caller.clone(),
            key: parse_key(&self.idempotency_key, "reassignItems", &self)?,
            order_id: id(InputField::OrderId, &self.order_id)?,
            request: Request::ReassignItems {
                items: item_ids(&self.item_ids)?,
                origin: self.origin.into_origin(),
                deadlines: parse_deadlines(InputField::Deadline, self.accept_by, self.ship_by)?,
            },
            expected_version: None,
        })
    }
}

fn item_ids(ids: &[ID]) -> Result<Vec<ItemId>, Refusal> {
    ids.iter().enumerate().map(|(at, item)| id(InputField::ItemId(at), item)).collect()
}
