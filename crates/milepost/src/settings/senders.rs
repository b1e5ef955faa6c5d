//! The secrets that are shared with each sender of webhooks.
//!
//! - `Settings::read` calls the `read_…` functions. An invalid secret is added to the problems and left out; a sender
//!   without secrets is not in the map. `read_ups_client` is `None` if its settings are unset or incomplete.
//! - `serve` and `scan` call [`Settings::build_sender_secrets`]. A sender that is not in its map is off.
//! - `check` and the start of `serve` call [`Settings::describe_authentication`]. `None` means off.
//! - [`webhook_secret_variable`] is for messages.

use std::collections::{BTreeMap, HashMap};

use carriers::{Client, NoSecret, Secrets, Sender};

use super::{Masked, PREFIX, Reader, Settings, values};

/// The id and secret with which UPS fetches tokens from this server.
#[derive(Clone, Debug)]
pub struct UpsClient {
    pub id: String,
    /// The valid secrets: at least one, and several while the secret is being changed.
    pub secrets: Vec<Masked>,
}

impl Settings {
    /// Returns the senders whose webhooks are accepted, each with the secrets that verify its requests.
    pub fn build_sender_secrets(&self) -> Result<HashMap<Sender, Secrets>, NoSecret> {
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
                None => Secrets::from_client(client),
            };
            senders.insert(Sender::Ups, secrets);
        }
        Ok(senders)
    }

    /// Describes how a sender authenticates its webhooks. Returns `None` if it has no secret, so that its webhooks are
    /// not accepted.
    pub fn describe_authentication(&self, sender: Sender) -> Option<String> {
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

/// Returns the name of the setting with the sender's secrets, without the prefix.
pub(super) fn webhook_secret_name(sender: Sender) -> String {
    format!("WEBHOOK_SECRET_{}", sender.as_str().to_ascii_uppercase())
}

/// Returns the name of the environment variable with the sender's secrets.
pub fn webhook_secret_variable(sender: Sender) -> String {
    format!("{PREFIX}{}", webhook_secret_name(sender))
}

impl Reader<'_> {
    pub(super) fn read_webhook_secrets(&mut self) -> BTreeMap<Sender, Vec<Masked>> {
        let found =
            Sender::ALL.map(|sender| (sender, self.read_rotating_secrets(&webhook_secret_name(sender))));
        found.into_iter().filter(|(_, secrets)| !secrets.is_empty()).collect()
    }

    /// Reads the id and the secrets of UPS. One without the other is a problem.
    pub(super) fn read_ups_client(&mut self) -> Option<UpsClient> {
        let id = self.read_optional("UPS_CLIENT_ID", values::parse_client_id);
        let secrets = self.read_rotating_secrets("UPS_CLIENT_SECRET");
        let mut missing = |name: &str, other: &str| {
            self.problems.add(format!("{PREFIX}{name}"), format!("is needed: {PREFIX}{other} is set"));
        };
        // An invalid value is set all the same, and its problem is reported already.
        if id.is_none() && self.sources.find_single("UPS_CLIENT_ID").is_none() && !secrets.is_empty() {
            missing("UPS_CLIENT_ID", "UPS_CLIENT_SECRET");
        }
        if id.is_some() && self.sources.find_rotating("UPS_CLIENT_SECRET").next().is_none() {
            missing("UPS_CLIENT_SECRET", "UPS_CLIENT_ID");
        }
        id.filter(|_| !secrets.is_empty()).map(|id| UpsClient { id, secrets })
    }

    /// Returns all valid secrets under this name and its numbered names.
    fn read_rotating_secrets(&mut self, name: &str) -> Vec<Masked> {
        let mut secrets = Vec::new();
        for found in self.sources.find_rotating(name) {
            for text in &found.values {
                match values::parse_webhook_secret(text) {
                    Ok(secret) => secrets.push(secret),
                    Err(problem) => self.problems.add(&found.key, problem),
                }
            }
        }
        secrets
    }
}
