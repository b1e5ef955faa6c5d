//! Shipments, what is in them, and what their carriers said.

use std::sync::Arc;

use app::{App, Caller};
use async_graphql::{Context, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use domain::{Meaning, ShipmentId};
use persistence::{
    read::{Key, Page},
    scans::StoredScan,
};
use uuid::Uuid;

use super::{
    batch_cache::ScanCache,
    connection::{Connection, PageArgs, Total, Window, page_size},
    cursor::{self, Kind},
    enums::{Carrier, ScanEffect, ShipmentConditionKind, ShipmentStatus},
    event::Actor,
    item::{OrderItem, Origin, items_of},
    limits::weights::{SHIPMENT_ITEMS, list},
    order::Order,
};

/// One shipment: a carrier, a tracking number, an origin, and quantities of the order's items.
pub struct Shipment {
    order: Order,
    // Boxed, because results have it beside small members.
    shipment: Box<domain::Shipment>,
    batch: Arc<ScanCache<ShipmentId>>,
}

/// The shipments of an order.
pub(super) async fn shipments_of(ctx: &Context<'_>, order: &Order) -> Result<Vec<Shipment>> {
    let shipments = order.visible_shipments(ctx).await?;
    let batch = order.batch().scan_cache();
    let one = |shipment: &domain::Shipment| Shipment::of(order.clone(), shipment.clone(), batch.clone());
    Ok(shipments.visible.iter().map(one).collect())
}

impl Shipment {
    /// A shipment that was read alone.
    pub(super) fn alone(order: Order, shipment: domain::Shipment) -> Self {
        let batch = ScanCache::new(vec![shipment.id]);
        Self::of(order, shipment, batch)
    }

    /// One of several shipments whose scans are read together.
    pub(super) fn of(order: Order, shipment: domain::Shipment, batch: Arc<ScanCache<ShipmentId>>) -> Self {
        Self { order, shipment: Box::new(shipment), batch }
    }

    pub(super) fn is_among(&self, ids: &[ShipmentId]) -> bool {
        ids.contains(&self.shipment.id)
    }
}

/// One shipment: a carrier, a tracking number, an origin, and quantities of the order's items.
#[Object]
impl Shipment {
    /// The id, a UUID.
    pub(super) async fn id(&self) -> ID {
        self.shipment.id.to_string().into()
    }

    /// The order whose units it carries.
    async fn order(&self) -> Order {
        self.order.clone()
    }

    /// Who carries it.
    async fn carrier(&self) -> Carrier {
        self.shipment.carrier.into()
    }

    /// The carrier's number for it, without blanks, in capitals.
    async fn tracking_number(&self) -> &str {
        &self.shipment.tracking_number
    }

    /// The carrier's own page about it.
    async fn carrier_url(&self) -> String {
        self.shipment.carrier.tracking_url(&self.shipment.tracking_number)
    }

    /// How far it is.
    async fn status(&self) -> ShipmentStatus {
        self.shipment.status().into()
    }

    /// What is wrong with it. Null when nothing is.
    async fn condition(&self) -> Option<ShipmentCondition> {
        self.shipment.tracking.condition.as_ref().map(ShipmentCondition::from)
    }

    /// Where it comes from.
    async fn origin(&self) -> Origin {
        self.shipment.origin.clone().into()
    }

    /// What is in it.
    #[graphql(complexity = "list(SHIPMENT_ITEMS, child_complexity)")]
    async fn items(&self, ctx: &Context<'_>) -> Result<Vec<ShipmentItem>> {
        let items = items_of(ctx, &self.order).await?;
        let line = |item: &OrderItem| self.shipment.lines.iter().find(|line| item.is(line.item_id));
        let pair = |item: OrderItem| line(&item).map(|line| line.quantity).map(|quantity| (item, quantity));
        Ok(items
            .into_iter()
            .filter_map(pair)
            .map(|(item, quantity)| ShipmentItem { item, quantity })
            .collect())
    }

    /// When the carrier expects to deliver it; before the carrier says so, what was expected at registration.
    async fn estimated_delivery(&self) -> Option<DateTime<Utc>> {
        self.shipment.tracking.estimated_delivery
    }

    /// When it was registered here, by our clock.
    async fn created_at(&self) -> DateTime<Utc> {
        self.shipment.created_at
    }

    /// The carrier's time of the earliest scan that shows it with the carrier.
    async fn shipped_at(&self) -> Option<DateTime<Utc>> {
        self.shipment.tracking.shipped_at
    }

    /// The carrier's time of the earliest scan that shows it handed over.
    async fn delivered_at(&self) -> Option<DateTime<Utc>> {
        self.shipment.tracking.delivered_at
    }

    /// When it was called off here, by our clock.
    async fn cancelled_at(&self) -> Option<DateTime<Utc>> {
        self.shipment.cancelled_at
    }

    /// Why it was called off. Null for suppliers.
    async fn cancel_reason(&self) -> Option<&str> {
        self.shipment.cancel_reason.as_deref()
    }

    /// What was said about it, by its carrier or by hand, newest first by the time it tells. Each claim once.
    #[graphql(complexity = "list(page_size(first, last), child_complexity)")]
    async fn scans(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<Connection<Scan>> {
        let id = self.shipment.id;
        let own =
            |(of, at, scan): (Uuid, DateTime<Utc>, Uuid)| cursor::key((at, scan)).filter(|_| of == id.0);
        let window = PageArgs { first, after, last, before }.window(Kind::Scans, own)?;
        let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
        let scans = self.batch.scans(ctx, id, |ids, extent| app.scans_of(caller, ids, extent)).await?;
        let total = Total::Known(scans.len() as u64);
        Ok(Connection::new(page(&scans, &window), &window, total, |scan| {
            (Kind::Scans.encode(&(id.0, scan.scan.occurred_at, scan.id.0)), Scan(scan))
        }))
    }
}

/// One page of a shipment's scans. There are some dozens at most, and the loader reads them all.
fn page(scans: &[StoredScan], window: &Window<Key<Uuid>>) -> Page<StoredScan> {
    let place = |scan: &StoredScan| (scan.scan.occurred_at, scan.id.0);
    let within = |scan: &&StoredScan| {
        window.after.is_none_or(|after| place(scan) < (after.at, after.id))
            && window.before.is_none_or(|before| place(scan) > (before.at, before.id))
    };
    let mut rows: Vec<StoredScan> = scans.iter().filter(within).cloned().collect();
    let limit = window.limit.unsigned_abs() as usize;
    let has_more = rows.len() > limit;
    if window.from_end {
        rows.drain(..rows.len().saturating_sub(limit));
    } else {
        rows.truncate(limit);
    }
    Page { rows, has_more }
}

/// How many units of an item are in a shipment.
#[derive(SimpleObject)]
pub struct ShipmentItem {
    /// The item.
    item: OrderItem,
    /// Units of it in this shipment.
    quantity: u32,
}

/// What is wrong with a shipment.
#[derive(SimpleObject)]
pub struct ShipmentCondition {
    /// What kind of trouble.
    kind: ShipmentConditionKind,
    /// The carrier's words, or ours where it has none.
    message: String,
    /// The carrier's time of the scan that said so.
    since: DateTime<Utc>,
    /// Whether somebody has to do something before the shipment goes on.
    action_required: bool,
}

impl From<&domain::Condition> for ShipmentCondition {
    fn from(condition: &domain::Condition) -> Self {
        Self {
            kind: condition.kind.into(),
            message: condition.message.clone(),
            since: condition.since,
            action_required: condition.kind.action_required(),
        }
    }
}

/// One claim about a shipment: its carrier's, or one that was recorded by hand.
pub struct Scan(pub(super) StoredScan);

/// One claim about a shipment: its carrier's, or one that was recorded by hand.
#[Object]
impl Scan {
    /// The id, a UUID.
    async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// The carrier's code as sent; `BY_HAND` where it was recorded by hand.
    async fn carrier_code(&self) -> &str {
        &self.0.scan.code
    }

    /// How far the code says the shipment is. Null when it says nothing of the kind.
    async fn status(&self) -> Option<ShipmentStatus> {
        match self.0.scan.meaning {
            Meaning::Status(status) => Some(status.into()),
            Meaning::Condition(_) | Meaning::Informational | Meaning::Unknown => None,
        }
    }

    /// The trouble the code stands for. Null when it stands for none.
    async fn condition(&self) -> Option<ShipmentConditionKind> {
        match self.0.scan.meaning {
            Meaning::Condition(kind) => Some(kind.into()),
            Meaning::Status(_) | Meaning::Informational | Meaning::Unknown => None,
        }
    }

    /// The carrier's words, or the notes of whoever recorded it by hand. Notes of others are null for suppliers.
    async fn description(&self) -> Option<&str> {
        self.0.scan.description.as_deref()
    }

    /// Where: `Holbrook, NY, US`.
    async fn location(&self) -> Option<&str> {
        self.0.scan.location.as_deref()
    }

    /// The carrier's time; the arrival where that cannot be trusted.
    async fn occurred_at(&self) -> Option<DateTime<Utc>> {
        Some(self.0.scan.occurred_at)
    }

    /// Whether `occurredAt` is the arrival, because the carrier's time had no zone or lay in the future.
    async fn time_estimated(&self) -> bool {
        self.0.scan.time_estimated
    }

    /// What the clock of the place showed, `2026-01-15T07:02:09`, where the carrier told no zone. Midnight may stand for a
    /// date. Null where `occurredAt` is the carrier's time.
    async fn local_time(&self) -> Option<String> {
        self.0.scan.local_time.map(|at| at.format("%Y-%m-%dT%H:%M:%S").to_string())
    }

    /// When we first heard of it, by our clock.
    async fn recorded_at(&self) -> DateTime<Utc> {
        self.0.recorded_at
    }

    /// Who recorded it by hand. Null where the carrier said it. Customers are told the kind alone, and so are suppliers,
    /// unless that was themselves.
    async fn recorded_by(&self) -> Option<Actor> {
        self.0.recorded_by.as_ref().map(Actor::from)
    }

    /// What it did when it came, or when its code got another meaning since.
    async fn effect(&self) -> ScanEffect {
        self.0.effect.into()
    }

    /// How often it came. It counts once.
    async fn seen(&self) -> i32 {
        self.0.seen
    }
}
