//! Parses stored webhooks: from the bytes of the body to scans, with the meanings that codes have today.

use std::collections::HashSet;

use carriers::{Activation, Push, Sender, Unread};
use domain::{Scan, TrackingNumber as Number};
use persistence::webhooks::{Webhook, WebhookHead};

use crate::App;

/// A stored webhook and its parsed content.
pub(super) struct ParsedWebhook {
    pub webhook: WebhookHead,
    pub content: WebhookContent,
}

/// The parsed content of a webhook.
pub(super) enum WebhookContent {
    /// Scans of at least one parcel, and the elements of the body that could not be parsed, if any.
    Parcels(Vec<ParcelScans>, Option<Unread>),
    /// The sender asks for a call back before it sends scans.
    Activation(Activation),
    /// No scans, for this reason: the body cannot be parsed, or is not about a parcel.
    Nothing(String),
}

/// The scans that a webhook has for one parcel.
#[derive(Clone)]
pub(super) struct ParcelScans {
    pub number: Number,
    /// Further numbers that the carrier gives to the parcel.
    pub other_numbers: Vec<String>,
    pub scans: Vec<Scan>,
}

impl App {
    /// Parses a webhook. Never fails: a body that cannot be parsed becomes [`WebhookContent::Nothing`] with the reason.
    pub(super) fn parse_webhook(&self, webhook: Webhook) -> ParsedWebhook {
        let Webhook { head: webhook, body } = webhook;
        let parsed = match webhook.sender.parse::<Sender>() {
            Ok(sender) => sender.parse(&body, &self.policy().codes).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        let content = match parsed {
            Ok(Push::Parcels(parcels, _)) if parcels.is_empty() => {
                WebhookContent::Nothing("it speaks of no parcel".to_owned())
            }
            Ok(Push::Parcels(parcels, unread)) => {
                let parcel = |mut parcel: carriers::Parcel| ParcelScans {
                    number: parcel.tracking_number.clone(),
                    other_numbers: std::mem::take(&mut parcel.other_numbers),
                    scans: parcel.into_scans(webhook.received_at),
                };
                WebhookContent::Parcels(parcels.into_iter().map(parcel).collect(), unread)
            }
            Ok(Push::Activation(activation)) => WebhookContent::Activation(activation),
            Ok(Push::Remark(remark)) => WebhookContent::Nothing(remark),
            Err(reason) => WebhookContent::Nothing(reason),
        };
        ParsedWebhook { webhook, content }
    }
}

impl ParsedWebhook {
    pub fn count_parcels(&self) -> usize {
        match &self.content {
            WebhookContent::Parcels(parcels, _) => parcels.len(),
            WebhookContent::Activation(_) | WebhookContent::Nothing(_) => 0,
        }
    }

    /// Moves the parcels out. A second call returns none.
    pub fn take_parcels(&mut self) -> Vec<ParcelScans> {
        match &mut self.content {
            WebhookContent::Parcels(parcels, _) => std::mem::take(parcels),
            WebhookContent::Activation(_) | WebhookContent::Nothing(_) => vec![],
        }
    }
}

/// The tracking numbers of the parcels of these webhooks, each once.
pub(super) fn tracking_numbers<'a>(parsed_webhooks: impl Iterator<Item = &'a ParsedWebhook>) -> Vec<Number> {
    let mut numbers = HashSet::new();
    for parsed in parsed_webhooks {
        if let WebhookContent::Parcels(parcels, _) = &parsed.content {
            numbers.extend(parcels.iter().map(|parcel| parcel.number.clone()));
        }
    }
    numbers.into_iter().collect()
}
