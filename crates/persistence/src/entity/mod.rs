//! The tables as sea-orm reads them. Rows are inserted through [`dialect`](crate::dialect).

pub(crate) mod idempotency_key;
pub(crate) mod mail;
pub(crate) mod notification;
pub(crate) mod order;
pub(crate) mod order_event;
pub(crate) mod order_item;
pub(crate) mod scan;
pub(crate) mod shipment;
pub(crate) mod shipment_item;
pub(crate) mod status;
pub(crate) mod webhook;
pub(crate) mod webhook_wait;
