//! Actors: who causes a change, and what each kind of actor may ask for.
//!
//! The rules hold for requests. The events of an advance carry the actor that caused the advance. The functions of
//! `order/` ask here before they change anything. Whether an actor may see an order is decided in `app::access`.
//!
//! Tokens become actors in `api::auth::claims`. `Actor::new` is for an actor that has an id: in the server only
//! `ingest::routed_scans` calls it, for the carrier of a scan.

use crate::{ids::UserId, refusal::Refusal, status::OrderStatus, string_enum::string_enum};

string_enum! {
    /// The kinds of actor.
    pub enum ActorKind ("actor") {
        /// Milepost itself, or another system of the merchant.
        System => "system",
        /// A carrier. Its scans are the only way in which it changes an order.
        Carrier => "carrier",
        /// The customer to whom the order belongs.
        Customer => "customer",
        /// A person in the merchant's support.
        Support => "support",
        /// A supplier that ships its own items (dropship).
        Supplier => "supplier",
    }
}

/// Who caused a change. Every event records its actor.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Actor {
    /// The kind of actor.
    pub kind: ActorKind,
    /// Which one of this kind: a user id, a supplier's code, a carrier's name.
    pub id: Option<String>,
}

impl Actor {
    /// Milepost itself, without an id.
    pub const SYSTEM: Self = Self { kind: ActorKind::System, id: None };

    /// An actor of this kind with this id.
    pub fn new(kind: ActorKind, id: impl Into<String>) -> Self {
        Self { kind, id: Some(id.into()) }
    }

    /// The customer that this actor is. `None` if it is another kind of actor, or if its id is not a user id.
    pub fn customer(&self) -> Option<UserId> {
        let id = self.id.as_deref().filter(|_| self.kind == ActorKind::Customer)?;
        id.parse().ok()
    }

    /// Whether the role may ask for this transition, if the table permits it.
    pub fn may_ask_for(&self, from: OrderStatus, to: OrderStatus) -> bool {
        match self.kind {
            ActorKind::System | ActorKind::Support => true,
            ActorKind::Customer => match to {
                OrderStatus::Cancelled => matches!(from, OrderStatus::Placed | OrderStatus::PaymentConfirmed),
                OrderStatus::ReturnInitiated => from == OrderStatus::Delivered,
                OrderStatus::Placed
                | OrderStatus::PaymentConfirmed
                | OrderStatus::Processing
                | OrderStatus::AwaitingPickup
                | OrderStatus::Shipped
                | OrderStatus::OutForDelivery
                | OrderStatus::Delivered
                | OrderStatus::Returned => false,
            },
            ActorKind::Carrier | ActorKind::Supplier => false,
        }
    }

    /// Whether the actor is staff. Staff may ship, cancel items, and place orders for others.
    pub fn is_staff(&self) -> bool {
        match self.kind {
            ActorKind::System | ActorKind::Support => true,
            ActorKind::Carrier | ActorKind::Customer | ActorKind::Supplier => false,
        }
    }

    /// Refuses an actor that is not staff. `to` is the part of the message that names what was asked for: "cancel
    /// items".
    pub(crate) fn must_be_staff(&self, to: &str) -> Result<(), Refusal> {
        if self.is_staff() {
            return Ok(());
        }
        Err(Refusal::Forbidden(format!("only support and systems may {to}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customer_is_one_by_kind_and_by_a_readable_id() {
        let user = "018f4e9e-5d5c-7b6e-9a51-0d6f1f2c3b4a";
        assert_eq!(Actor::new(ActorKind::Customer, user).customer(), user.parse().ok());
        assert_eq!(Actor::new(ActorKind::Support, user).customer(), None);
        assert_eq!(Actor::new(ActorKind::Customer, "ada").customer(), None);
        assert_eq!(Actor { kind: ActorKind::Customer, id: None }.customer(), None);
    }
}
