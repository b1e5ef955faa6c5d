//! Reads shipments and their scans. Resolvers of `api` call these.
//!
//! - `shipment` and `shipment_by_id` answer `None` also for a shipment that the caller may not see.
//!   `add_order_if_visible` decides that, and redacts.
//! - `visible_shipments_of` and `scans_of` trust the ids, and redact. An order without shipments is missing in the map.

use std::{collections::HashMap, sync::Arc};

use domain::{DeliveryEstimate, Item, OrderHead, OrderId, Shipment, ShipmentId, StoredScan, TrackingNumber};
use persistence::{delivery_estimates, read};

use super::{Extent, Reads, into_arcs};
use crate::{
    Caller,
    access::{Scope, VisibleShipments},
    error::Result,
};

/// Largest number of items of one order. The domain has the same limit.
const MAX_ITEMS: usize = 1_000;

impl Reads {
    /// The newest shipment with this carrier and number that the caller may see, and its order.
    pub async fn shipment(
        &self,
        caller: &Caller,
        number: &TrackingNumber,
    ) -> Result<Option<(OrderHead, Shipment)>> {
        for shipment in read::shipments_by_number(&self.store, number).await? {
            if let Some(found) = self.add_order_if_visible(caller, shipment).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// A shipment and its order, if the caller may see the shipment.
    pub async fn shipment_by_id(
        &self,
        caller: &Caller,
        id: ShipmentId,
    ) -> Result<Option<(OrderHead, Shipment)>> {
        match read::read_shipments(&self.store, &[id]).await?.remove(&id) {
            Some(shipment) => self.add_order_if_visible(caller, shipment).await,
            None => Ok(None),
        }
    }

    async fn add_order_if_visible(
        &self,
        caller: &Caller,
        shipment: Shipment,
    ) -> Result<Option<(OrderHead, Shipment)>> {
        let Some(order) = self.order(caller, shipment.order_id).await? else { return Ok(None) };
        let items = self.items_if_supplier(caller, &[order.id], Extent::Large(MAX_ITEMS)).await?;
        let items = items.get(&order.id).map(Arc::as_ref).unwrap_or_default();
        Ok(caller.redact_shipment(items, &shipment).map(|shipment| (order, shipment)))
    }

    /// The shipments of orders, redacted. The caller must be allowed to see these orders.
    ///
    /// # Errors
    /// When the database fails, or there are more rows than the extent allows.
    pub async fn visible_shipments_of(
        &self,
        caller: &Caller,
        orders: Vec<OrderId>,
        extent: Extent,
    ) -> Result<HashMap<OrderId, VisibleShipments>> {
        let items = self.items_if_supplier(caller, &orders, extent).await?;
        let found = self.readers.shipments.read(orders, extent).await?;
        let redact = |(id, shipments)| {
            let items = items.get(&id).map(Arc::as_ref).unwrap_or_default();
            (id, caller.visible_shipments(items, shipments))
        };
        Ok(found.into_iter().map(redact).collect())
    }

    /// All items of the orders, if `access` needs them to decide which shipments the caller sees: that is only so for
    /// suppliers. Otherwise empty.
    async fn items_if_supplier(
        &self,
        caller: &Caller,
        orders: &[OrderId],
        extent: Extent,
    ) -> Result<HashMap<OrderId, Arc<[Item]>>> {
        match caller.scope() {
            Scope::Supplies(_) => self.readers.items.read(orders.to_vec(), extent).await,
            Scope::All | Scope::Own(_) | Scope::None => Ok(HashMap::new()),
        }
    }

    /// The scans of shipments, redacted, newest first. The caller must be allowed to see these shipments.
    ///
    /// # Errors
    /// When the database fails, or there are more rows than the extent allows.
    pub async fn scans_of(
        &self,
        caller: &Caller,
        shipments: Vec<ShipmentId>,
        extent: Extent,
    ) -> Result<HashMap<ShipmentId, Arc<[StoredScan]>>> {
        let found = read::scans_at_most(&self.store, &shipments, extent.max_rows() as u64).await?;
        Ok(found.into_iter().map(|(id, scans)| (id, caller.redact_scans(scans).into())).collect())
    }

    /// The revisions of the delivery estimates of shipments, the one that was said last first. The caller must be
    /// allowed to see these shipments.
    ///
    /// # Errors
    /// When the database fails, or there are more rows than the extent allows.
    pub async fn delivery_estimates_of(
        &self,
        shipments: Vec<ShipmentId>,
        extent: Extent,
    ) -> Result<HashMap<ShipmentId, Arc<[DeliveryEstimate]>>> {
        let most = extent.max_rows() as u64;
        Ok(into_arcs(delivery_estimates::revisions_at_most(&self.store, &shipments, most).await?))
    }
}
