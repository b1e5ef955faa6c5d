//! What is agreed with the supplier who ships an item (dropship): deadlines, the answer, and whether it is late.
//!
//! How it comes about is told in `order/dropship.rs` and `order/ship.rs`.

use chrono::{DateTime, Utc};

use crate::{
    item::Item,
    refusal::Refusal,
    shipment::{Origin, OriginKind, Rank, Shipment},
    status::OrderStatus,
    string_enum::string_enum,
};

/// What is agreed with the supplier of an item. Empty where no supplier ships it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SupplierCommitment {
    /// Until when the supplier has to act.
    pub deadlines: Deadlines,
    /// What the supplier said. Nothing: no answer yet.
    pub answer: Option<SupplierAnswer>,
}

/// Until when a supplier has to answer and to ship. Silence past it is overdue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deadlines {
    /// Until when the item has to be accepted.
    pub accept_by: Option<DateTime<Utc>>,
    /// Until when a carrier has to have every unit.
    pub ship_by: Option<DateTime<Utc>>,
}

/// What a supplier said to an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SupplierAnswer {
    /// It will ship it.
    Accepted {
        /// When it said so, or registered the first shipment.
        at: DateTime<Utc>,
    },
    /// It will not: the item has to be reassigned.
    Declined {
        /// When it said so.
        at: DateTime<Utc>,
        /// Why.
        reason: String,
    },
}

string_enum! {
    /// What a supplier is late with.
    pub enum Overdue ("overdue") {
        /// With the answer.
        AcceptBy => "accept_by",
        /// With the shipment.
        ShipBy => "ship_by",
    }
}

impl SupplierCommitment {
    /// A supplier who has been asked, and has not answered.
    pub(crate) fn unanswered(deadlines: Deadlines) -> Self {
        Self { deadlines, answer: None }
    }

    /// When the supplier accepted the item, if it did.
    pub fn accepted_at(&self) -> Option<DateTime<Utc>> {
        match self.answer {
            Some(SupplierAnswer::Accepted { at }) => Some(at),
            Some(SupplierAnswer::Declined { .. }) | None => None,
        }
    }

    /// When and why the supplier declined the item, if it did.
    pub fn declined(&self) -> Option<(DateTime<Utc>, &str)> {
        match &self.answer {
            Some(SupplierAnswer::Declined { at, reason }) => Some((*at, reason)),
            Some(SupplierAnswer::Accepted { .. }) | None => None,
        }
    }
}

impl Deadlines {
    /// Refuses deadlines where no supplier ships, and those in a wrong order. `prefix` leads to the input's fields.
    pub(crate) fn check(&self, origin: Option<&Origin>, prefix: &str) -> Result<(), Refusal> {
        if origin.is_none_or(|origin| origin.kind != OriginKind::Supplier) {
            return self.refuse(prefix, "only an item that a supplier ships has such a deadline", |_| true);
        }
        match (self.accept_by, self.ship_by) {
            (Some(accept_by), Some(ship_by)) if ship_by < accept_by => {
                let message = "this is before `acceptBy`: an item is accepted first, then shipped";
                Err(Refusal::invalid(format!("{prefix}shipBy"), message))
            }
            _ => Ok(()),
        }
    }

    /// Refuses deadlines that nobody can keep. For new ones only: those that were agreed pass by themselves.
    pub(crate) fn check_ahead(&self, prefix: &str, now: DateTime<Utc>) -> Result<(), Refusal> {
        self.refuse(prefix, "that time has passed: nobody can keep it", |deadline| deadline < now)
    }

    fn refuse(
        &self,
        prefix: &str,
        message: &str,
        is_wrong: impl Fn(DateTime<Utc>) -> bool,
    ) -> Result<(), Refusal> {
        for (field, deadline) in [("acceptBy", self.accept_by), ("shipBy", self.ship_by)] {
            if deadline.is_some_and(&is_wrong) {
                return Err(Refusal::invalid(format!("{prefix}{field}"), message));
            }
        }
        Ok(())
    }
}

impl Item {
    /// What its supplier is late with by our clock. Nothing for a closed order, or when no unit is wanted.
    pub fn overdue(
        &self,
        shipments: &[Shipment],
        status: OrderStatus,
        now: DateTime<Utc>,
    ) -> Option<Overdue> {
        if !status.is_open() || self.wanted() == 0 {
            return None;
        }
        let Deadlines { accept_by, ship_by } = self.commitment.deadlines;
        let passed = |deadline: Option<DateTime<Utc>>| deadline.is_some_and(|deadline| deadline < now);
        let shipped = self.units_at(Rank::Shipped, status, shipments);
        // What others ship in the supplier's place is no answer for the rest.
        if shipped >= self.wanted() {
            return None;
        }
        if passed(accept_by) && self.commitment.answer.is_none() {
            return Some(Overdue::AcceptBy);
        }
        passed(ship_by).then_some(Overdue::ShipBy)
    }
}
