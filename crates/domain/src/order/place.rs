//! Placing an order: checks the input, and creates the order with its first event. `app::orders` calls
//! [`Order::place`], then inserts the order. The other functions here choose the owner, and check: an input of a
//! customer may not name a supplier, a reference, a time, or an order that is replaced.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::{
    actor::{Actor, ActorKind},
    ids::{ItemId, OrderId, UserId},
    input_field::{InputField, ItemField},
    item::{FulfillmentPath, Item},
    money::{Money, decimals},
    order::{
        Changes, Order, OrderHead,
        quantities::{MAX_UNITS, build_quantity_refusal},
        recipients::read_recipients,
        text_validation::{check_notes, check_text},
    },
    refusal::Refusal,
    shipment::{Origin, OriginKind},
    status::OrderStatus,
    supplier_commitment::{Deadlines, SupplierCommitment},
    transition::{Context, Transition},
};

/// An order to place.
#[derive(Clone, Debug)]
pub struct NewOrder {
    /// The id of the new order.
    pub id: OrderId,
    /// The customer. Staff must name one; a customer can leave it out.
    pub user_id: Option<UserId>,
    /// The customer's e-mail address, for notifications.
    pub customer_email: Option<String>,
    /// Several addresses for notifications, instead of `customer_email`.
    pub customer_emails: Option<Vec<String>>,
    /// Whether the recipients are notified of the order.
    pub notify: bool,
    /// The merchant's own number for the order. Unique; only staff may give one.
    pub reference: Option<String>,
    /// The price of the whole order.
    pub total: Money,
    /// How the order is planned to be fulfilled. `None`: as the origins of the items suggest.
    pub fulfillment_path: Option<FulfillmentPath>,
    /// The items, at least one.
    pub items: Vec<NewItem>,
    /// When the order was placed, if it was placed elsewhere. Only staff may give this.
    pub placed_at: Option<DateTime<Utc>>,
    /// The notes for the first event.
    pub notes: Option<String>,
    /// The metadata for the first event.
    pub metadata: Option<Value>,
    /// The order of the same customer that the new one replaces. Only staff may give one.
    pub replaces: Option<OrderId>,
}

/// An item of an order to place.
#[derive(Clone, Debug)]
pub struct NewItem {
    /// The id of the new item.
    pub id: ItemId,
    /// The merchant's stock keeping unit.
    pub sku: String,
    /// The name of the item, as the customer knows it.
    pub name: String,
    /// The number of units, at least one.
    pub quantity: i32,
    /// The planned origin.
    pub origin: Option<Origin>,
    /// The deadlines of the supplier. Empty if the origin is not a supplier; only staff may give them.
    pub deadlines: Deadlines,
}

/// The most items in an order. A greater number is a mistake.
pub(super) const MAX_ITEMS: usize = 1_000;

impl Order {
    /// Checks the input and places the order. The first event is among the changes.
    ///
    /// # Errors
    /// [`Refusal::InvalidInput`] that names the field, or [`Refusal::Forbidden`].
    pub fn place(new: NewOrder, context: &Context) -> Result<Self, Refusal> {
        let user_id = determine_owner(&new, context)?;
        check_new_order(&new, context)?;
        let mut recipients = read_recipients(&new)?.into_iter().map(String::from);
        let placed_at = new.placed_at.unwrap_or(context.now);
        let path = new.fulfillment_path.unwrap_or_else(|| {
            FulfillmentPath::suggested_by(new.items.iter().map(|item| item.origin.as_ref()))
        });
        let items = new.items.into_iter().map(|item| Item {
            id: item.id,
            sku: item.sku,
            name: item.name,
            quantity: item.quantity.unsigned_abs(),
            cancelled: 0,
            cancel_reason: None,
            origin: item.origin,
            commitment: SupplierCommitment::unanswered(item.deadlines),
            return_requested: 0,
            return_reason: None,
            returned: 0,
            return_written_off: 0,
            split_from: None,
        });
        let head = OrderHead {
            id: new.id,
            reference: new.reference,
            user_id,
            customer_email: recipients.next(),
            other_emails: recipients.collect(),
            notifications_muted: !new.notify,
            status: OrderStatus::Placed,
            version: 1,
            total: new.total,
            fulfillment_path: path,
            closed: None,
            replaces: new.replaces,
            placed_at,
            updated_at: context.now,
            occurred_at: placed_at,
        };
        let placement = Transition {
            order_id: head.id,
            version: 1,
            from: None,
            to: OrderStatus::Placed,
            actor: context.actor.clone(),
            notes: new.notes,
            metadata: new.metadata,
            inferred: false,
            occurred_at: placed_at,
            recorded_at: context.now,
            request_id: context.request_id.clone(),
            webhook_id: context.webhook_id,
            may_notify: true,
        };
        let changes = Changes { transitions: vec![placement], ..Changes::default() };
        Ok(Self { head, items: items.collect(), shipments: vec![], changes })
    }
}

/// The customer of the new order: the caller, if that is a customer, else the one that staff name.
fn determine_owner(new: &NewOrder, context: &Context) -> Result<UserId, Refusal> {
    match context.actor.kind {
        ActorKind::System | ActorKind::Support => new
            .user_id
            .ok_or_else(|| Refusal::invalid(InputField::UserId, "whose order is it? a user id is needed")),
        ActorKind::Customer => {
            let own = context.actor.customer();
            let own = own.ok_or_else(|| Refusal::Forbidden("the token names no customer".to_owned()))?;
            match new.user_id {
                Some(user) if user != own => {
                    Err(Refusal::Forbidden("a customer places orders of their own only".to_owned()))
                }
                _ => Ok(own),
            }
        }
        ActorKind::Carrier | ActorKind::Supplier => {
            Err(Refusal::Forbidden(format!("the role {} may not place orders", context.actor.kind)))
        }
    }
}

fn check_new_order(new: &NewOrder, context: &Context) -> Result<(), Refusal> {
    check_notes(new.notes.as_deref(), new.metadata.as_ref())?;
    let invalid = |field, message: &str| Err(Refusal::invalid(field, message));
    if new.items.is_empty() {
        return invalid(InputField::Items, "an order has at least one item");
    }
    if new.items.len() > MAX_ITEMS {
        return invalid(InputField::Items, &format!("an order has at most {MAX_ITEMS} items"));
    }
    for (at, item) in new.items.iter().enumerate() {
        let field = |field| InputField::Item(at, field);
        let deadline = |deadline| field(ItemField::Deadline(deadline));
        if item.quantity < 1 || item.quantity.unsigned_abs() > MAX_UNITS {
            return Err(build_quantity_refusal(field(ItemField::Quantity)));
        }
        check_text(field(ItemField::Sku), &item.sku)?;
        check_text(field(ItemField::Name), &item.name)?;
        if let Some(origin) = &item.origin {
            check_text(field(ItemField::OriginCode), &origin.code)?;
        }
        check_supplier(item, &context.actor)?;
        item.deadlines.check_deadlines(item.origin.as_ref(), deadline)?;
        // The deadlines of an order that was placed elsewhere may have passed since, so its own time counts.
        item.deadlines.check_ahead(deadline, new.placed_at.unwrap_or(context.now))?;
    }
    if new.total.cents < 0 {
        return invalid(InputField::TotalCents, "a total is not negative");
    }
    if decimals(&new.total.currency).is_none() {
        return invalid(
            InputField::Currency,
            "a currency is a code of ISO 4217 in capitals that prices are in: USD, JPY, KWD",
        );
    }
    if let Some(reference) = &new.reference {
        check_text(InputField::Reference, reference)?;
        // A customer may not try numbers: the refusal of a number that exists would show which ones exist, and a
        // customer could take the next ones.
        context.actor.must_be_staff("give an order the merchant's reference")?;
    }
    if new.replaces.is_some() {
        context.actor.must_be_staff("say which order a new one replaces")?;
    }
    if let Some(at) = new.placed_at {
        context.actor.must_be_staff("say when an order was placed")?;
        if at > context.now {
            return invalid(InputField::PlacedAt, "an order is not placed in the future");
        }
    }
    Ok(())
}

/// Refuses a customer's order that names a supplier or deadlines. Who ships an item, and until when, is between the
/// merchant and its suppliers.
fn check_supplier(item: &NewItem, actor: &Actor) -> Result<(), Refusal> {
    if item.deadlines != Deadlines::default() {
        actor.must_be_staff("say until when a supplier has to act")?;
    }
    if item.origin.as_ref().is_some_and(|origin| origin.kind == OriginKind::Supplier) {
        actor.must_be_staff("say which supplier ships an item")?;
    }
    Ok(())
}
