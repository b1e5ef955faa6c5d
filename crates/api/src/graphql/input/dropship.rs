//! Items that suppliers ship: accepted, declined, given to somebody else.

use app::{Caller, orders::Command};
use async_graphql::{ID, InputObject};
use domain::{ItemId, Refusal, Request};
use serde::Serialize;

use super::{OriginInput, Time, deadlines, id, key};

/// Items that their supplier will ship, or will not.
#[derive(InputObject, Serialize)]
pub struct SupplierItemsInput {
    /// The order.
    order_id: ID,
    /// Which items of it, at least one.
    item_ids: Vec<ID>,
    /// Why. Needed to decline; not kept on accepting.
    reason: Option<String>,
    /// The same key with the same input gets the same answer, and nothing happens twice.
    #[serde(skip)]
    idempotency_key: Option<String>,
}

/// Items that somebody else is to ship.
#[derive(InputObject, Serialize)]
pub struct ReassignItemsInput {
    /// The order.
    order_id: ID,
    /// Which items of it, at least one.
    item_ids: Vec<ID>,
    /// Where they come from now: another supplier, the same one asked again, or a warehouse.
    origin: OriginInput,
    /// Until when the supplier has to accept them: now or later. Left out: no time is agreed.
    accept_by: Option<Time>,
    /// Until when a carrier has to have every unit of them: now or later, and not before `acceptBy`. Left out: no time is
    /// agreed.
    ship_by: Option<Time>,
    /// The same key with the same input gets the same answer, and nothing happens twice.
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
            key: key(&self.idempotency_key, operation, &self)?,
            order_id: id("orderId", &self.order_id)?,
            request,
            expected_version: None,
        })
    }
}

impl ReassignItemsInput {
    pub(in crate::graphql) fn into_command(self, caller: &Caller) -> Result<Command, Refusal> {
        Ok(Command {
            caller: caller.clone(),
            key: key(&self.idempotency_key, "reassignItems", &self)?,
            order_id: id("orderId", &self.order_id)?,
            request: Request::ReassignItems {
                items: item_ids(&self.item_ids)?,
                origin: self.origin.read(),
                deadlines: deadlines("", self.accept_by, self.ship_by)?,
            },
            expected_version: None,
        })
    }
}

fn item_ids(ids: &[ID]) -> Result<Vec<ItemId>, Refusal> {
    ids.iter().enumerate().map(|(at, item)| id(&format!("itemIds[{at}]"), item)).collect()
}
