//! Supplier commitments: what is agreed with the supplier that ships an item (dropship). Deadlines, the answer, and
//! whether the supplier is late.
//!
//! `order/place.rs`, `order/dropship.rs`, `order/decline.rs` and `order/ship.rs` change commitments. `place` and
//! `dropship` check new deadlines with `check_deadlines` and `check_ahead` before. `Item::overdue` says whether the
//! supplier is late.
//!
//! `accepted_at` and `declined` are `None` as long as the supplier has not given that answer.

use chrono::{DateTime, Utc};

use crate::{
    input_field::{DeadlineField, InputField},
    refusal::Refusal,
    shipment::{Origin, OriginKind},
    string_enum::string_enum,
};

/// What is agreed with the supplier of an item. Empty if no supplier ships the item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SupplierCommitment {
    /// Until when the supplier has to act.
    pub deadlines: Deadlines,
    /// The supplier's answer; `None` while there is none.
    pub answer: Option<SupplierAnswer>,
}

/// Until when a supplier has to answer and to ship. A supplier that misses a deadline is overdue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deadlines {
    /// Until when the supplier has to accept the item.
    pub accept_by: Option<DateTime<Utc>>,
    /// Until when a carrier has to have every unit.
    pub ship_by: Option<DateTime<Utc>>,
}

/// The answer of a supplier to the question whether it ships an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SupplierAnswer {
    /// The supplier will ship it.
    Accepted {
        /// When the supplier said so, or when its first shipment of the item was registered.
        at: DateTime<Utc>,
    },
    /// The supplier will not ship it. Staff have to reassign the item.
    Declined {
        /// When the supplier said so.
        at: DateTime<Utc>,
        /// The supplier's reason, for people. `None` if it is redacted.
        reason: Option<String>,
    },
}

string_enum! {
    /// What a supplier is late with.
    pub enum Overdue ("overdue") {
        /// The answer is late.
        AcceptBy => "accept_by",
        /// The shipment is late.
        ShipBy => "ship_by",
    }
}

impl SupplierCommitment {
    /// The commitment of a supplier that was asked and has not answered.
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
    pub fn declined(&self) -> Option<(DateTime<Utc>, Option<&str>)> {
        match &self.answer {
            Some(SupplierAnswer::Declined { at, reason }) => Some((*at, reason.as_deref())),
            Some(SupplierAnswer::Accepted { .. }) | None => None,
        }
    }
}

impl Deadlines {
    /// Refuses deadlines of an item that no supplier ships, and a `ship_by` before the `accept_by`. `field` is the
    /// place of each deadline in the input.
    pub(crate) fn check_deadlines(
        &self,
        origin: Option<&Origin>,
        field: impl Fn(DeadlineField) -> InputField,
    ) -> Result<(), Refusal> {
        if origin.is_none_or(|origin| origin.kind != OriginKind::Supplier) {
            return self.refuse_if_any(
                field,
                "only an item that a supplier ships has such a deadline",
                |_| true,
            );
        }
        match (self.accept_by, self.ship_by) {
            (Some(accept_by), Some(ship_by)) if ship_by < accept_by => {
                let message = "this is before `acceptBy`: an item is accepted first, then shipped";
                Err(Refusal::invalid(field(DeadlineField::ShipBy), message))
            }
            _ => Ok(()),
        }
    }

    /// Refuses deadlines before `now`, because nobody can keep them. This is for new deadlines only: agreed ones pass
    /// in time.
    pub(crate) fn check_ahead(
        &self,
        field: impl Fn(DeadlineField) -> InputField,
        now: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        self.refuse_if_any(field, "that time has passed: nobody can keep it", |deadline| deadline < now)
    }

    fn refuse_if_any(
        &self,
        field: impl Fn(DeadlineField) -> InputField,
        message: &str,
        is_wrong: impl Fn(DateTime<Utc>) -> bool,
    ) -> Result<(), Refusal> {
        let deadlines = [(DeadlineField::AcceptBy, self.accept_by), (DeadlineField::ShipBy, self.ship_by)];
        for (which, deadline) in deadlines {
            if deadline.is_some_and(&is_wrong) {
                return Err(Refusal::invalid(field(which), message));
            }
        }
        Ok(())
    }
}
