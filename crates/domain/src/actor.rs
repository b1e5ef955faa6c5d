//! Who asks, and what they may ask for.
//!
//! This governs requests. The steps of an advance carry whoever caused it.

use crate::{ids::UserId, refusal::Refusal, status::OrderStatus, string_enum::string_enum};

string_enum! {
    /// The kinds of party that act on an order.
    pub enum ActorKind ("actor") {
        /// Milepost itself, or another system of the merchant.
        System => "system",
        /// A carrier, through scans only.
        Carrier => "carrier",
        /// The customer whose order it is.
        Customer => "customer",
        /// A person of the merchant's support.
        Support => "support",
        /// A supplier who ships its own items (dropship).
        Supplier => "supplier",
    }
}

/// Who did it, as recorded on every event.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Actor {
    /// What kind of party.
    pub kind: ActorKind,
    /// Which one: a user id, a supplier's code, a carrier's name.
    pub id: Option<String>,
}

impl Actor {
    /// Milepost itself.
    pub const SYSTEM: Self = Self { kind: ActorKind::System, id: None };

    /// A party of this kind with this id.
    pub fn new(kind: ActorKind, id: impl Into<String>) -> Self {
        Self { kind, id: Some(id.into()) }
    }

    /// Which customer this is. Nobody, where it is another kind of party or its id is no user's.
    pub fn customer(&self) -> Option<UserId> {
        let id = self.id.as_deref().filter(|_| self.kind == ActorKind::Customer)?;
        id.parse().ok()
    }

    /// Whether the role may ask for this transition, the table permitting.
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

    /// Whether the role runs the shop: may ship, cancel items, place for others.
    pub fn is_staff(&self) -> bool {
        match self.kind {
            ActorKind::System | ActorKind::Support => true,
            ActorKind::Carrier | ActorKind::Customer | ActorKind::Supplier => false,
        }
    }

    /// Refuses whoever does not run the shop. `to` is what only those who do may do: "cancel items".
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
