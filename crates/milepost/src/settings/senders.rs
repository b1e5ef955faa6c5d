//! What is shared with each sender of webhooks.

use std::collections::{BTreeMap, HashMap};

use carriers::{Client, NoSecret, Secrets, Sender};

use super::{Masked, PREFIX, Reader, Settings, values};

/// What UPS fetches its tokens with.
#[derive(Clone, Debug)]
pub struct UpsClient {
    /// The id.
    pub id: String,
    /// The secret, or several while it changes; at least one.
    pub secrets: Vec<Masked>,
}

impl Settings {
    /// The senders that may push, each with what it proves itself by.
    pub fn senders(&self) -> Result<HashMap<Sender, Secrets>, NoSecret> {
        let exposed = |secrets: &[Masked]| -> Vec<String> {
            secrets.iter().map(|secret| secret.expose().to_owned()).collect()
        };
        let mut senders = HashMap::new();
        for (sender, secrets) in &self.webhook_secrets {
            let secrets = Secrets::new(exposed(secrets))?;
            let secrets = match sender {
                Sender::Dhl => secrets.with_header(self.dhl_webhook_header.clone()),
                Sender::Fedex
                | Sender::Ups
                | Sender::Usps
                | Sender::Easypost
                | Sender::Shippo
                | Sender::Aftership => secrets,
            };
            senders.insert(*sender, secrets);
        }
        if let Some(UpsClient { id, secrets }) = &self.ups_client {
            let client = Client::new(id.clone(), exposed(secrets))?;
            let secrets = match senders.remove(&Sender::Ups) {
                Some(shared) => shared.with_client(client),
                None => Secrets::of_client(client),
            };
            senders.insert(Sender::Ups, secrets);
        }
        Ok(senders)
    }

    /// What a sender proves itself by, in words; nothing where it may not push.
    pub fn proof_of(&self, sender: Sender) -> Option<String> {
        let secrets = match self.webhook_secrets.get(&sender).map_or(0, Vec::len) {
            0 => None,
            1 => Some("on".to_owned()),
            several => Some(format!("on ({several} secrets)")),
        };
        match (secrets, self.ups_client.as_ref().filter(|_| sender == Sender::Ups)) {
            (secrets, None) => secrets,
            (None, Some(_)) => Some("on (by token)".to_owned()),
            (Some(secrets), Some(_)) => Some(format!("{secrets}, by token too")),
        }
    }
}

/// The setting that holds the secrets of a sender, without the prefix.
pub(super) fn webhook_secret(sender: Sender) -> String {
    format!("WEBHOOK_SECRET_{}", sender.as_str().to_ascii_uppercase())
}

/// The environment variable that holds the secrets of a sender.
pub fn webhook_secret_variable(sender: Sender) -> String {
    format!("{PREFIX}{}", webhook_secret(sender))
}

impl Reader<'_> {
    pub(super) fn webhook_secrets(&mut self) -> BTreeMap<Sender, Vec<Masked>> {
        let found = Sender::ALL.map(|sender| (sender, self.secrets(&webhook_secret(sender))));
        found.into_iter().filter(|(_, secrets)| !secrets.is_empty()).collect()
    }

    /// Id and secret of UPS; one without the other cannot be meant.
    pub(super) fn ups_client(&mut self) -> Option<UpsClient> {
        let id = self.value("UPS_CLIENT_ID", values::client_id);
        let secrets = self.secrets("UPS_CLIENT_SECRET");
        let mut missing = |name: &str, other: &str| {
            self.problems.add(format!("{PREFIX}{name}"), format!("is needed: {PREFIX}{other} is set"));
        };
        // A value that was refused has its own problem already.
        if id.is_none() && self.sources.one("UPS_CLIENT_ID").is_none() && !secrets.is_empty() {
            missing("UPS_CLIENT_ID", "UPS_CLIENT_SECRET");
        }
        if id.is_some() && self.sources.rotating("UPS_CLIENT_SECRET").next().is_none() {
            missing("UPS_CLIENT_SECRET", "UPS_CLIENT_ID");
        }
        id.filter(|_| !secrets.is_empty()).map(|id| UpsClient { id, secrets })
    }

    /// The secrets that hold at once under this name.
    fn secrets(&mut self, name: &str) -> Vec<Masked> {
        let mut secrets = Vec::new();
        for found in self.sources.rotating(name) {
            for text in &found.values {
                match values::webhook_secret(text) {
                    Ok(secret) => secrets.push(secret),
                    Err(problem) => self.problems.add(&found.key, problem),
                }
            }
        }
        secrets
    }
}
