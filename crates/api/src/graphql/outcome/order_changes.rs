//! The results of the mutations that change one order. Each has a success member of its own, and all can be refused for
//! the same reasons.

use app::orders::CommandOutcome;
use async_graphql::SimpleObject;

use super::{
    super::{event::OrderEvent, order::Order},
    Forbidden, IdempotencyMismatch, InvalidInput, InvalidTransition, NotFound, VersionConflict,
};

/// Defines results: for each mutation the union, its success member, and the conversion of the outcome.
macro_rules! order_change_results {
    ($(
        $(#[$about_result:meta])* $result:ident,
        $(#[$about_success:meta])* $success:ident { $(#[$about_order:meta])* order }
    )+) => {$(
        result_union! {
            $(#[$about_result])*
            $result = $success
                | InvalidTransition | VersionConflict | NotFound | Forbidden | InvalidInput | IdempotencyMismatch
        }

        $(#[$about_success])*
        #[derive(SimpleObject)]
        pub struct $success {
            $(#[$about_order])*
            order: Order,
            /// The event of the change. Null if the status did not change.
            event: Option<OrderEvent>,
            /// Whether the request changed anything.
            changed: bool,
        }

        impl From<CommandOutcome> for $result {
            fn from(CommandOutcome { order, event, changed, .. }: CommandOutcome) -> Self {
                $success { order: order.into(), event: event.map(OrderEvent), changed }.into()
            }
        }
    )+};
}

order_change_results! {
    /// The result of `transitionOrder`.
    TransitionOrderResult,
    /// The order has the requested status or a further one. After a dry run it is unchanged, and `changed` says whether
    /// the request would change it.
    TransitionOrderSuccess {
        /// The order as it is now. It may be further than requested, because it advances as far as its shipments are.
        order
    }

    /// The result of `cancelOrder`.
    CancelOrderResult,
    /// The order is cancelled.
    CancelOrderSuccess {
        /// The order as it is now.
        order
    }

    /// The result of `cancelItems`.
    CancelItemsResult,
    /// The units are cancelled.
    CancelItemsSuccess {
        /// The order as it is now. If no unit is left, it is cancelled, or closed.
        order
    }

    /// The result of `closeOrder`.
    CloseOrderResult,
    /// The order is closed.
    CloseOrderSuccess {
        /// The order as it is now. Its status is unchanged.
        order
    }

    /// The result of `reopenOrder`.
    ReopenOrderResult,
    /// The order is not closed.
    ReopenOrderSuccess {
        /// The order as it is now. It may have advanced as far as its shipments are.
        order
    }

    /// The result of `initiateReturn`.
    InitiateReturnResult,
    /// The units are to be sent back.
    InitiateReturnSuccess {
        /// The order as it is now.
        order
    }

    /// The result of `receiveReturn`.
    ReceiveReturnResult,
    /// The units of the return have arrived.
    ReceiveReturnSuccess {
        /// The order as it is now.
        order
    }

    /// The result of `writeOffReturn`.
    WriteOffReturnResult,
    /// The units are not expected any more.
    WriteOffReturnSuccess {
        /// The order as it is now. If no unit is outstanding, it is returned, or closed.
        order
    }

    /// The result of `acceptItems`.
    AcceptItemsResult,
    /// The supplier will ship the items.
    AcceptItemsSuccess {
        /// The order as it is now.
        order
    }

    /// The result of `declineItems`.
    DeclineItemsResult,
    /// The supplier will not ship the units.
    DeclineItemsSuccess {
        /// The order as it is now. Declined units of an item that the supplier ships in part are an item of their own.
        order
    }

    /// The result of `reassignItems`.
    ReassignItemsResult,
    /// The items have their new origin.
    ReassignItemsSuccess {
        /// The order as it is now.
        order
    }
}
