//! The inputs of the mutations `initiateReturn`, `receiveReturn` and `writeOffReturn`.

use app::{Caller, orders::Command};
use async_graphql::{ID, InputObject};
use domain::{Refusal, Request};
use serde::Serialize;

use super::{QuantityInput, build_command, parse_key, parse_quantities};

/// Units that the customer is to send back.
#[derive(InputObject, Serialize)]
pub struct InitiateReturnInput {
    /// The id of the order. Its status must be `DELIVERED`, `RETURN_INITIATED` or `RETURNED`.
    order_id: ID,
    /// Why the units are sent back. It becomes `OrderItem.returnReason`.
    reason: String,
    /// The items and quantities to send back. By default, all delivered units that are not asked back.
    items: Option<Vec<QuantityInput>>,
    /// A repeated request with the same key and the same input changes nothing and gets the first answer again.
    #[serde(skip)]
    idempotency_key: Option<String>,
}

/// Units of a return that have arrived.
#[derive(InputObject, Serialize)]
pub struct ReceiveReturnInput {
    /// The id of the order.
    order_id: ID,
    /// The items and quantities that have arrived, at most the delivered ones. By default, all units of the return that
    /// have not arrived yet and are not written off.
    items: Option<Vec<QuantityInput>>,
    /// Notes for the event `RETURNED`. They are stored only if these are the last units of the return.
    notes: Option<String>,
    /// A repeated request with the same key and the same input changes nothing and gets the first answer again.
    #[serde(skip)]
    idempotency_key: Option<String>,
}

/// Units of a return that will not come, or are declined.
#[derive(InputObject, Serialize)]
pub struct WriteOffReturnInput {
    /// The id of the order. Its status must be `RETURN_INITIATED` or `RETURNED`.
    order_id: ID,
    /// The reason. Customers and suppliers do not see it.
    reason: String,
    /// The items and quantities to write off. By default, all units of the return that have not arrived yet.
    items: Option<Vec<QuantityInput>>,
    /// A repeated request with the same key and the same input changes nothing and gets the first answer again.
    #[serde(skip)]
    idempotency_key: Option<String>,
}

impl InitiateReturnInput {
    pub(in crate::graphql) fn into_command(self, caller: &Caller) -> Result<Command, Refusal> {
        let lines = self.items.as_deref().map(parse_quantities).transpose()?;
        let key = parse_key(&self.idempotency_key, "initiateReturn", &self)?;
        build_command(
            caller,
            key,
            &self.order_id,
            None,
            Request::InitiateReturn { lines, reason: self.reason },
        )
    }
}

impl ReceiveReturnInput {
    pub(in crate::graphql) fn into_command(self, caller: &Caller) -> Result<Command, Refusal> {
        let lines = self.items.as_deref().map(parse_quantities).transpose()?;
        let key = parse_key(&self.idempotency_key, "receiveReturn", &self)?;
        build_command(caller, key, &self.order_id, None, Request::ReceiveReturn { lines, notes: self.notes })
    }
}

impl WriteOffReturnInput {
    pub(in crate::graphql) fn into_command(self, caller: &Caller) -> Result<Command, Refusal> {
        let lines = self.items.as_deref().map(parse_quantities).transpose()?;
        let key = parse_key(&self.idempotency_key, "writeOffReturn", &self)?;
        build_command(
            caller,
            key,
            &self.order_id,
            None,
            Request::WriteOffReturn { lines, reason: self.reason },
        )
    }
}
