//! The summary of a webhook: counts the effects of its scans, and decides how the webhook is settled. Support reads the
//! text.
//!
//! `RoutedScans` adds the outcomes. `app::webhooks::process` logs the `odd_scans` and calls `settle` last: the state is
//! unmatched if a number has no shipment, else processed. `settle` only computes the result, `persistence` stores it.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    ids::WebhookId,
    scan::{Scan, ScanEffect, ScanOutcome},
    shipment::Shipment,
    tracking_number::TrackingNumber,
    webhook::WebhookState,
};

/// Largest number of tracking numbers without a shipment that the text names.
const MAX_NAMED: usize = 10;

/// The outcomes of a webhook's scans, and the numbers for which it waits.
#[derive(Clone, Debug, Default)]
pub struct IngestSummary {
    /// Which parts of the body could not be parsed, for people.
    unread: Option<String>,
    /// The numbers that no shipment has yet, each with the further numbers that the carrier gives to the parcel.
    pub(super) waits_for: Vec<(TrackingNumber, Vec<String>)>,
    /// The numbers that were pushed, each with the number under which its shipment was found instead.
    pub(super) found_by_other_number: Vec<(TrackingNumber, TrackingNumber)>,
    pub(super) says_estimate: bool,
    effects: BTreeMap<ScanEffect, u32>,
    repeated: u32,
    /// The numbers of the shipments that move although they were cancelled.
    moving_though_cancelled: BTreeSet<TrackingNumber>,
    odd_scans: Vec<(String, ScanEffect)>,
}

/// The result with which a webhook is settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettledWebhook {
    /// The id of the webhook.
    pub id: WebhookId,
    /// Its new state.
    pub state: WebhookState,
    /// Why it has this state, for people.
    pub reason: String,
    /// The tracking numbers for which it waits, each with the further numbers that the carrier gives to the parcel.
    pub waits_for: Vec<(TrackingNumber, Vec<String>)>,
    /// Whether it has an estimate that counts from its receipt, because its sender tells no time.
    pub says_estimate: bool,
}

impl IngestSummary {
    /// A summary without scans. `unread` says which parts of the body could not be parsed.
    pub fn new(unread: Option<String>) -> Self {
        Self { unread, ..Self::default() }
    }

    /// The scans that moved nothing and should be looked at: the code and the effect of each.
    pub fn odd_scans(&self) -> &[(String, ScanEffect)] {
        &self.odd_scans
    }

    /// Adds the outcomes of scans that were recorded for a shipment.
    pub(super) fn add_outcomes(&mut self, scans: &[Scan], outcomes: &[ScanOutcome], shipment: &Shipment) {
        for (scan, outcome) in scans.iter().zip(outcomes) {
            let effect = match outcome {
                ScanOutcome::New(effect) | ScanOutcome::Revised(_, Some(effect)) => *effect,
                ScanOutcome::Repeated | ScanOutcome::Revised(_, None) => {
                    self.repeated += 1;
                    continue;
                }
            };
            *self.effects.entry(effect).or_default() += 1;
            let is_odd = match effect {
                ScanEffect::Stale => shipment.moves_though_cancelled(),
                ScanEffect::UnknownCode
                | ScanEffect::NotOurs
                | ScanEffect::OrderClosed
                | ScanEffect::Retracted => true,
                ScanEffect::Applied
                | ScanEffect::Informational
                | ScanEffect::Early
                | ScanEffect::ReturnLeg => false,
            };
            if is_odd {
                self.odd_scans.push((scan.code.clone(), effect));
            }
            if is_odd && effect == ScanEffect::Stale {
                self.moving_though_cancelled.insert(shipment.tracking_number.clone());
            }
        }
    }

    /// How the webhook is settled, after all its scans were recorded.
    pub fn settle(&self, id: WebhookId) -> SettledWebhook {
        let state = match self.waits_for.is_empty() {
            true => WebhookState::Processed,
            false => WebhookState::Unmatched,
        };
        let (reason, waits_for) = (self.describe(), self.waits_for.clone());
        SettledWebhook { id, state, reason, waits_for, says_estimate: self.says_estimate }
    }

    fn describe(&self) -> String {
        let mut parts: Vec<String> =
            self.effects.iter().map(|(effect, count)| format!("{count} {effect}")).collect();
        if self.repeated > 0 {
            parts.push(format!("{} seen before", self.repeated));
        }
        parts.extend(
            self.moving_though_cancelled.iter().map(|number| {
                format!("{} {number} was called off and moves", number.carrier().display_name())
            }),
        );
        parts.extend(self.found_by_other_number.iter().take(MAX_NAMED).map(describe_other_number));
        parts.extend(self.waits_for.iter().take(MAX_NAMED).map(describe_unknown_number));
        if self.waits_for.len() > MAX_NAMED {
            parts.push(format!("nor with {} others", self.waits_for.len() - MAX_NAMED));
        }
        parts.extend(self.unread.clone());
        parts.join(", ")
    }
}

/// Says under which number the parcel of a push was found.
fn describe_other_number((pushed, registered): &(TrackingNumber, TrackingNumber)) -> String {
    let name = |number: &TrackingNumber| format!("{} number {number}", number.carrier().display_name());
    format!("the {} is the parcel with the {}", name(pushed), name(registered))
}

/// Names the further numbers too. A person who looks for a shipment without scans can so find the number under which it
/// was registered.
fn describe_unknown_number((number, others): &(TrackingNumber, Vec<String>)) -> String {
    let mut text = format!("no parcel with the {} number {number} yet", number.carrier().display_name());
    if !others.is_empty() {
        text += &format!(" (also known as {})", others.join(", "));
    }
    text
}
