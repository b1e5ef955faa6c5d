//! Access control: which orders a caller may see.
//!
//! `access/redact.rs` decides which parts of an order a caller may see. All reads of `reads` and all answers of
//! `orders` go through both. So a new field of the API cannot show a record that the caller may not see.
//!
//! - `api` makes a [`Caller`] of the token of each request. `milepost replay` and changes that Milepost makes itself
//!   use `Caller::system`.
//! - `scope` is the one place that turns a role into orders. A carrier sees none, and neither does a customer or a
//!   supplier whose token names nobody.
//! - The functions that begin with `must_` refuse with [`Refusal::Forbidden`]. `must_be_staff` guards webhooks, replays
//!   and resends; `must_have_orders` guards commands.
//! - `orders` and `notifications::resend` store idempotency keys under `key_scope`.

mod redact;

use domain::{Actor, ActorKind, Item, OrderHead, Refusal, UserId};

pub(crate) use redact::OwnParts;
pub use redact::{RedactedClosed, VisibleShipments};

use crate::error::Result;

/// The user or system that sends a request.
#[derive(Clone, Debug)]
pub struct Caller {
    pub actor: Actor,
    /// The id of the HTTP request. It is stored with everything that the request causes.
    pub request_id: Option<String>,
    /// The email address in the caller's token, exactly as the identity provider wrote it.
    pub email: Option<String>,
}

/// The orders that a caller may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope<'a> {
    All,
    /// The orders of this customer.
    Own(UserId),
    /// The orders with an item that the supplier with this code sends.
    Supplies(&'a str),
    None,
}

impl Caller {
    /// The caller for changes that Milepost makes itself.
    pub fn system() -> Self {
        Self { actor: Actor::SYSTEM, request_id: None, email: None }
    }

    pub(crate) fn scope(&self) -> Scope<'_> {
        let id = self.actor.id.as_deref();
        match self.actor.kind {
            ActorKind::System | ActorKind::Support => Scope::All,
            ActorKind::Customer => self.actor.customer().map_or(Scope::None, Scope::Own),
            ActorKind::Supplier => id.map_or(Scope::None, Scope::Supplies),
            ActorKind::Carrier => Scope::None,
        }
    }

    /// Whether this caller may see the order at all. To other callers the order does not exist. `persistence::read` has
    /// the same rule in SQL, for lists.
    pub(crate) fn may_see(&self, order: &OrderHead, items: &[Item]) -> bool {
        match self.scope() {
            Scope::All => true,
            Scope::Own(own) => own == order.user_id,
            Scope::Supplies(_) => items.iter().any(|item| item.is_supplied_by(&self.actor)),
            Scope::None => false,
        }
    }

    /// Refuses all callers except support and systems.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`].
    pub fn must_be_staff(&self) -> Result<()> {
        if self.actor.is_staff() {
            return Ok(());
        }
        Err(Refusal::Forbidden(format!("the role {} may not do this", self.actor.kind)).into())
    }

    /// Refuses callers that can never see an order.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`].
    pub(crate) fn must_have_orders(&self) -> Result<()> {
        match self.scope() {
            Scope::All | Scope::Own(_) | Scope::Supplies(_) => Ok(()),
            Scope::None => {
                Err(Refusal::Forbidden(format!("the role {} may not do this", self.actor.kind)).into())
            }
        }
    }

    /// The namespace of the caller's idempotency keys: two callers can use the same key without conflict.
    pub(crate) fn key_scope(&self) -> String {
        match &self.actor.id {
            Some(id) => format!("{}/{id}", self.actor.kind),
            None => self.actor.kind.to_string(),
        }
    }
}
