//! Parses stored webhooks with the meanings that codes have today. Step 1 of the ingestion (`domain::ingest`).
//! Processing and replay call it. It changes nothing and never fails: what cannot be parsed becomes a [`Push::Remark`]
//! with the reason.
//!
//! `parse_webhook` reads the body; `resolve_carriers` is a part of it. `build_parsed_webhook` then makes the input of
//! routing of the parcels, and `distinct_tracking_numbers` lists what has to be loaded and locked, in no particular
//! sequence.

use std::collections::HashSet;

use carriers::{Parcel, Push, Sender, Unread, likely_carriers};
use domain::{
    DeliveryEstimate, Scan, TrackingNumber,
    ingest::{IngestSummary, ParcelScans, ParsedWebhook},
};
use persistence::webhooks::{Webhook, WebhookHead};

use super::Inbox;

impl Inbox {
    /// Parses a webhook. Never fails: a body that cannot be parsed, or reports no parcel, becomes a remark with the
    /// reason.
    pub(super) fn parse_webhook(&self, webhook: &Webhook) -> Push {
        let parsed = match webhook.head.sender.parse::<Sender>() {
            Ok(sender) => {
                sender.parse(&webhook.body, &self.policy().codes).map_err(|error| error.to_string())
            }
            Err(error) => Err(error.to_string()),
        };
        match parsed.map(|push| self.resolve_carriers(push)) {
            Ok(Push::Parcels(parcels, _)) if parcels.is_empty() => {
                Push::Remark("it contains no parcel".to_owned())
            }
            Ok(push) => push,
            Err(reason) => Push::Remark(reason),
        }
    }

    /// Replaces other spellings of the merchant's own carriers by their codes. The identities of the scans do not
    /// change, so they do not depend on the settings.
    fn resolve_carriers(&self, mut push: Push) -> Push {
        if let Push::Parcels(parcels, _) = &mut push {
            for parcel in parcels {
                let sent = parcel.tracking_number.carrier();
                let carrier = self.policy().carriers.resolve(sent);
                if carrier != sent {
                    parcel.tracking_number =
                        TrackingNumber::restore(carrier, parcel.tracking_number.to_string());
                }
            }
        }
        push
    }
}

/// Converts a webhook and its parcels to the input of routing. Scans that have no time get the time of receipt. An
/// estimate without a time counts from the last receipt of the same content.
pub(super) fn build_parsed_webhook(
    head: WebhookHead,
    parcels: Vec<Parcel>,
    unread: Option<Unread>,
) -> ParsedWebhook {
    let received_at = head.received_at;
    let hear_again = |scan: Scan| {
        let said_again = |estimate: DeliveryEstimate| match head.came_again_at {
            Some(at) if estimate.counts_from_receipt() => {
                DeliveryEstimate { said_at: at, received_at: at, ..estimate }
            }
            Some(_) | None => estimate,
        };
        Scan { estimate: scan.estimate.map(said_again), ..scan }
    };
    let scans = |mut parcel: Parcel| ParcelScans {
        has_carrier_format: likely_carriers(&parcel.tracking_number)
            .contains(&parcel.tracking_number.carrier()),
        number: parcel.tracking_number.clone(),
        other_numbers: std::mem::take(&mut parcel.other_numbers),
        scans: parcel.into_scans(received_at).into_iter().map(hear_again).collect(),
    };
    ParsedWebhook {
        id: head.id,
        was_settled: head.was_settled(),
        request_id: head.request_id,
        parcels: parcels.into_iter().map(scans).collect(),
        summary: IngestSummary::new(unread.map(|unread| unread.to_string())),
    }
}

/// The tracking numbers of these webhooks, each once, with the further numbers of their parcels.
pub(super) fn distinct_tracking_numbers(webhooks: &[ParsedWebhook]) -> Vec<TrackingNumber> {
    let parcels = webhooks.iter().flat_map(|webhook| &webhook.parcels);
    parcels.flat_map(|parcel| parcel.all_numbers()).collect::<HashSet<_>>().into_iter().collect()
}
