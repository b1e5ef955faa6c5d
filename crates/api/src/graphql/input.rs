//! The input types of mutations, and their conversion into commands of `app`.
//!
//! A value that cannot be read (an id, a time or a number) is refused here as an `InvalidInput` with the place of
//! the value. The domain decides whether a readable value is allowed.
//!
//! `parse_key` is `None` if the client sent no idempotency key.

mod closing;
mod dropship;
mod lenient_scalars;
mod returns;
mod shipment;
mod tracking_number;

use app::{Caller, IdempotencyKey, orders::Command};
use async_graphql::{ID, InputObject};
use chrono::{DateTime, SubsecRound, Utc};
use domain::{
    DeadlineField, Deadlines, InputField, ItemField, ItemId, ItemQuantity, Money, NewItem, NewOrder, OrderId,
    Refusal, Request, UserId,
};
use serde::Serialize;
use uuid::Uuid;

pub use closing::{CancelOrderInput, CloseOrderInput, ReopenOrderInput};
pub use dropship::{ReassignItemsInput, SupplierItemsInput};
pub use lenient_scalars::{Lenient, Time};
pub use returns::{InitiateReturnInput, ReceiveReturnInput, WriteOffReturnInput};
pub use shipment::{
    CancelShipmentInput, CreateShipmentInput, RecordScanInput, RetractScanInput, SetDeliveryEstimateInput,
};
pub use tracking_number::{AddTrackingNumberInput, ReplaceTrackingNumberInput};

use super::enums::{FulfillmentPath, OrderStatus, OriginKind};
use lenient_scalars::NO_NUMBER;

/// A new order. It is placed with all its items, or not at all.
#[derive(InputObject, Serialize)]
pub struct PlaceOrderInput {
    /// The id of the customer: the `sub` claim of their token. A customer can leave it out to place an own order.
    user_id: Option<ID>,
    /// The e-mail address for notifications: a single ASCII address. Support and systems must send it, or
    /// `customerEmails`. A customer
    /// leaves it out or sends the `email` claim of their token. A customer whose token has no such claim leaves it out
    /// and receives no mails.
    customer_email: Option<String>,
    /// Several e-mail addresses for notifications, from 1 to 10, instead of `customerEmail`. Each of them gets a mail of
    /// its own. A customer can send only the `email` claim of their token.
    // Not serialized when it is `None`, as in `RecordScanInput`. The same holds for `notify`.
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_emails: Option<Vec<String>>,
    /// If false, no notification of the order is ever sent: all are suppressed as `MUTED`. For orders that are imported
    /// from another system, for example. The default is true.
    #[serde(skip_serializing_if = "Option::is_none")]
    notify: Option<bool>,
    /// The merchant's own number of the order. It must be unique. For support and systems.
    reference: Option<String>,
    /// The ISO 4217 code of the currency, in upper case. The default is `USD`.
    currency: Option<String>,
    /// What the order costs, in minor units of the currency (ISO 4217). For example, 4205 is 42.05 USD, 4205 JPY or
    /// 4.205 KWD.
    total_cents: Lenient<i32>,
    /// How the merchant plans to fulfil the order. By default it follows from the origins of the items.
    fulfillment_path: Option<FulfillmentPath>,
    /// The items of the order, at least one.
    items: Vec<OrderItemInput>,
    /// When the order was placed, if it was placed in another system before. For support and systems.
    placed_at: Option<Time>,
    /// Notes for the first event of the order.
    notes: Option<String>,
    /// Data to attach to the first event of the order.
    metadata: Option<serde_json::Value>,
    /// The id of the order of the same customer that this order replaces. For support and systems.
    replaces: Option<ID>,
    /// A repeated request with the same key and the same input changes nothing and gets the first answer again.
    #[serde(skip)]
    idempotency_key: Option<String>,
}

/// An item of an order to place.
#[derive(InputObject, Serialize)]
pub struct OrderItemInput {
    /// The merchant's stock keeping unit.
    sku: String,
    /// The name of the product, for customers.
    name: String,
    /// The number of units, at least one.
    quantity: Lenient<i32>,
    /// The place from which the item is planned to be shipped. Only support and systems may name a supplier.
    origin: Option<OriginInput>,
    /// The time until which the supplier must accept the item. It must not be before `placedAt` or, without `placedAt`,
    /// in the past. Only with a supplier as `origin`. For support and systems.
    accept_by: Option<Time>,
    /// The time until which a carrier must have every unit of the item. It must not be before `acceptBy`, nor before
    /// `placedAt` or, without `placedAt`, in the past. Only with a supplier as `origin`. For support and systems.
    ship_by: Option<Time>,
}

/// The place from which units are sent.
#[derive(InputObject, Serialize)]
pub struct OriginInput {
    /// Whether it is a warehouse or a supplier.
    kind: OriginKind,
    /// The merchant's code of the warehouse or supplier.
    code: String,
}

/// A change of an order's status.
#[derive(InputObject, Serialize)]
pub struct TransitionOrderInput {
    /// The id of the order.
    order_id: ID,
    /// The status that the order should get.
    to: OrderStatus,
    /// Notes for the event. Suppliers do not see them; customers see their own, and those of a cancellation.
    notes: Option<String>,
    /// Data to attach to the event.
    metadata: Option<serde_json::Value>,
    /// The version of the order that you have read. If the order has another version now, the answer is a
    /// `VersionConflict`.
    expected_version: Option<Lenient<i32>>,
    /// A repeated request with the same key and the same input changes nothing and gets the first answer again.
    #[serde(skip)]
    idempotency_key: Option<String>,
    /// If true, nothing is changed and the answer says whether the change is possible. The order in the answer is then
    /// the present one, and `event` is null.
    #[serde(skip)]
    dry_run: Option<bool>,
}

/// Units to cancel because they cannot be shipped.
#[derive(InputObject, Serialize)]
pub struct CancelItemsInput {
    /// The id of the order.
    order_id: ID,
    /// The items and the quantities to cancel.
    items: Vec<QuantityInput>,
    /// Why the units cannot be shipped. It becomes `OrderItem.cancelReason`.
    reason: String,
    /// The version of the order that you have read. If the order has another version now, the answer is a
    /// `VersionConflict`.
    expected_version: Option<Lenient<i32>>,
    /// A repeated request with the same key and the same input changes nothing and gets the first answer again.
    #[serde(skip)]
    idempotency_key: Option<String>,
}

/// A number of units of an item.
#[derive(InputObject, Serialize)]
pub struct QuantityInput {
    /// The id of the item.
    item_id: ID,
    /// The number of units, at least one.
    quantity: Lenient<i32>,
}

impl PlaceOrderInput {
    pub(super) fn into_command(self, caller: &Caller) -> Result<(NewOrder, Option<IdempotencyKey>), Refusal> {
        let key = parse_key(&self.idempotency_key, "placeOrder", &self)?;
        if self.customer_email.is_none() && self.customer_emails.is_none() && caller.actor.is_staff() {
            return Err(Refusal::invalid(
                InputField::CustomerEmail,
                "an address for notifications is needed",
            ));
        }
        let user_id: Option<UserId> =
            self.user_id.as_ref().map(|user| parse_id(InputField::UserId, user)).transpose()?;
        let items = self.items.into_iter().enumerate();
        let new = NewOrder {
            id: OrderId(Uuid::now_v7()),
            user_id,
            customer_email: self.customer_email,
            customer_emails: self.customer_emails,
            notify: self.notify.unwrap_or(true),
            reference: self.reference,
            total: Money {
                cents: parse_number(InputField::TotalCents, &self.total_cents)?,
                currency: self.currency.unwrap_or_else(|| "USD".to_owned()),
            },
            fulfillment_path: self.fulfillment_path.map(Into::into),
            items: items.map(OrderItemInput::into_new_item).collect::<Result<_, _>>()?,
            placed_at: parse_optional_time(InputField::PlacedAt, self.placed_at)?,
            notes: self.notes,
            metadata: self.metadata,
            replaces: self
                .replaces
                .as_ref()
                .map(|order| parse_id(InputField::Replaces, order))
                .transpose()?,
        };
        Ok((new, key))
    }
}

impl OrderItemInput {
    fn into_new_item((at, item): (usize, Self)) -> Result<NewItem, Refusal> {
        let deadline = |field| InputField::Item(at, ItemField::Deadline(field));
        Ok(NewItem {
            id: ItemId(Uuid::now_v7()),
            sku: item.sku,
            name: item.name,
            quantity: parse_number(InputField::Item(at, ItemField::Quantity), &item.quantity)?,
            origin: item.origin.map(OriginInput::into_origin),
            deadlines: parse_deadlines(deadline, item.accept_by, item.ship_by)?,
        })
    }
}

impl TransitionOrderInput {
    pub(super) fn is_dry_run(&self) -> bool {
        self.dry_run.unwrap_or_default()
    }

    pub(super) fn into_command(self, caller: &Caller) -> Result<Command, Refusal> {
        let key = parse_key(&self.idempotency_key, "transitionOrder", &self)?;
        let request = Request::Transition { to: self.to.into(), notes: self.notes, metadata: self.metadata };
        build_command(caller, key, &self.order_id, self.expected_version, request)
    }
}

impl CancelItemsInput {
    pub(super) fn into_command(self, caller: &Caller) -> Result<Command, Refusal> {
        let key = parse_key(&self.idempotency_key, "cancelItems", &self)?;
        let request = Request::CancelItems { lines: parse_quantities(&self.items)?, reason: self.reason };
        build_command(caller, key, &self.order_id, self.expected_version, request)
    }
}

impl OriginInput {
    fn into_origin(self) -> domain::Origin {
        domain::Origin { kind: self.kind.into(), code: self.code }
    }
}

pub(super) fn parse_key(
    key: &Option<String>,
    operation: &str,
    input: &impl Serialize,
) -> Result<Option<IdempotencyKey>, Refusal> {
    key.clone().map(|key| IdempotencyKey::new(key, operation, input)).transpose()
}

fn parse_quantities(items: &[QuantityInput]) -> Result<Vec<ItemQuantity>, Refusal> {
    let line = |(at, item): (usize, &QuantityInput)| {
        let field = InputField::Item(at, ItemField::Quantity);
        let quantity =
            u32::try_from(parse_number(field, &item.quantity)?).ok().filter(|quantity| *quantity > 0);
        Ok(ItemQuantity {
            item_id: parse_id(InputField::Item(at, ItemField::Id), &item.item_id)?,
            quantity: quantity.ok_or_else(|| Refusal::invalid(field, "at least 1 is needed"))?,
        })
    };
    items.iter().enumerate().map(line).collect()
}

/// Reads the deadlines of a supplier. `field` is the place of each deadline in the input.
fn parse_deadlines(
    field: impl Fn(DeadlineField) -> InputField,
    accept_by: Option<Time>,
    ship_by: Option<Time>,
) -> Result<Deadlines, Refusal> {
    Ok(Deadlines {
        accept_by: parse_optional_time(field(DeadlineField::AcceptBy), accept_by)?,
        ship_by: parse_optional_time(field(DeadlineField::ShipBy), ship_by)?,
    })
}

pub(super) fn parse_id<T: std::str::FromStr>(field: InputField, id: &str) -> Result<T, Refusal> {
    id.parse().map_err(|_| Refusal::invalid(field, "that is no id of ours"))
}

/// Reads a time and cuts it to microseconds, because both databases store no more.
fn parse_optional_time(field: InputField, at: Option<Time>) -> Result<Option<DateTime<Utc>>, Refusal> {
    at.map(|at| parse_time(field, &at)).transpose()
}

fn parse_time(field: InputField, at: &Time) -> Result<DateTime<Utc>, Refusal> {
    let at = at.parse_plausible_time().map_err(|needed| Refusal::invalid(field, needed))?;
    Ok(at.trunc_subsecs(6))
}

fn parse_number(field: InputField, number: &Lenient<i32>) -> Result<i32, Refusal> {
    number.get().ok_or_else(|| Refusal::invalid(field, NO_NUMBER))
}

/// Makes the command of a mutation that changes one order.
fn build_command(
    caller: &Caller,
    key: Option<IdempotencyKey>,
    order_id: &str,
    expected_version: Option<Lenient<i32>>,
    request: Request,
) -> Result<Command, Refusal> {
    let version = expected_version.map(|version| parse_number(InputField::ExpectedVersion, &version));
    let (caller, order_id) = (caller.clone(), parse_id(InputField::OrderId, order_id)?);
    Ok(Command { caller, key, order_id, request, expected_version: version.transpose()? })
}
