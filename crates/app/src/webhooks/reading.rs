//! What a stored webhook says, under the meanings that codes have today: bytes to scans.

use std::collections::HashSet;

use carriers::{Activation, Push, Sender, Unread};
use domain::{Carrier, Scan};
use persistence::{shipments::Number, webhooks::Webhook};

use crate::App;

/// A webhook and what it says.
pub(super) struct Reading {
    pub webhook: Webhook,
    pub said: Said,
}

/// What a webhook says.
pub(super) enum Said {
    /// Something about these shipments, one or more; and what beside them could not be read.
    Parcels(Vec<Parcel>, Option<Unread>),
    /// The sender wants to be called back first.
    Activation(Activation),
    /// Nothing that could be taken in, for this reason.
    Nothing(String),
}

/// What is said of one parcel.
pub(super) struct Parcel {
    pub carrier: Carrier,
    pub number: String,
    /// What else its carrier calls it.
    pub other_numbers: Vec<String>,
    pub scans: Vec<Scan>,
}

impl Parcel {
    /// The number it has with its carrier.
    pub fn number(&self) -> Number {
        (self.carrier, self.number.clone())
    }
}

impl App {
    /// Reads a webhook, as far as it can be read.
    pub(super) fn read_webhook(&self, webhook: Webhook) -> Reading {
        let parsed = match webhook.sender.parse::<Sender>() {
            Ok(sender) => {
                sender.parse(&webhook.body, &self.policy().codes).map_err(|error| error.to_string())
            }
            Err(error) => Err(error.to_string()),
        };
        let said = match parsed {
            Ok(Push::Parcels(parcels, _)) if parcels.is_empty() => {
                Said::Nothing("it speaks of no parcel".to_owned())
            }
            Ok(Push::Parcels(parcels, unread)) => {
                let parcel = |mut parcel: carriers::Parcel| Parcel {
                    carrier: parcel.carrier,
                    number: parcel.tracking_number.clone(),
                    other_numbers: std::mem::take(&mut parcel.other_numbers),
                    scans: parcel.into_scans(webhook.received_at),
                };
                Said::Parcels(parcels.into_iter().map(parcel).collect(), unread)
            }
            Ok(Push::Activation(activation)) => Said::Activation(activation),
            Ok(Push::Remark(remark)) => Said::Nothing(remark),
            Err(reason) => Said::Nothing(reason),
        };
        Reading { webhook, said }
    }
}

impl Reading {
    /// How many parcels it speaks of.
    pub fn parcels(&self) -> usize {
        match &self.said {
            Said::Parcels(parcels, _) => parcels.len(),
            Said::Activation(_) | Said::Nothing(_) => 0,
        }
    }

    /// Forgets all shipments but so many from a place on.
    pub fn keep_parcels(&mut self, from: usize, most: usize) {
        if let Said::Parcels(parcels, _) = &mut self.said {
            *parcels = std::mem::take(parcels).into_iter().skip(from).take(most).collect();
        }
    }

    /// The parcels it speaks of. Asked again there are none.
    pub fn take_parcels(&mut self) -> Vec<Parcel> {
        match &mut self.said {
            Said::Parcels(parcels, _) => std::mem::take(parcels),
            Said::Activation(_) | Said::Nothing(_) => vec![],
        }
    }
}

/// The numbers these webhooks speak of, each once.
pub(super) fn numbers<'a>(readings: impl Iterator<Item = &'a Reading>) -> Vec<Number> {
    let mut numbers = HashSet::new();
    for reading in readings {
        if let Said::Parcels(parcels, _) = &reading.said {
            numbers.extend(parcels.iter().map(Parcel::number));
        }
    }
    numbers.into_iter().collect()
}
