//! The inputs of the mutations `closeOrder` and `reopenOrder`.

use app::{Caller, orders::Command};
use async_graphql::{ID, InputObject};
use domain::{InputField, Refusal, Request};
use serde::Serialize;

use super::{id, lenient_scalars::Lenient, parse_key, parse_version};

/// An order to close.
#[derive(InputObject, Serialize)]
pub struct CloseOrderInput {
    /// The id of the order.
    order_id: ID,
    /// The reason. Customers and suppliers do not see it.
    reason: String,
    /// The version of the order that you have read. If the order has another version now, the answer is a
    /// `VersionConflict`.
    expected_version: Option<Lenient<i32>>,
    /// A repeated request with the same key and the same input changes nothing and gets the first answer again.
    #[serde(skip)]
    idempotency_key: Option<String>,
}

/// A closed order to reopen.
#[derive(InputObject, Serialize)]
pub struct ReopenOrderInput {
    /// The id of the order.
    order_id: ID,
    /// The reason. Customers and suppliers do not see it.
    reason: String,
    /// The version of the order that you have read. If the order has another version now, the answer is a
    /// `VersionConflict`.
    expected_version: Option<Lenient<i32>>,
    /// A repeated request with the same key and the same input changes nothing and gets the first answer again.
    #[serde(skip)]
    idempotency_key: Option<String>,
}

impl CloseOrderInput {
    pub(in crate::graphql) fn into_command(self, caller: &Caller) -> Result<Command, Refusal> {
        Ok(Command {
            caller: caller.clone(),
            key: parse_key(&self.idempotency_key, "closeOrder", &self)?,
            order_id: id(InputField::OrderId, &self.order_id)?,
            request: Request::Close { reason: self.reason },
            expected_version: parse_version(self.expected_version)?,
        })
    }
}

impl ReopenOrderInput {
    pub(in crate::graphql) fn into_command(self, caller: &Caller) -> Result<Command, Refusal> {
        Ok(Command {
            caller: caller.clone(),
            key: parse_key(&self.idempotency_key, "reopenOrder", &self)?,
            order_id: id(InputField::OrderId, &self.order_id)?,
            request: Request::Reopen { reason: self.reason },
            expected_version: parse_version(self.expected_version)?,
        })
    }
}
