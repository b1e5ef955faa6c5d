//! Keeps orders moving after the story, so that the user of the demo can watch them live. Called by
//! `demo::keep_orders_moving`.
//!
//! `place_labelled_order` leaves an order whose shipments wait for their first scan. `post_all_scans` then delivers it.
//! `Err` means that the server did not answer, refused a mutation, or did not answer a webhook with 2xx.

use std::time::Duration;

use anyhow::ensure;
use carriers::Sender;
use domain::{FulfillmentPath, OrderStatus, Origin, OriginKind, ShipmentStatus};
use tokio::time::sleep;

use super::{
    carrier::{Carriers, DemoParcel},
    script::scan,
    shop::{Order, Shop, Who},
};
use crate::api_client::Placed;

/// The number of shipments of an order to watch. With three scans each, its delivery takes a minute or two.
const PARCELS: u32 = 8;
/// The scans of each parcel, in order of time.
const WAY: [ShipmentStatus; 3] =
    [ShipmentStatus::PickedUp, ShipmentStatus::OutForDelivery, ShipmentStatus::Delivered];

/// An order with registered shipments that have no scans yet.
pub struct LabelledOrder {
    pub order: Placed,
    /// The merchant's order number.
    pub reference: String,
    pub parcels: Vec<DemoParcel>,
}

/// Places an order of `parcels` units, confirms its payment, and registers one shipment for each unit.
pub async fn place_labelled_order(
    shop: &Shop,
    reference: &str,
    parcels: u32,
) -> anyhow::Result<LabelledOrder> {
    let path = if parcels > 1 { FulfillmentPath::SplitShipment } else { FulfillmentPath::SingleWarehouse };
    let order = Order {
        reference: reference.to_owned(),
        item: "Oak shelf",
        units: parcels,
        cents: parcels * 5900,
        path,
        origin: Origin { kind: OriginKind::Warehouse, code: "RENO".to_owned() },
    };
    let placed = shop.place_order(&order).await?;
    for status in [OrderStatus::PaymentConfirmed, OrderStatus::Processing] {
        shop.request_transition(Who::Shop, &placed, status).await?.ensure_granted()?;
    }
    let digits: String = reference.chars().filter(char::is_ascii_digit).collect();
    let numbers = (1..=parcels).map(|at| match at % 2 {
        0 => DemoParcel { carrier: Sender::Ups, number: format!("1Z999999{digits:0>6}{at:04}") },
        _ => DemoParcel { carrier: Sender::Fedex, number: format!("79{digits:0>6}{at:04}") },
    });
    let parcels: Vec<DemoParcel> = numbers.collect();
    for parcel in &parcels {
        shop.register_shipment(&placed, parcel, Some(1)).await?.ensure_granted()?;
    }
    Ok(LabelledOrder { order: placed, reference: order.reference, parcels })
}

/// Places the next order to watch. `number` counts from 1 and becomes part of the order number.
pub async fn place_order_to_watch(shop: &Shop, number: u32) -> anyhow::Result<LabelledOrder> {
    place_labelled_order(shop, &format!("D-{}", 2000 + number), PARCELS).await
}

/// Posts all scans of an order, with a pause before each. The parcels are staggered: each is one scan ahead of the next
/// one.
pub async fn post_all_scans(
    carriers: &Carriers,
    order: &LabelledOrder,
    pause: Duration,
) -> anyhow::Result<()> {
    for turn in 0..order.parcels.len() + WAY.len() {
        for (at, parcel) in order.parcels.iter().enumerate() {
            let Some(status) = turn.checked_sub(at).and_then(|scans| WAY.get(scans)) else { continue };
            sleep(pause).await;
            let answer = carriers.post_webhook(&scan(parcel, *status)).await?;
            ensure!(answer.is_success(), "a webhook was answered with {answer}");
        }
    }
    Ok(())
}
