//! The GraphQL types of a shipment: its items, its condition and its scans. `app` has redacted them already: an actor
//! whose id is hidden keeps the kind.

use std::{borrow::Cow, sync::Arc};

use app::{App, Caller};
use async_graphql::{Context, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use domain::{Meaning, ShipmentId, StoredScan};
use persistence::read::{Key, Page};
use uuid::Uuid;

use super::{
    batch_cache::ShipmentCache,
    carrier::CarrierCode,
    connection::{Connection, PageArgs, Total, Window, page_size},
    cursor::{self, Kind},
    delivery_estimate::DeliveryEstimate,
    enums::{ScanEffect, ScanEvidence, ShipmentConditionKind, ShipmentDirection, ShipmentStatus},
    event::Actor,
    item::{OrderItem, Origin, list_items},
    limits::weights::{ESTIMATES, SHIPMENT_ITEMS, SHIPMENT_NUMBERS, list},
    order::Order,
    shipment_number::{ShipmentNumber, list_numbers},
};

/// One shipment of an order, for one caller.
pub struct Shipment {
    order: Order,
    // In a box, because the other members of the result unions are small.
    shipment: Box<domain::Shipment>,
    batch: Arc<ShipmentCache>,
}

/// The shipments of an order that the caller may see.
pub(super) async fn shipments_of(ctx: &Context<'_>, order: &Order) -> Result<Vec<Shipment>> {
    let shipments = order.visible_shipments(ctx).await?;
    let batch = order.batch().shipment_cache();
    let one =
        |shipment: &domain::Shipment| Shipment::with_batch(order.clone(), shipment.clone(), batch.clone());
    Ok(shipments.visible.iter().map(one).collect())
}

impl Shipment {
    /// Makes a shipment that was read without others.
    pub(super) fn with_own_batch(order: Order, shipment: domain::Shipment) -> Self {
        let batch = ShipmentCache::new(vec![shipment.id]);
        Self::with_batch(order, shipment, batch)
    }

    /// Makes one of several shipments whose scans and estimates are read together, through `batch`.
    pub(super) fn with_batch(order: Order, shipment: domain::Shipment, batch: Arc<ShipmentCache>) -> Self {
        Self { order, shipment: Box::new(shipment), batch }
    }

    pub(super) fn is_among(&self, ids: &[ShipmentId]) -> bool {
        ids.contains(&self.shipment.id)
    }
}

/// Units of one order that travel in one parcel. A shipment has a carrier, one or more tracking numbers, an origin and
/// quantities of the order's items.
#[Object]
impl Shipment {
    /// The id, a UUID.
    pub(super) async fn id(&self) -> ID {
        self.shipment.id.to_string().into()
    }

    /// The order whose units are in the shipment.
    async fn order(&self) -> Order {
        self.order.clone()
    }

    /// The company that carries the shipment.
    async fn carrier(&self) -> CarrierCode {
        CarrierCode(self.shipment.carrier())
    }

    /// The name of the carrier, for people.
    async fn carrier_name<'a>(&self, ctx: &Context<'a>) -> Result<Cow<'a, str>> {
        Ok(ctx.data::<App>()?.carriers().name(self.shipment.carrier()))
    }

    /// The primary number that the carrier gave the shipment, without blanks and in upper case.
    async fn tracking_number(&self) -> &str {
        &self.shipment.tracking_number
    }

    /// All tracking numbers of the shipment, also those that were replaced, in the sequence in which it got them.
    #[graphql(complexity = "list(SHIPMENT_NUMBERS, child_complexity)")]
    async fn numbers(&self) -> Vec<ShipmentNumber> {
        list_numbers(&self.shipment)
    }

    /// The address of the carrier's own tracking page for the shipment. Null if it is not known.
    async fn tracking_url(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        Ok(ctx.data::<App>()?.carriers().tracking_url(&self.shipment.tracking_number))
    }

    /// The address of the carrier's own tracking page for the shipment. Null if it is not known.
    #[graphql(deprecation = "The same as `trackingUrl`.")]
    async fn carrier_url(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        self.tracking_url(ctx).await
    }

    /// How far the shipment is.
    async fn status(&self) -> ShipmentStatus {
        self.shipment.status().into()
    }

    /// The present problem with the shipment. Null if there is none.
    async fn condition(&self) -> Option<ShipmentCondition> {
        self.shipment.tracking.condition.as_ref().map(ShipmentCondition::from)
    }

    /// Whether the shipment goes to the customer or comes back.
    async fn direction(&self) -> ShipmentDirection {
        self.shipment.direction.into()
    }

    /// The place from which the shipment is sent. Of a return shipment, the place to which it goes.
    async fn origin(&self) -> Origin {
        self.shipment.origin.clone().into()
    }

    /// The items in the shipment, with quantities.
    #[graphql(complexity = "list(SHIPMENT_ITEMS, child_complexity)")]
    async fn items(&self, ctx: &Context<'_>) -> Result<Vec<ShipmentItem>> {
        let items = list_items(ctx, &self.order).await?;
        let line = |item: &OrderItem| self.shipment.lines.iter().find(|line| item.has_id(line.item_id));
        let pair = |item: OrderItem| line(&item).map(|line| line.quantity).map(|quantity| (item, quantity));
        Ok(items
            .into_iter()
            .filter_map(pair)
            .map(|(item, quantity)| ShipmentItem { item, quantity })
            .collect())
    }

    /// The latest instant of `deliveryEstimate`. If only a day was said, noon of this day in UTC. To show a day, use
    /// `deliveryEstimate.date`.
    async fn estimated_delivery(&self) -> Option<DateTime<Utc>> {
        self.shipment.tracking.estimated_delivery.map(|expected| expected.latest_instant())
    }

    /// When the shipment is expected, as it was said last. Null if nobody has said it.
    async fn delivery_estimate(&self, ctx: &Context<'_>) -> Result<Option<DeliveryEstimate>> {
        let Some(expected) = self.shipment.tracking.estimated_delivery else { return Ok(None) };
        let revisions = self.batch.estimates(ctx, self.shipment.id).await?;
        let said = revisions.iter().find(|revision| revision.expected == expected);
        Ok(said.map(DeliveryEstimate::from))
    }

    /// The estimates that were said for the shipment, the one that was said last first. One that repeats the one before
    /// it is left out. The newest 100 are listed.
    #[graphql(complexity = "list(ESTIMATES, child_complexity)")]
    async fn delivery_estimates(&self, ctx: &Context<'_>) -> Result<Vec<DeliveryEstimate>> {
        let revisions = self.batch.estimates(ctx, self.shipment.id).await?;
        Ok(revisions.iter().map(DeliveryEstimate::from).collect())
    }

    /// When the shipment was registered, by Milepost's clock.
    async fn created_at(&self) -> DateTime<Utc> {
        self.shipment.created_at
    }

    /// The carrier's time of the earliest scan that shows the parcel with the carrier.
    async fn shipped_at(&self) -> Option<DateTime<Utc>> {
        self.shipment.tracking.shipped_at()
    }

    /// The carrier's time of the earliest scan that shows the parcel delivered.
    async fn delivered_at(&self) -> Option<DateTime<Utc>> {
        self.shipment.tracking.delivered_at
    }

    /// When the return shipment arrived, by the carrier's clock. Its units are then received with `receiveReturn`. Null
    /// for other shipments.
    async fn arrived_at(&self) -> Option<DateTime<Utc>> {
        self.shipment.arrived_at()
    }

    /// When the shipment was cancelled in Milepost, by Milepost's clock. Null if only the carrier cancelled it.
    async fn cancelled_at(&self) -> Option<DateTime<Utc>> {
        self.shipment.cancelled_at
    }

    /// Why the shipment was cancelled. Null for suppliers.
    async fn cancel_reason(&self) -> Option<&str> {
        self.shipment.cancel_reason.as_deref()
    }

    /// The scans of the shipment, reported by its carrier or recorded by hand. The newest is first, by
    /// `localTime`, or else by `occurredAt`. A scan that arrived several times is listed once.
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
        let own = |(of, at, scan): (Uuid, DateTime<Utc>, Uuid)| {
            cursor::plausible_key((at, scan)).filter(|_| of == id.0)
        };
        let window = PageArgs { first, after, last, before }.window(Kind::Scans, own)?;
        let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
        let scans =
            self.batch.scans.load(ctx, id, |ids, extent| app.reads().scans_of(caller, ids, extent)).await?;
        let total = Total::Known(scans.len() as u64);
        Ok(Connection::new(cut_page(&scans, &window), &window, total, |scan| {
            (Kind::Scans.encode(&(id.0, scan.scan.clock().and_utc(), scan.id.0)), Scan(scan))
        }))
    }
}

/// Cuts one page out of all scans of a shipment. All of them are in memory: a shipment has a few dozen at most.
fn cut_page(scans: &[StoredScan], window: &Window<Key<Uuid>>) -> Page<StoredScan> {
    let place = |scan: &StoredScan| (scan.scan.clock().and_utc(), scan.id.0);
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
    /// An item of the order. Its own `quantity` is what was ordered.
    item: OrderItem,
    /// How many units of the item are in this shipment.
    quantity: u32,
}

/// A problem with a shipment.
#[derive(SimpleObject)]
pub struct ShipmentCondition {
    /// The kind of the problem.
    kind: ShipmentConditionKind,
    /// The problem in the carrier's words; in Milepost's words if the carrier sent no text, and for suppliers.
    message: String,
    /// The carrier's time of the scan that reported the problem.
    since: DateTime<Utc>,
    /// Whether a person has to act before the shipment can go on.
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

/// One scan, already reduced to the parts that the caller may see.
pub struct Scan(pub(super) StoredScan);

/// One tracking event of a parcel. Its carrier reported it, or a person recorded it by hand.
#[Object]
impl Scan {
    /// The id, a UUID.
    async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// The id of the shipment.
    async fn shipment_id(&self) -> ID {
        self.0.shipment_id.to_string().into()
    }

    /// The code as the carrier sent it. `BY_HAND` if the scan was recorded by hand.
    async fn carrier_code(&self) -> &str {
        &self.0.scan.code
    }

    /// The shipment status that the code means. Null if the code means no status.
    async fn status(&self) -> Option<ShipmentStatus> {
        match self.0.scan.meaning {
            Meaning::Status(status) => Some(status.into()),
            Meaning::Condition(_) | Meaning::ReturnCancelled | Meaning::Informational | Meaning::Unknown => {
                None
            }
        }
    }

    /// The problem that the code means. Null if the code means no problem.
    async fn condition(&self) -> Option<ShipmentConditionKind> {
        match self.0.scan.meaning {
            Meaning::Condition(kind) => Some(kind.into()),
            Meaning::Status(_) | Meaning::ReturnCancelled | Meaning::Informational | Meaning::Unknown => None,
        }
    }

    /// The carrier's text, or the notes of the person who recorded the scan by hand. Null for suppliers if somebody
    /// else recorded it by hand.
    async fn description(&self) -> Option<&str> {
        self.0.scan.description.as_deref()
    }

    /// The place of the scan, for example `Holbrook, NY, US`. Null for suppliers if somebody else recorded it by hand.
    async fn location(&self) -> Option<&str> {
        self.0.scan.location.as_deref()
    }

    /// When it happened, by the carrier's clock. If that time cannot be trusted, the time when the scan arrived.
    async fn occurred_at(&self) -> Option<DateTime<Utc>> {
        Some(self.0.scan.occurred_at)
    }

    /// Whether `occurredAt` is the time of arrival, because the carrier's time had no time zone or was in the future.
    async fn time_estimated(&self) -> bool {
        self.0.scan.time_estimated
    }

    /// The local time that the carrier sent without a time zone, for example `2026-01-15T07:02:09`. Midnight can mean
    /// that the carrier sent only a date. For a status that the carrier sent without any time, the time in UTC of the
    /// newest scan sent with it. Null if `occurredAt` is the carrier's time.
    async fn local_time(&self) -> Option<String> {
        self.0.scan.local_time.map(|at| at.format("%Y-%m-%dT%H:%M:%S").to_string())
    }

    /// When Milepost first received the scan, by Milepost's clock.
    async fn recorded_at(&self) -> DateTime<Utc> {
        self.0.recorded_at
    }

    /// Who recorded the scan by hand. Null if the carrier reported it. Customers and suppliers see only the kind of the
    /// actor, except where they recorded the scan themselves.
    async fn recorded_by(&self) -> Option<Actor> {
        self.0.recorded_by.as_ref().map(Actor::from)
    }

    /// What the scan changed when it was stored; or, if its code got another meaning later, what it changed then.
    async fn effect(&self) -> ScanEffect {
        self.0.effect.into()
    }

    /// Whether the scan shows that the carrier had the parcel.
    async fn evidence(&self) -> ScanEvidence {
        self.0.scan.evidence.into()
    }

    /// When staff retracted the scan, by Milepost's clock. Null if it was not retracted. A retracted scan counts for
    /// nothing.
    async fn retracted_at(&self) -> Option<DateTime<Utc>> {
        self.0.retraction.as_ref().map(|retraction| retraction.at)
    }

    /// Who retracted the scan. Customers and suppliers see only the kind of the actor.
    async fn retracted_by(&self) -> Option<Actor> {
        self.0.retraction.as_ref().map(|retraction| Actor::from(&retraction.actor))
    }

    /// Why the scan was retracted. Null for customers and suppliers.
    async fn retract_reason(&self) -> Option<&str> {
        self.0.retraction.as_ref().and_then(|retraction| retraction.reason.as_deref())
    }

    /// How often the scan arrived. Repetitions change nothing.
    async fn seen(&self) -> i32 {
        self.0.seen
    }
}
