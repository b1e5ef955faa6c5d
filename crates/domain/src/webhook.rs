//! The states of a stored webhook. `ingest::summary` and `app::webhooks` choose how a webhook is settled. `persistence`
//! makes it pending again, or closes it as failed.

use crate::string_enum::string_enum;

string_enum! {
    /// What became of a webhook.
    pub enum WebhookState ("webhook state") {
        /// It waits to be processed.
        Pending => "pending",
        /// Its scans are recorded.
        Processed => "processed",
        /// It says nothing about a parcel, or it cannot be read.
        Ignored => "ignored",
        /// It waits for a shipment with its tracking number.
        Unmatched => "unmatched",
        /// It is given up: it failed as often as it may, or in a way that does not go away by trying again.
        Failed => "failed",
    }
}
