//! What a stored webhook says, under the meanings that codes have today: bytes to scans.

use std::collections::HashSet;

use carriers::{Activation, Push, Sender, Unread};
use domain::{Carrier, Scan};
use persistence::{
    shipments::Number,
    webhooks::{Webhook, WebhookHead},
};

use crate::App;

/// A webhook without its body, and what the body says.
pub(super) struct ParsedWebhook {
    pub webhook: WebhookHead,
    pub content: WebhookContent,
}

/// What a webhook says.
pub(super) enum WebhookContent {
    /// Something about these shipments, one or more; and what beside them could not be read.
    Parcels(Vec<ParcelScans>, Option<Unread>),
    /// The sender wants to be called back first.
    Activation(Activation),
    /// Nothing that could be taken in, for this reason.
    Nothing(String),
}

/// What is said of one parcel.
pub(super) struct ParcelScans {
    pub carrier: Carrier,
    pub number: String,
    /// What else its carrier calls it.
    pub other_numbers: Vec<String>,
    pub scans: Vec<Scan>,
}

impl ParcelScans {
    /// The number it has with its carrier.
    pub fn number(&self) -> Number {
        (self.carrier, self.number.clone())
    }
}

impl App {
    /// Reads a webhook, as far as it can be read.
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
                    carrier: parcel.carrier,
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
    /// How many parcels it speaks of.
    pub fn count_parcels(&self) -> usize {
        match &self.content {
            WebhookContent::Parcels(parcels, _) => parcels.len(),
            WebhookContent::Activation(_) | WebhookContent::Nothing(_) => 0,
        }
    }

    /// Forgets all shipments but so many from a place on.
    pub fn keep_portion(&mut self, from: usize, most: usize) {
        if let WebhookContent::Parcels(parcels, _) = &mut self.content {
            *parcels = std::mem::take(parcels).into_iter().skip(from).take(most).collect();
        }
    }

    /// The parcels it speaks of. Asked again there are none.
    pub fn take_parcels(&mut self) -> Vec<ParcelScans> {
        match &mut self.content {
            WebhookContent::Parcels(parcels, _) => std::mem::take(parcels),
            WebhookContent::Activation(_) | WebhookContent::Nothing(_) => vec![],
        }
    }
}

/// The numbers these webhooks speak of, each once.
pub(super) fn tracking_numbers<'a>(parsed_webhooks: impl Iterator<Item = &'a ParsedWebhook>) -> Vec<Number> {
    let mut numbers = HashSet::new();
    for parsed in parsed_webhooks {
        if let WebhookContent::Parcels(parcels, _) = &parsed.content {
            numbers.extend(parcels.iter().map(ParcelScans::number));
        }
    }
    numbers.into_iter().collect()
}
