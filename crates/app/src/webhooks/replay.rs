//! Reading stored webhooks again, under the meanings that codes have today: what would change, and changing it.
//!
//! Two passes. The first reads the bodies and keeps the scans that read differently from what is stored; it locks
//! nothing. The second takes those into their orders, a few orders in one transaction, and commits or takes back.

use std::collections::{BTreeMap, HashMap};

use carriers::Sender;
use chrono::{DateTime, Utc};
use domain::{
    Carrier, Context, Order, OrderHead, OrderId, OrderStatus, Refusal, Scan, ScanIdentity, Shipment,
    ShipmentId, ShipmentStatus, WebhookId, notice,
};
use persistence::{
    Error, orders,
    read::{self, Key, PageRequest, WebhookFilter},
    webhooks::{self, WebhookState},
};

use super::{
    matching,
    process::carrier_context,
    reading::{Reading, numbers},
};
use crate::{
    App, Caller,
    error::Result,
    retry::retrying,
    scans::{Ledger, Source},
};

/// Webhooks read at once: their bodies are in memory together.
const PAGE: u64 = 100;
/// Orders that share a transaction.
const MOST_ORDERS: usize = 50;

/// Which webhooks to read again.
#[derive(Clone, Debug)]
pub struct Replay {
    /// Received then or later.
    pub since: DateTime<Utc>,
    /// Received before.
    pub until: Option<DateTime<Utc>>,
    /// Of this sender.
    pub sender: Option<Sender>,
    /// Whether to change what reads differently, or only to say what would change.
    pub apply: bool,
    /// The most webhooks to read; more are refused.
    pub most: Option<u64>,
}

/// What a replay found.
#[derive(Clone, Debug, Default)]
pub struct Replayed {
    /// Webhooks that were read.
    pub examined: u64,
    /// Scans that read differently from what is stored.
    pub scans: u64,
    /// Parcels that change by that.
    pub changes: Vec<ReplayChange>,
    /// Orders that could not be changed.
    pub failed: Vec<NotReplayed>,
    /// Whether the changes were made.
    pub applied: bool,
}

/// What a replay changes, or would change.
#[derive(Clone, Debug)]
pub struct ReplayChange {
    /// The order, as it is now.
    pub order: OrderHead,
    /// The parcel, as it is now.
    pub shipment: Shipment,
    /// How far the parcel was.
    pub from: ShipmentStatus,
    /// How far it is by today's meanings. The same where only its condition or its times change.
    pub to: ShipmentStatus,
    /// Where the order stands after it. It never goes back.
    pub order_to: OrderStatus,
    /// What the customer is told because of it, noted with the first parcel of an order.
    pub notices: Vec<OrderStatus>,
}

/// An order that a replay could not change.
#[derive(Clone, Debug)]
pub struct NotReplayed {
    /// Which.
    pub order_id: OrderId,
    /// Why.
    pub error: String,
}

/// A scan that reads differently, with the webhook that says so.
struct Claim {
    webhook: WebhookId,
    request_id: Option<String>,
    carrier: Carrier,
    scan: Scan,
}

/// By parcel, each scan once.
type Claims = BTreeMap<ShipmentId, HashMap<ScanIdentity, Claim>>;

impl App {
    /// Reads webhooks again and says what changes by the meanings that codes have today; with `apply` it is
    /// changed. Webhooks that wait for their turn are left to it. For support and systems.
    ///
    /// # Errors
    /// [`Error::Refused`](crate::Error::Refused): forbidden, more webhooks than `most`.
    pub async fn replay(&self, caller: &Caller, replay: &Replay) -> Result<Replayed> {
        caller.must_be_staff()?;
        let filter = filter(replay);
        if let Some(most) = replay.most {
            let count = read::webhooks_count(&self.store, &filter).await?;
            if count > most {
                let message = format!("{count} webhooks are meant, at most {most} are read again at once");
                return Err(Refusal::InvalidInput { field: "since".to_owned(), message }.into());
            }
        }
        let mut replayed = Replayed { applied: replay.apply, ..Replayed::default() };
        let differences = self.differences(&filter, &mut replayed).await?;
        let differences: Vec<(OrderId, Claims)> = differences.into_iter().collect();
        for chunk in differences.chunks(MOST_ORDERS) {
            self.take_up(chunk, &mut replayed).await?;
        }
        if replay.apply {
            self.feed.poke();
        }
        let (examined, changes, applied) = (replayed.examined, replayed.changes.len(), replayed.applied);
        tracing::info!(actor = %caller.actor.kind, id = caller.actor.id, examined, changes, applied, "webhooks were replayed");
        Ok(replayed)
    }

    /// The scans that read differently from what is stored.
    async fn differences(
        &self,
        filter: &WebhookFilter,
        replayed: &mut Replayed,
    ) -> Result<BTreeMap<OrderId, Claims>> {
        let mut found: BTreeMap<OrderId, Claims> = BTreeMap::new();
        let mut after = None;
        loop {
            let request = PageRequest { limit: PAGE, from_end: false, after, before: None };
            let page = read::webhooks_page(&self.store, filter, &request).await?;
            let Some(last) = page.rows.last() else { break };
            after = Some(Key { at: last.received_at, id: last.id.0 });
            let readings: Vec<Reading> =
                page.rows.into_iter().map(|webhook| self.read_webhook(webhook)).collect();
            replayed.examined += readings.len() as u64;
            self.compare(readings, &mut found).await?;
            if !page.has_more {
                break;
            }
        }
        let scans = found.values().flat_map(BTreeMap::values).map(HashMap::len).sum::<usize>();
        replayed.scans = scans as u64;
        Ok(found)
    }

    /// Adds the scans of these webhooks that read differently.
    async fn compare(&self, readings: Vec<Reading>, found: &mut BTreeMap<OrderId, Claims>) -> Result<()> {
        let holders = read::holders_of(&self.store, &numbers(readings.iter())).await?;
        let mut claims = Vec::new();
        for mut reading in readings {
            for parcel in reading.take_parcels() {
                let Some(holders) = holders.get(&(parcel.carrier, parcel.number)) else { continue };
                for scan in parcel.scans {
                    let Some(owner) = matching::owner(&scan, holders) else { continue };
                    let webhook = reading.webhook.id;
                    let request_id = reading.webhook.request_id.clone();
                    let claim = Claim { webhook, request_id, carrier: parcel.carrier, scan };
                    claims.push((owner.order_id, owner.shipment_id, claim));
                }
            }
        }
        let shipments: Vec<ShipmentId> = claims.iter().map(|(_, shipment, _)| *shipment).collect();
        let mut known: HashMap<(ShipmentId, ScanIdentity), Scan> = HashMap::new();
        for (shipment, scans) in read::scans_of(&self.store, &shipments).await? {
            known.extend(scans.into_iter().map(|stored| ((shipment, stored.scan.identity), stored.scan)));
        }
        for (order, shipment, claim) in claims {
            let old = known.get(&(shipment, claim.scan.identity));
            if old.is_some_and(|old| old.heard_again(&claim.scan, true).is_none()) {
                continue;
            }
            let of_parcel = found.entry(order).or_default().entry(shipment).or_default();
            of_parcel.entry(claim.scan.identity).or_insert(claim);
        }
        Ok(())
    }

    /// Takes what reads differently into some orders. Where they fail together, each is tried alone.
    async fn take_up(&self, orders: &[(OrderId, Claims)], replayed: &mut Replayed) -> Result<()> {
        let apply = replayed.applied;
        match retrying(|| self.settle(orders, apply)).await {
            Ok(changes) => replayed.changes.extend(changes),
            Err(error) if error.retryable() => return Err(error.into()),
            Err(_) => {
                for one in orders {
                    match retrying(|| self.settle(std::slice::from_ref(one), apply)).await {
                        Ok(changes) => replayed.changes.extend(changes),
                        Err(error) => {
                            let cause = &error as &dyn std::error::Error;
                            tracing::warn!(order = %one.0, error = cause, "an order could not be replayed");
                            let error = match error.unique_violation() {
                                Some(_) => "a parcel's number is on its way with another order".to_owned(),
                                None => error.to_string(),
                            };
                            replayed.failed.push(NotReplayed { order_id: one.0, error });
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// One transaction over some orders, committed or taken back.
    async fn settle(
        &self,
        orders: &[(OrderId, Claims)],
        apply: bool,
    ) -> persistence::Result<Vec<ReplayChange>> {
        let tx = self.store.begin().await?;
        let ids: Vec<OrderId> = orders.iter().map(|(id, _)| *id).collect();
        let mut loaded = orders::lock(&tx, &ids).await?;
        let shipments: Vec<ShipmentId> =
            orders.iter().flat_map(|(_, claims)| claims.keys().copied()).collect();
        let mut ledger = Ledger::open(&tx, &shipments, true).await?;
        let (mut changes, mut read) = (Vec::new(), Vec::new());
        for (id, claims) in orders {
            let Some(order) = loaded.get_mut(id) else { continue };
            let before = order.clone();
            for (shipment, claims) in claims {
                self.hear(&mut ledger, order, *shipment, claims)?;
                read.extend(claims.values().map(|claim| claim.webhook));
            }
            changes.extend(changes_between(&before, order, apply));
        }
        if apply {
            orders::record(&tx, &loaded.values().collect::<Vec<_>>()).await?;
            ledger.write(&tx).await?;
            webhooks::mark_read(&tx, &read, "read by a replay").await?;
            self.store.commit(tx).await?;
        } else {
            tx.rollback().await?;
        }
        Ok(changes)
    }

    /// Takes claims about one parcel into its order, those of each webhook together, the oldest first.
    fn hear(
        &self,
        ledger: &mut Ledger,
        order: &mut Order,
        shipment: ShipmentId,
        claims: &HashMap<ScanIdentity, Claim>,
    ) -> persistence::Result<()> {
        let mut by_webhook: BTreeMap<WebhookId, Vec<&Claim>> = BTreeMap::new();
        for claim in claims.values() {
            by_webhook.entry(claim.webhook).or_default().push(claim);
        }
        for (webhook, claims) in by_webhook {
            let Some(first) = claims.first() else { continue };
            let context: Context =
                carrier_context(first.carrier, webhook, first.request_id.clone(), self.clock.now());
            let scans = claims.iter().map(|claim| claim.scan.clone()).collect();
            ledger.hear(order, shipment, Source::Webhook(webhook), scans, &context).map_err(|refusal| {
                Error::Corrupt { table: "shipments", row: shipment.to_string(), what: refusal.to_string() }
            })?;
        }
        Ok(())
    }
}

fn filter(replay: &Replay) -> WebhookFilter {
    let states = WebhookState::ALL.into_iter().filter(|state| *state != WebhookState::Pending);
    WebhookFilter {
        sender: replay.sender.map(|sender| sender.as_str().to_owned()),
        states: states.collect(),
        since: Some(replay.since),
        until: replay.until,
    }
}

/// The parcels of an order that are no longer what they were.
fn changes_between(before: &Order, after: &Order, applied: bool) -> Vec<ReplayChange> {
    let now = if applied { after } else { before };
    let reached = after.changes().transitions.iter().map(|step| step.to());
    // A walk is told of by its newest milestone.
    let mut notices: Vec<OrderStatus> = reached.filter(|status| notice::is_owed(*status)).collect();
    notices.drain(..notices.len().saturating_sub(1));
    let mut changes = Vec::new();
    for ((old, new), shown) in before.shipments().iter().zip(after.shipments()).zip(now.shipments()) {
        if old.tracking != new.tracking {
            changes.push(ReplayChange {
                order: now.head().clone(),
                shipment: shown.clone(),
                from: old.status(),
                to: new.status(),
                order_to: after.head().status,
                notices: std::mem::take(&mut notices),
            });
        }
    }
    changes
}
