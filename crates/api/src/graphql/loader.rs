//! The parts of many records in one statement each, whatever the size of the page.
//!
//! Every request gets its own loaders. They batch and do not remember: a mutation may change what a field
//! after it shows, and a subscription lives long.

use std::{collections::HashMap, sync::Arc};

use app::{App, Caller};
use async_graphql::{
    Context, Result,
    dataloader::{DataLoader, Loader},
};
use domain::{Item, OrderId, Shipment, ShipmentId, WebhookId};
use persistence::{
    Event, Store,
    notices::Notice,
    read::{self, VersionRange},
    scans::StoredScan,
};

use super::error::{hidden, log};

/// The loaders of one request.
pub(super) type Loaders = DataLoader<Parts>;

/// Reads parts of records.
pub(super) struct Parts {
    store: Store,
    request_id: Option<String>,
}

/// Fresh loaders for a request.
pub(super) fn loaders(app: &App, caller: &Caller) -> Loaders {
    let parts = Parts { store: app.store.clone(), request_id: caller.request_id.clone() };
    DataLoader::new(parts, tokio::spawn)
}

/// The parts of one record, together with those of every record that is asked about at the same time.
pub(super) async fn load<K, T>(ctx: &Context<'_>, key: K) -> Result<Arc<[T]>>
where
    K: Clone + Eq + std::hash::Hash + Send + Sync + 'static,
    T: Send + Sync + 'static,
    Parts: Loader<K, Value = Arc<[T]>, Error = app::Error>,
{
    let loaders = ctx.data::<Loaders>()?;
    let parts = loaders.load_one(key).await;
    let parts = parts.map_err(|error| hidden(loaders.loader().request_id.as_deref(), &error))?;
    Ok(parts.unwrap_or_default())
}

impl Parts {
    /// A failure is written down here, once for all that wait for it.
    fn settle<T>(&self, result: persistence::Result<T>) -> app::Result<T> {
        result.map_err(app::Error::from).inspect_err(|error| log(self.request_id.as_deref(), error))
    }
}

/// Declares a key and how the parts of many such keys are read.
macro_rules! parts {
    ($(#[$doc:meta])* $key:ident($id:ty) -> $part:ty, $read:path) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        pub(super) struct $key(pub $id);

        impl Loader<$key> for Parts {
            type Value = Arc<[$part]>;
            type Error = app::Error;

            async fn load(&self, keys: &[$key]) -> app::Result<HashMap<$key, Arc<[$part]>>> {
                let ids: Vec<$id> = keys.iter().map(|key| key.0).collect();
                let found = self.settle($read(&self.store, &ids).await)?;
                Ok(found.into_iter().map(|(id, parts)| ($key(id), parts.into())).collect())
            }
        }
    };
}

parts!(
    /// The items of an order.
    ItemsOf(OrderId) -> Item, read::items_of
);
parts!(
    /// The parcels of an order, oldest first.
    ShipmentsOf(OrderId) -> Shipment, read::shipments_of
);
parts!(
    /// The notices of an order, oldest first.
    NoticesOf(OrderId) -> Notice, read::notices_of
);
parts!(
    /// The scans of a parcel, newest first.
    ScansOf(ShipmentId) -> StoredScan, read::scans_of
);
parts!(
    /// The scans a webhook was the first to bring.
    ScansBroughtBy(WebhookId) -> StoredScan, read::scans_of_webhooks
);

impl Loader<VersionRange> for Parts {
    type Value = Arc<[Event]>;
    type Error = app::Error;

    async fn load(&self, ranges: &[VersionRange]) -> app::Result<HashMap<VersionRange, Arc<[Event]>>> {
        let mut events = self.settle(read::events_in(&self.store, ranges).await)?;
        // Ranges of one order may overlap.
        events.dedup_by_key(|event| (event.order_id, event.version));
        let of = |range: &VersionRange| {
            let within = |event: &&Event| {
                event.order_id == range.order_id && (range.first..=range.last).contains(&event.version)
            };
            events.iter().filter(within).cloned().collect()
        };
        Ok(ranges.iter().map(|range| (*range, of(range))).collect())
    }
}
