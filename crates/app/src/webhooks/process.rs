//! Reading webhooks that are due: a batch in one transaction.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use domain::{
    Actor, ActorKind, Carrier, Context, Heard, OrderId, Scan, ScanEffect, Shipment, ShipmentId, WebhookId,
};
use persistence::{
    Error,
    due::Leased,
    orders,
    shipments::Number,
    webhooks::{self, Settled, WebhookState},
};

use super::{
    CallBack, matching,
    reading::{Reading, Said},
};
use crate::{
    App,
    error::Result,
    retry::retrying,
    scans::{Ledger, Source},
};

impl App {
    /// Reads webhooks that were leased for this. Those that somebody else has settled are passed over. Those whose
    /// sender has to be called first are left as they are and handed back.
    ///
    /// # Errors
    /// When the database fails: nothing of the batch is then done.
    pub async fn process_webhooks(&self, leased: &[Leased]) -> Result<Vec<CallBack>> {
        let call_back = retrying(|| self.process(leased)).await?;
        self.feed.poke();
        Ok(call_back)
    }

    async fn process(&self, leased: &[Leased]) -> persistence::Result<Vec<CallBack>> {
        let tx = self.store.begin().await?;
        let (mut read, mut call_back) = (Vec::new(), Vec::new());
        for webhook in webhooks::open(&tx, leased).await? {
            let leased = Leased { id: webhook.id.0, attempt: webhook.attempt };
            let Reading { webhook, said } = self.read_webhook(webhook);
            match said {
                Said::Activation(activation) => call_back.push(CallBack { leased, activation }),
                said @ (Said::Parcels(_) | Said::Nothing(_)) => {
                    read.push(Progress::of(Reading { webhook, said }));
                }
            }
        }
        read.sort_by_key(|one| (one.reading.webhook.received_at, one.reading.webhook.id));

        let numbers = super::reading::numbers(read.iter().map(|one| &one.reading));
        let holders = matching::find(&tx, &numbers).await?;
        let mut claims: BTreeMap<(OrderId, ShipmentId), BTreeMap<usize, Claims>> = BTreeMap::new();
        for (at, one) in read.iter_mut().enumerate() {
            for parcel in one.reading.take_parcels() {
                let number = (parcel.carrier, parcel.number);
                let Some(holders) = holders.get(&number) else {
                    one.waits_for.push(number);
                    continue;
                };
                for scan in parcel.scans {
                    if let Some(owner) = matching::owner(&scan, holders) {
                        let of_parcel = claims.entry((owner.order_id, owner.shipment_id)).or_default();
                        let claims = of_parcel.entry(at).or_insert_with(|| Claims::by(parcel.carrier));
                        claims.scans.push(scan);
                    }
                }
            }
        }

        let ids: Vec<OrderId> = claims.keys().map(|(order, _)| *order).collect();
        let mut loaded = orders::lock(&tx, &ids).await?;
        let shipments: Vec<ShipmentId> = claims.keys().map(|(_, shipment)| *shipment).collect();
        let mut ledger = Ledger::open(&tx, &shipments, false).await?;
        let now = self.clock.now();
        for ((order_id, shipment), claims) in claims {
            let broken =
                |what: String| Error::Corrupt { table: "shipments", row: shipment.to_string(), what };
            let order =
                loaded.get_mut(&order_id).ok_or_else(|| broken("its order is not there".to_owned()))?;
            for (at, Claims { carrier, scans }) in claims {
                let one = &mut read[at];
                let webhook = &one.reading.webhook;
                let context = carrier_context(carrier, webhook.id, webhook.request_id.clone(), now);
                let source = Source::Webhook(webhook.id);
                let codes: Vec<String> = scans.iter().map(|scan| scan.code.clone()).collect();
                // A refusal would be a fault of ours: what a carrier says of a parcel of this order is taken in.
                let done = ledger
                    .hear(order, shipment, source, scans, &context)
                    .map_err(|refusal| broken(refusal.to_string()))?;
                let parcel = order.shipments().iter().find(|parcel| parcel.id == shipment);
                let called_off = parcel.filter(|parcel| parcel.moves_though_called_off());
                for (code, heard) in codes.iter().zip(done.heard) {
                    one.note(code, &heard, called_off);
                }
            }
        }

        orders::record(&tx, &loaded.values().collect::<Vec<_>>()).await?;
        ledger.write(&tx).await?;
        let settled: Vec<Settled> = read.into_iter().map(Progress::settle).collect();
        webhooks::settle(&tx, &settled).await?;
        tx.commit().await?;
        Ok(call_back)
    }
}

/// Whose word it is that a webhook brings.
pub(super) fn carrier_context(
    carrier: Carrier,
    webhook: WebhookId,
    request_id: Option<String>,
    now: DateTime<Utc>,
) -> Context {
    let actor = Actor::new(ActorKind::Carrier, carrier.as_str());
    Context { actor, now, request_id, webhook_id: Some(webhook) }
}

/// What one webhook says of one parcel.
struct Claims {
    carrier: Carrier,
    scans: Vec<Scan>,
}

impl Claims {
    fn by(carrier: Carrier) -> Self {
        Self { carrier, scans: vec![] }
    }
}

/// A webhook on its way through a batch.
struct Progress {
    reading: Reading,
    waits_for: Vec<Number>,
    effects: BTreeMap<ScanEffect, u32>,
    again: u32,
    /// What moves although we called it off, for people.
    called_off: BTreeSet<String>,
}

impl Progress {
    fn of(reading: Reading) -> Self {
        Self { reading, waits_for: vec![], effects: BTreeMap::new(), again: 0, called_off: BTreeSet::new() }
    }

    fn note(&mut self, code: &str, heard: &Heard, called_off: Option<&Shipment>) {
        let effect = match heard {
            Heard::New(effect) | Heard::Revised(_, Some(effect)) => *effect,
            Heard::Again | Heard::Revised(_, None) => {
                self.again += 1;
                return;
            }
        };
        *self.effects.entry(effect).or_default() += 1;
        let webhook: WebhookId = self.reading.webhook.id;
        match effect {
            ScanEffect::Stale => {
                if let Some(Shipment { carrier, tracking_number, .. }) = called_off {
                    let odd =
                        format!("{} {tracking_number} was called off and moves", carrier.display_name());
                    tracing::warn!(%webhook, code, "{odd}");
                    self.called_off.insert(odd);
                }
            }
            ScanEffect::UnknownCode
            | ScanEffect::NotOurs
            | ScanEffect::ReturnLeg
            | ScanEffect::OrderClosed => {
                tracing::warn!(%webhook, code, %effect, "an odd scan is kept");
            }
            ScanEffect::Applied | ScanEffect::Informational | ScanEffect::Early => {}
        }
    }

    fn settle(self) -> Settled {
        let id = self.reading.webhook.id;
        if let Said::Nothing(reason) = self.reading.said {
            return Settled { id, state: WebhookState::Ignored, reason: Some(reason), waits_for: vec![] };
        }
        let mut parts: Vec<String> =
            self.effects.iter().map(|(effect, count)| format!("{count} {effect}")).collect();
        if self.again > 0 {
            parts.push(format!("{} seen before", self.again));
        }
        parts.extend(self.called_off);
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
