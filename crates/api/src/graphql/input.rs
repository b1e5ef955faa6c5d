//! What mutations are asked for, read into the words of the use cases.
//!
//! A value that cannot be read is an `InvalidInput` that names its field; whether it makes sense, the domain says.

mod dropship;
mod lenient_scalars;
mod returns;
mod shipment;

use app::{Caller, IdempotencyKey, orders::Command};
use async_graphql::{ID, InputObject};
use chrono::{DateTime, SubsecRound, Utc};
use domain::{
    Deadlines, ItemId, Line, Money, NewItem, NewOrder, OrderId, Refusal, Request, UserId,
    check_cancellation_reason,
};
use serde::Serialize;
use uuid::Uuid;

pub use dropship::{ReassignItemsInput, SupplierItemsInput};
pub use lenient_scalars::Time;
pub use returns::{InitiateReturnInput, ReceiveReturnInput};
pub use shipment::{CancelShipmentInput, CreateShipmentInput, RecordScanInput};

use super::enums::{FulfillmentPath, OrderStatus, OriginKind};
use lenient_scalars::{Lenient, NO_NUMBER};

/// An order to be placed.
#[derive(InputObject, Serialize)]
pub struct PlaceOrderInput {
    /// The customer: the `sub` of their token. Left out by a customer: themselves.
    user_id: Option<ID>,
    /// Where notifications go: one address that every mail server takes. Needed from support and systems. A customer
    /// leaves it out or gives the `email` of their token; without that claim, it is left out, and no mails are sent.
    customer_email: Option<String>,
    /// The merchant's own number, unique. For support and systems.
    reference: Option<String>,
    /// The ISO 4217 code, in capitals. Left out: `USD`.
    currency: Option<String>,
    /// What it costs, in minor units of the currency by ISO 4217: 4205 is 42.05 USD, 4205 JPY or 4.205 KWD.
    total_cents: Lenient<i32>,
    /// The plan. Left out: what the items' origins amount to.
    fulfillment_path: Option<FulfillmentPath>,
    /// Its lines, at least one.
    items: Vec<OrderItemInput>,
    /// When it was placed, for an order that was placed elsewhere. For support and systems.
    placed_at: Option<Time>,
    /// What to say about it on the first event.
    notes: Option<String>,
    /// What to attach to the first event.
    metadata: Option<serde_json::Value>,
    /// The same key with the same input gets the same answer, and nothing happens twice.
    #[serde(skip)]
    idempotency_key: Option<String>,
}

/// A line of an order to be placed.
#[derive(InputObject, Serialize)]
pub struct OrderItemInput {
    /// The merchant's stock keeping unit.
    sku: String,
    /// What the customer calls it.
    name: String,
    /// Units, at least one.
    quantity: Lenient<i32>,
    /// Where it is planned to come from. A supplier is named by support and systems only.
    origin: Option<OriginInput>,
    /// Until when the supplier has to accept it: now or later. Only with a supplier as `origin`. For support and systems.
    accept_by: Option<Time>,
    /// Until when a carrier has to have every unit of it: now or later, and not before `acceptBy`. Only with a supplier as
    /// `origin`. For support and systems.
    ship_by: Option<Time>,
}

/// Where units are sent from.
#[derive(InputObject, Serialize)]
pub struct OriginInput {
    /// Warehouse or supplier.
    kind: OriginKind,
    /// Which one, in the merchant's words.
    code: String,
}

/// A change of status.
#[derive(InputObject, Serialize)]
pub struct TransitionOrderInput {
    /// The order.
    order_id: ID,
    /// The status it should have.
    to: OrderStatus,
    /// What to say about it on the event.
    notes: Option<String>,
    /// What to attach to the event.
    metadata: Option<serde_json::Value>,
    /// The version you looked at. Another one by now is a `VersionConflict`.
    expected_version: Option<Lenient<i32>>,
    /// The same key with the same input gets the same answer, and nothing happens twice.
    #[serde(skip)]
    idempotency_key: Option<String>,
    /// Only say what would happen: the order in the answer is as it stands, and there is no event.
    #[serde(skip)]
    dry_run: Option<bool>,
}

/// A cancellation.
#[derive(InputObject, Serialize)]
pub struct CancelOrderInput {
    /// The order.
    order_id: ID,
    /// Why. Where support or a system cancels, the customer is told; a customer's own words are mailed to nobody.
    reason: String,
    /// The version you looked at. Another one by now is a `VersionConflict`.
    expected_version: Option<Lenient<i32>>,
    /// The same key with the same input gets the same answer, and nothing happens twice.
    #[serde(skip)]
    idempotency_key: Option<String>,
}

/// Units that cannot be shipped.
#[derive(InputObject, Serialize)]
pub struct CancelItemsInput {
    /// The order.
    order_id: ID,
    /// How many of which.
    items: Vec<QuantityInput>,
    /// Why.
    reason: String,
    /// The version you looked at. Another one by now is a `VersionConflict`.
    expected_version: Option<Lenient<i32>>,
    /// The same key with the same input gets the same answer, and nothing happens twice.
    #[serde(skip)]
    idempotency_key: Option<String>,
}

/// Units of an item.
#[derive(InputObject, Serialize)]
pub struct QuantityInput {
    /// The item.
    item_id: ID,
    /// How many, at least one.
    quantity: Lenient<i32>,
}

impl PlaceOrderInput {
    pub(super) fn into_command(self, caller: &Caller) -> Result<(NewOrder, Option<IdempotencyKey>), Refusal> {
        let key = key(&self.idempotency_key, "placeOrder", &self)?;
        if self.customer_email.is_none() && caller.actor.is_staff() {
            return Err(invalid("customerEmail", "an address for notifications is needed"));
        }
        let user_id: Option<UserId> = self.user_id.as_ref().map(|user| id("userId", user)).transpose()?;
        let new = NewOrder {
            id: OrderId(Uuid::now_v7()),
            user_id,
            customer_email: self.customer_email,
            reference: self.reference,
            total: Money {
                cents: number("totalCents", &self.total_cents)?,
                currency: self.currency.unwrap_or_else(|| "USD".to_owned()),
            },
            fulfillment_path: self.fulfillment_path.map(Into::into),
            items: self.items.into_iter().enumerate().map(OrderItemInput::read).collect::<Result<_, _>>()?,
            placed_at: time("placedAt", self.placed_at)?,
            notes: self.notes,
            metadata: self.metadata,
        };
        Ok((new, key))
    }
}

impl OrderItemInput {
    fn read((at, item): (usize, Self)) -> Result<NewItem, Refusal> {
        Ok(NewItem {
            id: ItemId(Uuid::now_v7()),
            sku: item.sku,
            name: item.name,
            quantity: number(&format!("items[{at}].quantity"), &item.quantity)?,
            origin: item.origin.map(OriginInput::read),
            deadlines: deadlines(&format!("items[{at}]."), item.accept_by, item.ship_by)?,
        })
    }
}

impl TransitionOrderInput {
    pub(super) fn is_dry_run(&self) -> bool {
        self.dry_run.unwrap_or_default()
    }

    pub(super) fn into_command(self, caller: &Caller) -> Result<Command, Refusal> {
        Ok(Command {
            caller: caller.clone(),
            key: key(&self.idempotency_key, "transitionOrder", &self)?,
            order_id: id("orderId", &self.order_id)?,
            request: Request::Transition { to: self.to.into(), notes: self.notes, metadata: self.metadata },
            expected_version: version(self.expected_version)?,
        })
    }
}

impl CancelOrderInput {
    pub(super) fn into_command(self, caller: &Caller) -> Result<Command, Refusal> {
        let key = key(&self.idempotency_key, "cancelOrder", &self)?;
        check_cancellation_reason(&self.reason)?;
        let to = domain::OrderStatus::Cancelled;
        Ok(Command {
            caller: caller.clone(),
            key,
            order_id: id("orderId", &self.order_id)?,
            request: Request::Transition { to, notes: Some(self.reason), metadata: None },
            expected_version: version(self.expected_version)?,
        })
    }
}

impl CancelItemsInput {
    pub(super) fn into_command(self, caller: &Caller) -> Result<Command, Refusal> {
        Ok(Command {
            caller: caller.clone(),
            key: key(&self.idempotency_key, "cancelItems", &self)?,
            order_id: id("orderId", &self.order_id)?,
            request: Request::CancelItems { lines: lines(&self.items)?, reason: self.reason },
            expected_version: version(self.expected_version)?,
        })
    }
}

impl OriginInput {
    fn read(self) -> domain::Origin {
        domain::Origin { kind: self.kind.into(), code: self.code }
    }
}

fn key(
    key: &Option<String>,
    operation: &str,
    input: &impl Serialize,
) -> Result<Option<IdempotencyKey>, Refusal> {
    key.clone().map(|key| IdempotencyKey::new(key, operation, input)).transpose()
}

fn lines(items: &[QuantityInput]) -> Result<Vec<Line>, Refusal> {
    let line = |(at, item): (usize, &QuantityInput)| {
        let field = format!("items[{at}].quantity");
        let quantity = u32::try_from(number(&field, &item.quantity)?).ok().filter(|quantity| *quantity > 0);
        Ok(Line {
            item_id: id(&format!("items[{at}].itemId"), &item.item_id)?,
            quantity: quantity.ok_or_else(|| invalid(&field, "at least 1 is needed"))?,
        })
    };
    items.iter().enumerate().map(line).collect()
}

/// Until when a supplier has to act. `prefix` leads to the fields.
fn deadlines(prefix: &str, accept_by: Option<Time>, ship_by: Option<Time>) -> Result<Deadlines, Refusal> {
    Ok(Deadlines {
        accept_by: time(&format!("{prefix}acceptBy"), accept_by)?,
        ship_by: time(&format!("{prefix}shipBy"), ship_by)?,
    })
}

fn id<T: std::str::FromStr>(field: &str, id: &str) -> Result<T, Refusal> {
    id.parse().map_err(|_| invalid(field, "that is no id of ours"))
}

/// A time in the microseconds that both databases keep.
fn time(field: &str, at: Option<Time>) -> Result<Option<DateTime<Utc>>, Refusal> {
    at.map(|at| moment(field, &at)).transpose()
}

fn moment(field: &str, at: &Time) -> Result<DateTime<Utc>, Refusal> {
    let at = at.read().map_err(|needed| invalid(field, needed))?;
    Ok(at.trunc_subsecs(6))
}

fn number(field: &str, number: &Lenient<i32>) -> Result<i32, Refusal> {
    number.get().ok_or_else(|| invalid(field, NO_NUMBER))
}

fn version(expected: Option<Lenient<i32>>) -> Result<Option<i32>, Refusal> {
    expected.map(|version| number("expectedVersion", &version)).transpose()
}

fn invalid(field: &str, message: &str) -> Refusal {
    Refusal::InvalidInput { field: field.to_owned(), message: message.to_owned() }
}
