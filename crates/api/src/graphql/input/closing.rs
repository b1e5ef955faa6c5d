//! The inputs of the mutations that end or reopen an order for a reason: `cancelOrder`, `closeOrder` and `reopenOrder`.

use app::{Caller, orders::Command};
use async_graphql::{ID, InputObject};
use domain::{Refusal, Request, check_cancellation_reason};
use serde::Serialize;

use super::{build_command, lenient_scalars::Lenient, parse_key};

/// Defines an input and its conversion. The function makes the request from the reason.
macro_rules! reason_input {
    ($(#[$about:meta])* $input:ident { $(#[$about_reason:meta])* reason }, $mutation:literal, $request:expr) => {
        $(#[$about])*
        #[derive(InputObject, Serialize)]
        pub struct $input {
            /// The id of the order.
            order_id: ID,
            $(#[$about_reason])*
            reason: String,
            /// The version of the order that you have read. If the order has another version now, the answer is a
            /// `VersionConflict`.
            expected_version: Option<Lenient<i32>>,
            /// A repeated request with the same key and the same input changes nothing and gets the first answer again.
            #[serde(skip)]
            idempotency_key: Option<String>,
        }

        impl $input {
            pub(in crate::graphql) fn into_command(self, caller: &Caller) -> Result<Command, Refusal> {
                let key = parse_key(&self.idempotency_key, $mutation, &self)?;
                let request: Result<Request, Refusal> = $request(self.reason);
                build_command(caller, key, &self.order_id, self.expected_version, request?)
            }
        }
    };
}

reason_input! {
    /// The cancellation of an order.
    CancelOrderInput {
        /// The reason. If support or a system cancels the order, the mail to the customer contains it. A reason that the
        /// customer gives is not mailed.
        reason
    },
    "cancelOrder",
    |reason: String| {
        check_cancellation_reason(&reason)?;
        let to = domain::OrderStatus::Cancelled;
        Ok(Request::Transition { to, notes: Some(reason), metadata: None })
    }
}

reason_input! {
    /// An order to close.
    CloseOrderInput {
        /// The reason. Customers and suppliers do not see it.
        reason
    },
    "closeOrder",
    |reason| Ok(Request::Close { reason })
}

reason_input! {
    /// A closed order to reopen.
    ReopenOrderInput {
        /// The reason. Customers and suppliers do not see it.
        reason
    },
    "reopenOrder",
    |reason| Ok(Request::Reopen { reason })
}
