//! Ingestion: from parsed webhooks to changed orders. All its rules are here and are pure. `app` loads what they need,
//! calls them, and writes what they decided. The steps, in order:
//!
//! 1. **Parse.** `carriers` reads the bytes of a webhook. The result is a [`ParsedWebhook`]: scans for each tracking
//!    number.
//! 2. **Route.** [`ScanRouter`] (`routing.rs`) finds the shipment to which a scan belongs, or the shipments of several
//!    orders in one box. `routing/registered_number.rs` finds the number under which a parcel is registered, if its
//!    carrier pushes another one. [`RoutedScans`] (`routed_scans.rs`) holds the scans of many webhooks for each
//!    shipment, and takes them through the next steps. Scans of a return shipment get the meaning that they have there
//!    ([`in_direction`](crate::Meaning::in_direction)).
//! 3. **Record.** [`ScanRecorder`] (`recording.rs`) compares the scans of a shipment with its stored ones, and notes
//!    which are to be inserted, revised or counted as seen again. A scan that a person records begins at this step.
//! 4. **Fold.** [`fold`] (`fold/mod.rs`) computes the state of a shipment from all its scans. `fold/attribution.rs`
//!    says which scans of the number are its scans.
//! 5. **Effects.** `effects.rs` adds the scans to the fold one by one, and says what each of them did.
//!    `order/scans.rs` gives the shipment its new state, and `order/advance.rs` advances the order.
//! 6. **Summarize.** [`IngestSummary`] (`summary.rs`) counts the effects of one webhook. From the counts follows how
//!    the webhook is settled.
//!
//! `app::webhooks::process` takes new webhooks through all steps, and `app::webhooks::replay` stored ones.
//! `app::orders::commands` begins at step 3, for scans of people.

mod effects;
mod fold;
mod recording;
mod routed_scans;
mod routing;
mod summary;

pub(crate) use effects::fold_incoming;
pub use fold::fold;
pub(crate) use fold::{FoldState, is_too_old};
pub use recording::{Retraction, ScanKey, ScanRecorder, StoredScan};
pub use routed_scans::{RoutedScans, Unrecordable};
pub use routing::{ScanRouter, TrackedShipment, shipments_routed_by_stored_scans};
pub use summary::{IngestSummary, SettledWebhook};

use crate::{ids::WebhookId, scan::Scan, tracking_number::TrackingNumber};

/// A parsed webhook that has scans.
#[derive(Clone, Debug)]
pub struct ParsedWebhook {
    /// The id of the webhook.
    pub id: WebhookId,
    /// The id of the HTTP request that brought it.
    pub request_id: Option<String>,
    /// Whether it was settled before. Scans that it recorded then do not count as seen again.
    pub was_settled: bool,
    /// What it says about each parcel.
    pub parcels: Vec<ParcelScans>,
    /// The summary of what was recorded so far, if the webhook is recorded in several transactions.
    pub summary: IngestSummary,
}

/// The scans that a webhook has for one parcel.
#[derive(Clone, Debug)]
pub struct ParcelScans {
    /// The number by which the scans are routed.
    pub number: TrackingNumber,
    /// Whether the number has the format of its carrier, with the right check digit.
    pub has_carrier_format: bool,
    /// Further numbers that the carrier gives to the parcel.
    pub other_numbers: Vec<String>,
    /// The scans.
    pub scans: Vec<Scan>,
}

impl ParcelScans {
    /// The number and the further ones, all of the carrier that pushes them.
    pub fn all_numbers(&self) -> impl Iterator<Item = TrackingNumber> {
        let carrier = self.number.carrier();
        let others =
            self.other_numbers.iter().map(move |other| TrackingNumber::restore(carrier, other.clone()));
        [self.number.clone()].into_iter().chain(others)
    }
}
