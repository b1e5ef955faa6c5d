//! Who may see what.
//!
//! Here: which orders. `access/shown.rs` says what of an order. Every read of `reads` and every answer of `orders`
//! goes through both, so that whoever adds a field to the API shows only rows that were let through.

mod redact;

use domain::{Actor, ActorKind, Item, OrderHead, Refusal, UserId};

pub use redact::VisibleShipments;

use crate::error::Result;

/// Who asks, and with which HTTP request.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who.
    pub actor: Actor,
    /// The request, to be found on what it causes.
    pub request_id: Option<String>,
    /// The address in the caller's token, as the identity provider wrote it.
    pub email: Option<String>,
}

/// Which orders somebody may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope<'a> {
    All,
    /// Those of this customer.
    Own(UserId),
    /// Those with an item that the supplier with this code sends.
    Supplies(&'a str),
    None,
}

impl Caller {
    /// Milepost itself.
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

    /// Whether this caller may see the order at all. To others it does not exist. `persistence::read` says the
    /// same in SQL, for lists.
    pub(crate) fn may_see(&self, order: &OrderHead, items: &[Item]) -> bool {
        match self.scope() {
            Scope::All => true,
            Scope::Own(own) => own == order.user_id,
            Scope::Supplies(_) => items.iter().any(|item| item.is_supplied_by(&self.actor)),
            Scope::None => false,
        }
    }

    /// Refuses everybody but support and systems.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`].
    pub fn must_be_staff(&self) -> Result<()> {
        if self.actor.is_staff() {
            return Ok(());
        }
        Err(Refusal::Forbidden(format!("the role {} may not do this", self.actor.kind)).into())
    }

    /// Refuses the roles that have no orders at all.
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

    /// Whose idempotency keys these are.
    pub(crate) fn key_scope(&self) -> String {
        match &self.actor.id {
            Some(id) => format!("{}/{id}", self.actor.kind),
            None => self.actor.kind.to_string(),
        }
    }
}
