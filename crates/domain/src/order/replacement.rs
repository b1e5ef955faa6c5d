//! Replacements: an order that the merchant places because another one failed, linked to it. `app::orders::replacement`
//! checks the old order and applies the request to it.
//!
//! 1. Only staff link orders, and both orders belong to one customer.
//! 2. An order can have several replacements. The link changes neither order otherwise: who places a replacement
//!    closes, cancels or takes back the old order with the usual requests.

use serde_json::json;

use crate::{
    activity::ActivityKind,
    ids::OrderId,
    input_field::InputField,
    order::{Order, OrderHead, Outcome, activities::ActivityDetail},
    refusal::Refusal,
    transition::Context,
};

/// A new order that replaces another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// The id of the new order.
    pub id: OrderId,
    /// The merchant's own number of the new order.
    pub reference: Option<String>,
}

impl Order {
    /// Records on this order that a new order replaces it. `app` calls it when it places the new order.
    pub(super) fn record_replacement(&mut self, new: Replacement, context: &Context) -> Outcome {
        let mut facts = json!({ "replaced_by": new.id.to_string() });
        if let Some(reference) = new.reference {
            facts["reference"] = reference.into();
        }
        let detail = ActivityDetail { facts, ..ActivityDetail::default() };
        self.record_activity(ActivityKind::OrderReplaced, detail, context);
        self.changes.replaced = true;
        Outcome { changed: true, ..Outcome::default() }
    }
}

/// Refuses a replacement of an order that does not exist or belongs to another customer.
///
/// # Errors
/// [`Refusal::InvalidInput`] for `replaces`.
pub fn check_replaced_order(new: &OrderHead, replaced: Option<&OrderHead>) -> Result<(), Refusal> {
    let refuse = |message: &str| Err(Refusal::invalid(InputField::Replaces, message));
    match replaced {
        None => refuse("there is no order with that id"),
        Some(replaced) if replaced.user_id != new.user_id => {
            refuse("that order belongs to another customer: an order replaces one of the same customer")
        }
        Some(_) => Ok(()),
    }
}
