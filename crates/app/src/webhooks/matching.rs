//! Whose a scan is: numbers are used again, so a number alone does not name a parcel.

use std::collections::HashMap;

use domain::{Scan, is_too_old};
use persistence::{
    Tx,
    shipments::{self, Holder, Number},
};

/// The parcels that have or had these numbers. Numbers that nobody has are looked for again under their lock,
/// which a registration holds too: either we see the parcel, or it sees our waiting webhook.
pub(super) async fn find(tx: &Tx, numbers: &[Number]) -> persistence::Result<HashMap<Number, Vec<Holder>>> {
    let mut found = shipments::holders(tx, numbers).await?;
    let missing: Vec<Number> = numbers.iter().filter(|number| !found.contains_key(number)).cloned().collect();
    if !missing.is_empty() {
        shipments::lock_numbers(tx, &missing).await?;
        found.extend(shipments::holders(tx, &missing).await?);
    }
    Ok(found)
}

/// The newest of the holders whose order existed at the scan's time. A scan older than all of them goes to the
/// oldest, where it counts for nothing and can be seen.
pub(super) fn owner<'a>(scan: &Scan, newest_first: &'a [Holder]) -> Option<&'a Holder> {
    let existed = |holder: &&Holder| !is_too_old(scan, holder.placed_at);
    newest_first.iter().find(existed).or(newest_first.last())
}
