//! Carriers' webhooks: what becomes of one.

use crate::string_enum::string_enum;

string_enum! {
    /// What has become of a webhook.
    pub enum WebhookState ("webhook state") {
        /// It waits for its turn.
        Pending => "pending",
        /// Its scans are with their shipments.
        Processed => "processed",
        /// It says nothing about a shipment, or nothing readable.
        Ignored => "ignored",
        /// It waits for a shipment with its number.
        Unmatched => "unmatched",
        /// It failed as often as it may.
        Failed => "failed",
    }
}
