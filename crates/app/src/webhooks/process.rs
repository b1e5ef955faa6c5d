//! Reading webhooks: bytes to scans, scans to parcels, parcels to orders; a batch in one transaction.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use domain::{
    Actor, ActorKind, Carrier, Context, OrderId, Request, Scan, ScanEffect, ScanId, ShipmentId, WebhookId,
};
use persistence::{
    Error,
    due::Leased,
    orders, scans,
    scans::StoredScan,
    shipments::Number,
    webhooks::{self, Settled, Webhook, WebhookState},
};
use uuid::Uuid;

use super::matching;
use crate::{App, error::Result, retry::retrying};

/// The most parcels in one webhook: each takes locks while the batch runs.
const MOST_PARCELS: usize = 200;

impl App {
    /// Reads webhooks that were leased for this. Those that somebody else has settled are passed over.
    ///
    /// # Errors
    /// When the database fails: nothing of the batch is then done.
    pub async fn process_webhooks(&self, leased: &[Leased]) -> Result<()> {
        retrying(|| self.process(leased)).await?;
        self.feed.poke();
        Ok(())
    }

    async fn process(&self, leased: &[Leased]) -> persistence::Result<()> {
        let tx = self.store.begin().await?;
        let mut read: Vec<Read> =
            webhooks::open(&tx, leased).await?.into_iter().map(|webhook| self.read(webhook)).collect();
        read.sort_by_key(|one| (one.webhook.received_at, one.webhook.id));

        let numbers: HashSet<Number> = read.iter().flat_map(Read::numbers).collect();
        let numbers: Vec<Number> = numbers.into_iter().collect();
        let holders = matching::find(&tx, &numbers).await?;
        let mut claims: BTreeMap<(OrderId, ShipmentId), Vec<Claim>> = BTreeMap::new();
        for (at, one) in read.iter_mut().enumerate() {
            for parcel in std::mem::take(&mut one.parcels) {
                let number = (parcel.carrier, parcel.number);
                let Some(holders) = holders.get(&number) else {
                    one.waits_for.push(number);
                    continue;
                };
                for scan in parcel.scans {
                    if let Some(owner) = matching::owner(&scan, holders) {
                        let claim = Claim { webhook: at, carrier: number.0, scan };
                        claims.entry((owner.order_id, owner.shipment_id)).or_default().push(claim);
                    }
                }
            }
        }

        let ids: Vec<OrderId> = claims.keys().map(|(order, _)| *order).collect();
        let mut loaded = orders::lock(&tx, &ids).await?;
        let shipments: Vec<ShipmentId> = claims.keys().map(|(_, shipment)| *shipment).collect();
        let mut known = scans::of(&tx, &shipments).await?;
        let mut new = Vec::new();
        let mut again: HashMap<(ShipmentId, [u8; 32]), u32> = HashMap::new();
        let now = self.clock.now();
        for ((order_id, shipment), claims) in claims {
            let broken =
                |what: String| Error::Corrupt { table: "shipments", row: shipment.to_string(), what };
            let order =
                loaded.get_mut(&order_id).ok_or_else(|| broken("its order is not there".to_owned()))?;
            let known = known.entry(shipment).or_default();
            let mut identities: HashSet<_> = known.iter().map(|scan| scan.identity).collect();
            for (webhook, claims) in by_webhook(claims) {
                let fresh = |scan: &Scan| identities.insert(scan.identity);
                let (fresh, old) = partition(claims, fresh);
                for claim in old {
                    *again.entry((shipment, claim.scan.identity.0)).or_default() += 1;
                    read[webhook].tally.again += 1;
                }
                let Some(carrier) = fresh.first().map(|claim| claim.carrier) else { continue };
                let fresh: Vec<Scan> = fresh.into_iter().map(|claim| claim.scan).collect();
                let context = read[webhook].context(carrier, now);
                let request = Request::Scans { shipment, known: known.clone(), new: fresh.clone() };
                // A refusal would be a fault of ours: what a carrier says of a parcel of this order is taken in.
                let done =
                    order.apply(request, None, &context).map_err(|refusal| broken(refusal.to_string()))?;
                let effects = done.effects;
                for (scan, effect) in fresh.into_iter().zip(effects) {
                    read[webhook].note(&scan, effect);
                    known.push(scan.clone());
                    new.push(StoredScan {
                        id: ScanId(Uuid::now_v7()),
                        shipment_id: shipment,
                        webhook_id: Some(read[webhook].webhook.id),
                        effect,
                        recorded_at: now,
                        seen: 1,
                        scan,
                    });
                }
            }
        }

        let changed: Vec<_> = loaded.values().collect();
        orders::record(&tx, &changed).await?;
        scans::insert(&tx, &new).await?;
        scans::count_again(&tx, &again).await?;
        let settled: Vec<Settled> = read.into_iter().map(Read::settle).collect();
        webhooks::settle(&tx, &settled).await?;
        tx.commit().await?;
        Ok(())
    }

    /// What a webhook says, as far as it can be read.
    fn read(&self, webhook: Webhook) -> Read {
        let parsed = match webhook.sender.parse::<carriers::Sender>() {
            Ok(sender) => {
                sender.parse(&webhook.body, &self.policy().codes).map_err(|error| error.to_string())
            }
            Err(error) => Err(error.to_string()),
        };
        let mut read =
            Read { parcels: vec![], unreadable: None, waits_for: vec![], tally: Tally::default(), webhook };
        match parsed {
            Ok(parcels) => {
                let arrival = read.webhook.received_at;
                read.parcels = parcels
                    .into_iter()
                    .map(|parcel| Parcel {
                        carrier: parcel.carrier,
                        number: parcel.tracking_number,
                        scans: parcel.scans.into_iter().map(|scan| scan.into_scan(arrival)).collect(),
                    })
                    .collect();
                match read.parcels.len() {
                    0 => read.unreadable = Some("it speaks of no parcel".to_owned()),
                    count if count > MOST_PARCELS => {
                        read.parcels.clear();
                        read.unreadable =
                            Some(format!("it speaks of {count} parcels: {MOST_PARCELS} are taken"));
                    }
                    _ => {}
                }
            }
            Err(reason) => read.unreadable = Some(reason),
        }
        if let Some(reason) = &read.unreadable {
            tracing::warn!(webhook = %read.webhook.id, sender = read.webhook.sender, reason, "a webhook is kept unread");
        }
        read
    }
}

/// A scan on its way to its parcel, with the webhook (by place in the batch) that brought it.
struct Claim {
    webhook: usize,
    carrier: Carrier,
    scan: Scan,
}

fn by_webhook(claims: Vec<Claim>) -> BTreeMap<usize, Vec<Claim>> {
    let mut groups: BTreeMap<usize, Vec<Claim>> = BTreeMap::new();
    for claim in claims {
        groups.entry(claim.webhook).or_default().push(claim);
    }
    groups
}

fn partition(claims: Vec<Claim>, mut fresh: impl FnMut(&Scan) -> bool) -> (Vec<Claim>, Vec<Claim>) {
    claims.into_iter().partition(|claim| fresh(&claim.scan))
}

struct Parcel {
    carrier: Carrier,
    number: String,
    scans: Vec<Scan>,
}

/// A webhook on its way through a batch.
struct Read {
    webhook: Webhook,
    parcels: Vec<Parcel>,
    unreadable: Option<String>,
    waits_for: Vec<Number>,
    tally: Tally,
}

#[derive(Default)]
struct Tally {
    effects: BTreeMap<ScanEffect, u32>,
    again: u32,
}

impl Read {
    fn numbers(&self) -> impl Iterator<Item = Number> {
        self.parcels.iter().map(|parcel| (parcel.carrier, parcel.number.clone()))
    }

    fn context(&self, carrier: Carrier, now: DateTime<Utc>) -> Context {
        Context {
            actor: Actor::new(ActorKind::Carrier, carrier.as_str()),
            now,
            request_id: self.webhook.request_id.clone(),
            webhook_id: Some(self.webhook.id),
        }
    }

    fn note(&mut self, scan: &Scan, effect: ScanEffect) {
        *self.tally.effects.entry(effect).or_default() += 1;
        let webhook: WebhookId = self.webhook.id;
        match effect {
            ScanEffect::UnknownCode
            | ScanEffect::NotOurs
            | ScanEffect::ReturnLeg
            | ScanEffect::OrderClosed => {
                tracing::warn!(%webhook, code = scan.code, %effect, "an odd scan is kept");
            }
            ScanEffect::Applied | ScanEffect::Stale | ScanEffect::Informational | ScanEffect::Early => {}
        }
    }

    fn settle(self) -> Settled {
        let id = self.webhook.id;
        if let Some(reason) = self.unreadable {
            return Settled { id, state: WebhookState::Ignored, reason: Some(reason), waits_for: vec![] };
        }
        let mut parts: Vec<String> =
            self.tally.effects.iter().map(|(effect, count)| format!("{count} {effect}")).collect();
        if self.tally.again > 0 {
            parts.push(format!("{} seen before", self.tally.again));
        }
        parts.extend(self.waits_for.iter().map(|(carrier, number)| {
            format!("no parcel with the {} number {number} yet", carrier.display_name())
        }));
        let state = match self.waits_for.is_empty() {
            true => WebhookState::Processed,
            false => WebhookState::Unmatched,
        };
        Settled { id, state, reason: Some(parts.join(", ")), waits_for: self.waits_for }
    }
}
