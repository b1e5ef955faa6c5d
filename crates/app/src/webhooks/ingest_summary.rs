//! Counts the outcomes of a webhook's scans, and describes them in the text that the settled webhook shows to people.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use domain::{ScanEffect, ScanOutcome, Shipment, TrackingNumber as Number, WebhookId, WebhookState};
use persistence::webhooks::{Settled, WebhookHead};

use super::parsed_webhook::{ParsedWebhook, WebhookContent};

/// Largest number of waiting tracking numbers that the text names.
const MAX_NAMED: usize = 10;

/// The outcomes of a webhook's scans, and the numbers it waits for.
#[derive(Clone, Default)]
pub(super) struct IngestSummary {
    waits_for: Vec<UnknownNumber>,
    effects: BTreeMap<ScanEffect, u32>,
    repeated: u32,
    /// Warnings about shipments that move although they were cancelled.
    called_off: BTreeSet<String>,
}

/// A tracking number without a shipment.
#[derive(Clone)]
struct UnknownNumber {
    number: Number,
    other_numbers: Vec<String>,
}

impl fmt::Display for UnknownNumber {
    /// Names the further numbers too. A person who looks for a shipment without scans can so find the number under
    /// which it was registered.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = &self.number;
        write!(f, "no parcel with the {} number {number} yet", number.carrier().display_name())?;
        match &self.other_numbers[..] {
            [] => Ok(()),
            others => write!(f, " (also known as {})", others.join(", ")),
        }
    }
}

impl IngestSummary {
    /// Adds a number that no shipment has yet, with the further numbers that the carrier gives to the parcel.
    pub fn add_waiting_number(&mut self, number: Number, other_numbers: Vec<String>) {
        self.waits_for.push(UnknownNumber { number, other_numbers });
    }

    /// Adds the outcome of one scan of the webhook, recorded for that shipment.
    pub fn add_outcome(
        &mut self,
        webhook: WebhookId,
        code: &str,
        outcome: &ScanOutcome,
        shipment: &Shipment,
    ) {
        let effect = match outcome {
            ScanOutcome::New(effect) | ScanOutcome::Revised(_, Some(effect)) => *effect,
            ScanOutcome::Repeated | ScanOutcome::Revised(_, None) => {
                self.repeated += 1;
                return;
            }
        };
        *self.effects.entry(effect).or_default() += 1;
        match effect {
            ScanEffect::Stale if shipment.moves_though_cancelled() => {
                let carrier = shipment.carrier().display_name();
                let odd = format!("{carrier} {} was called off and moves", shipment.tracking_number);
                tracing::warn!(%webhook, code, "{odd}");
                self.called_off.insert(odd);
            }
            ScanEffect::UnknownCode
            | ScanEffect::NotOurs
            | ScanEffect::ReturnLeg
            | ScanEffect::OrderClosed => {
                tracing::warn!(%webhook, code, %effect, "an odd scan is kept");
            }
            ScanEffect::Applied | ScanEffect::Stale | ScanEffect::Informational | ScanEffect::Early => {}
        }
    }

    /// The state, the reason and the waiting numbers with which the webhook is settled. Call it after all scans were
    /// added.
    pub fn into_settled(self, parsed: ParsedWebhook) -> Settled {
        let WebhookHead { id, sender, .. } = parsed.webhook;
        let unread = match parsed.content {
            WebhookContent::Nothing(reason) => {
                return Settled { id, state: WebhookState::Ignored, reason: Some(reason), waits_for: vec![] };
            }
            WebhookContent::Parcels(_, unread) => unread,
            WebhookContent::Activation(_) => None,
        };
        let Self { waits_for, effects, repeated: again, called_off } = self;
        let mut parts: Vec<String> =
            effects.iter().map(|(effect, count)| format!("{count} {effect}")).collect();
        if again > 0 {
            parts.push(format!("{again} seen before"));
        }
        parts.extend(called_off);
        parts.extend(waits_for.iter().take(MAX_NAMED).map(UnknownNumber::to_string));
        if waits_for.len() > MAX_NAMED {
            parts.push(format!("nor with {} others", waits_for.len() - MAX_NAMED));
        }
        if let Some(unread) = unread {
            tracing::warn!(webhook = %id, sender, reason = %unread, "a webhook is kept, in part unread");
            parts.push(unread.to_string());
        }
        let state = match waits_for.is_empty() {
            true => WebhookState::Processed,
            false => WebhookState::Unmatched,
        };
        let waits_for = waits_for.into_iter().map(|unknown| unknown.number).collect();
        Settled { id, state, reason: Some(parts.join(", ")), waits_for }
    }
}
