//! Who may see what.

use domain::{Actor, ActorKind, OrderHead, Refusal, UserId};

use crate::error::Result;

/// Who asks, and with which HTTP request.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who.
    pub actor: Actor,
    /// The request, to be found on what it causes.
    pub request_id: Option<String>,
}

/// Which orders somebody may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    All,
    Own(UserId),
    None,
}

impl Caller {
    /// Milepost itself.
    pub fn system() -> Self {
        Self { actor: Actor::SYSTEM, request_id: None }
    }

    pub(crate) fn scope(&self) -> Scope {
        match self.actor.kind {
            ActorKind::System | ActorKind::Support => Scope::All,
            ActorKind::Customer => {
                let own = self.actor.id.as_deref().and_then(|id| id.parse().ok());
                own.map_or(Scope::None, Scope::Own)
            }
            ActorKind::Carrier | ActorKind::Supplier => Scope::None,
        }
    }

    /// Whether this caller may see the order at all. To others it does not exist.
    pub fn may_see(&self, order: &OrderHead) -> bool {
        self.may_see_orders_of(order.user_id)
    }

    /// Whether this caller may see the orders of that customer.
    pub fn may_see_orders_of(&self, user: UserId) -> bool {
        match self.scope() {
            Scope::All => true,
            Scope::Own(own) => own == user,
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
            Scope::All | Scope::Own(_) => Ok(()),
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
