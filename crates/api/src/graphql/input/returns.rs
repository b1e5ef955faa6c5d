//! Units that come back: asked for, received.

use app::{Caller, orders::Command};
use async_graphql::{ID, InputObject};
use domain::{Refusal, Request};
use serde::Serialize;

use super::{QuantityInput, id, key, lines};

/// Units that the customer sends back.
#[derive(InputObject, Serialize)]
pub struct InitiateReturnInput {
    /// The order. It was delivered, or something of it is on its way back already.
    order_id: ID,
    /// Why.
    reason: String,
    /// How many of which. Left out: everything delivered that is not asked back yet.
    items: Option<Vec<QuantityInput>>,
    /// The same key with the same input gets the same answer, and nothing happens twice.
    #[serde(skip)]
    idempotency_key: Option<String>,
}

/// Units that came back.
#[derive(InputObject, Serialize)]
pub struct ReceiveReturnInput {
    /// The order.
    order_id: ID,
    /// How many of which. Left out: everything asked back that is not in yet.
    items: Option<Vec<QuantityInput>>,
    /// What to say about it on the event that makes the order returned, if these are the last units.
    notes: Option<String>,
    /// The same key with the same input gets the same answer, and nothing happens twice.
    #[serde(skip)]
    idempotency_key: Option<String>,
}

impl InitiateReturnInput {
    pub(in crate::graphql) fn into_command(self, caller: &Caller) -> Result<Command, Refusal> {
        let lines = self.items.as_deref().map(lines).transpose()?;
        Ok(Command {
            caller: caller.clone(),
            key: key(&self.idempotency_key, "initiateReturn", &self)?,
            order_id: id("orderId", &self.order_id)?,
            request: Request::InitiateReturn { lines, reason: self.reason },
            expected_version: None,
        })
    }
}

impl ReceiveReturnInput {
    pub(in crate::graphql) fn into_command(self, caller: &Caller) -> Result<Command, Refusal> {
        let lines = self.items.as_deref().map(lines).transpose()?;
        Ok(Command {
            caller: caller.clone(),
            key: key(&self.idempotency_key, "receiveReturn", &self)?,
            order_id: id("orderId", &self.order_id)?,
            request: Request::ReceiveReturn { lines, notes: self.notes },
            expected_version: None,
        })
    }
}
