//! Reading webhooks that are due: a batch in one transaction. One about more parcels than [`MOST_PARCELS`] comes
//! after the others, is taken in over several transactions, and is settled with the last.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use chrono::{DateTime, Utc};
use domain::{
    Actor, ActorKind, Carrier, Context, Heard, OrderId, Scan, ScanEffect, Shipment, ShipmentId, WebhookId,
    WebhookState,
};
use persistence::{
    Error, Tx,
    due::Leased,
    orders,
    shipments::Number,
    webhooks::{self, Settled, Webhook},
};
use uuid::Uuid;

use super::{
    CallBack, MOST_BYTES, matching,
    reading::{Reading, Said},
};
use crate::{
    App,
    error::Result,
    retry::retrying,
    scans::{Ledger, Source},
};

/// The most parcels of one webhook that are taken in within one transaction: each takes locks while it runs.
const MOST_PARCELS: usize = 200;
/// The most parcels that are taken in within one transaction. PostgreSQL has some thousand locks for everybody.
const MOST_TOGETHER: usize = 500;

impl App {
    /// Reads webhooks that were leased for this. Those that somebody else has settled are passed over. Those whose
    /// sender has to be called first are left as they are and handed back.
    ///
    /// # Errors
    /// When the database fails. What was done until then is done, and is not done twice.
    pub async fn process_webhooks(&self, leased: &[Leased]) -> Result<Vec<CallBack>> {
        let mut waiting = leased.to_vec();
        // Their ids are in the order in which they came.
        waiting.sort_by_key(|one| one.id);
        let (mut call_back, mut large) = (Vec::new(), Vec::new());
        while !waiting.is_empty() {
            let batch = retrying(|| self.process(&waiting)).await?;
            call_back.extend(batch.call_back);
            large.extend(batch.large);
            waiting = batch.later;
        }
        for large in large {
            self.process_large(large).await?;
        }
        self.feed.poke();
        Ok(call_back)
    }

    /// Reads as many of these webhooks as one transaction can take, the oldest first.
    async fn process(&self, leased: &[Leased]) -> persistence::Result<Batch> {
        let tx = self.store.begin().await?;
        let ids: Vec<Uuid> = leased.iter().map(|one| one.id).collect();
        let (these, rest) = leased.split_at(webhooks::fitting(&tx, &ids, MOST_BYTES).await?);
        let mut opened = webhooks::open(&tx, these).await?;
        opened.sort_by_key(|webhook| (webhook.received_at, webhook.id));
        let (mut batch, mut read) = (Batch::default(), Vec::new());
        let mut parcels = 0;
        for webhook in opened {
            let leased = Leased { id: webhook.id.0, attempt: webhook.attempt };
            if !batch.later.is_empty() {
                batch.later.push(leased);
                continue;
            }
            let reading = self.read_webhook(webhook);
            match reading.said {
                Said::Activation(activation) => batch.call_back.push(CallBack { leased, activation }),
                Said::Parcels(ref of, _) if of.len() > MOST_PARCELS => batch.large.push(leased),
                Said::Parcels(ref of, _) if parcels + of.len() > MOST_TOGETHER => batch.later.push(leased),
                Said::Parcels(..) | Said::Nothing(_) => {
                    parcels += reading.parcels();
                    read.push(Progress::of(reading));
                }
            }
        }
        batch.later.extend(rest);
        self.take_in(&tx, &mut read).await?;
        let settled: Vec<Settled> = read.into_iter().map(Progress::settle).collect();
        webhooks::settle(&tx, &settled).await?;
        self.store.commit_repeatable(tx).await?;
        Ok(batch)
    }

    /// Reads a webhook about very many parcels, some at a time. It is settled with the last of them: whoever begins
    /// again after a crash hears some of it twice, which changes nothing.
    async fn process_large(&self, leased: Leased) -> Result<()> {
        let mut tally = Tally::default();
        for portion in 0.. {
            match retrying(|| self.process_portion(leased, portion, tally.clone())).await? {
                Some(so_far) => tally = so_far,
                None => break,
            }
        }
        Ok(())
    }

    /// Takes in some of a webhook's parcels. Nothing, where these were the last or somebody else has settled it.
    async fn process_portion(
        &self,
        leased: Leased,
        portion: usize,
        tally: Tally,
    ) -> persistence::Result<Option<Tally>> {
        let tx = self.store.begin().await?;
        let Some(webhook) = webhooks::open(&tx, &[leased]).await?.pop() else { return Ok(None) };
        let mut one = Progress { tally, ..Progress::of(self.read_webhook(webhook)) };
        let is_last = one.reading.parcels() <= (portion + 1) * MOST_PARCELS;
        one.reading.keep_parcels(portion * MOST_PARCELS, MOST_PARCELS);
        self.take_in(&tx, std::slice::from_mut(&mut one)).await?;
        let tally = one.tally.clone();
        if is_last {
            webhooks::settle(&tx, &[one.settle()]).await?;
        }
        self.store.commit_repeatable(tx).await?;
        Ok(Some(tally).filter(|_| !is_last))
    }

    /// Takes what these webhooks say into the orders of the parcels they speak of.
    async fn take_in(&self, tx: &Tx, read: &mut [Progress]) -> persistence::Result<()> {
        let again = read.iter().map(|one| &one.reading.webhook).filter(|webhook| webhook.reason.is_some());
        let again: Vec<WebhookId> = again.map(|webhook| webhook.id).collect();
        let waited = webhooks::waits(tx, &again).await?;
        let numbers = super::reading::numbers(read.iter().map(|one| &one.reading));
        let holders = matching::find(tx, &numbers).await?;
        let mut claims: BTreeMap<(OrderId, ShipmentId), BTreeMap<usize, Claims>> = BTreeMap::new();
        for (at, one) in read.iter_mut().enumerate() {
            let webhook = one.reading.webhook.id;
            for parcel in one.reading.take_parcels() {
                let number = (parcel.carrier, parcel.number);
                if !holders.knows(&number) {
                    one.tally.waits_for.push(Awaited { number, other_numbers: parcel.other_numbers });
                    continue;
                }
                // What it says of a parcel that it has waited for, it says for the first time.
                let tells_again =
                    one.reading.webhook.reason.is_some() && !waited.contains(&(webhook, number.clone()));
                for scan in parcel.scans {
                    if let Some(owner) = holders.owner(&number, &scan) {
                        let of_parcel = claims.entry((owner.order_id, owner.shipment_id)).or_default();
                        let claims =
                            of_parcel.entry(at).or_insert_with(|| Claims::by(parcel.carrier, tells_again));
                        claims.scans.push(scan);
                    }
                }
            }
        }

        let ids: Vec<OrderId> = claims.keys().map(|(order, _)| *order).collect();
        let mut loaded = orders::lock(tx, &ids).await?;
        let shipments: Vec<ShipmentId> = claims.keys().map(|(_, shipment)| *shipment).collect();
        let mut ledger = Ledger::open(tx, &shipments, false).await?;
        let now = self.clock.now();
        for ((order_id, shipment), claims) in claims {
            let broken =
                |what: String| Error::Corrupt { table: "shipments", row: shipment.to_string(), what };
            let order =
                loaded.get_mut(&order_id).ok_or_else(|| broken("its order is not there".to_owned()))?;
            for (at, Claims { carrier, scans, tells_again }) in claims {
                let one = &mut read[at];
                let webhook = &one.reading.webhook;
                let context = carrier_context(carrier, webhook.id, webhook.request_id.clone(), now);
                let source = Source::Webhook { id: webhook.id, tells_again };
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
        orders::record(tx, &loaded.values().collect::<Vec<_>>()).await?;
        ledger.write(tx).await
    }
}

/// What a transaction leaves to others.
#[derive(Default)]
struct Batch {
    /// Webhooks whose senders have to be called first.
    call_back: Vec<CallBack>,
    /// Webhooks about too many parcels for one transaction.
    large: Vec<Leased>,
    /// Webhooks that were too many together with those that were read.
    later: Vec<Leased>,
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
#[derive(Clone, Debug)]
pub(super) struct Claims {
    pub carrier: Carrier,
    pub scans: Vec<Scan>,
    /// Whether it was heard before.
    pub tells_again: bool,
}

impl Claims {
    pub fn by(carrier: Carrier, tells_again: bool) -> Self {
        Self { carrier, scans: vec![], tells_again }
    }
}

/// A webhook on its way through a batch.
struct Progress {
    reading: Reading,
    tally: Tally,
}

/// What became of what a webhook says.
#[derive(Clone, Default)]
struct Tally {
    waits_for: Vec<Awaited>,
    effects: BTreeMap<ScanEffect, u32>,
    again: u32,
    /// What moves although we called it off, for people.
    called_off: BTreeSet<String>,
}

/// A number that no parcel has yet.
#[derive(Clone)]
struct Awaited {
    number: Number,
    other_numbers: Vec<String>,
}

impl fmt::Display for Awaited {
    /// Whoever looks for a parcel that hears nothing may find the number it was registered under.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (carrier, number) = &self.number;
        write!(f, "no parcel with the {} number {number} yet", carrier.display_name())?;
        match &self.other_numbers[..] {
            [] => Ok(()),
            others => write!(f, " (also known as {})", others.join(", ")),
        }
    }
}

impl Progress {
    fn of(reading: Reading) -> Self {
        if let Said::Nothing(reason) = &reading.said {
            let Webhook { id, sender, .. } = &reading.webhook;
            tracing::warn!(webhook = %id, sender, reason, "a webhook is kept unread");
        }
        Self { reading, tally: Tally::default() }
    }

    fn note(&mut self, code: &str, heard: &Heard, called_off: Option<&Shipment>) {
        let effect = match heard {
            Heard::New(effect) | Heard::Revised(_, Some(effect)) => *effect,
            Heard::Again | Heard::Revised(_, None) => {
                self.tally.again += 1;
                return;
            }
        };
        *self.tally.effects.entry(effect).or_default() += 1;
        let webhook: WebhookId = self.reading.webhook.id;
        match effect {
            ScanEffect::Stale => {
                if let Some(Shipment { carrier, tracking_number, .. }) = called_off {
                    let odd =
                        format!("{} {tracking_number} was called off and moves", carrier.display_name());
                    tracing::warn!(%webhook, code, "{odd}");
                    self.tally.called_off.insert(odd);
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
        let Webhook { id, sender, .. } = self.reading.webhook;
        let unread = match self.reading.said {
            Said::Nothing(reason) => {
                return Settled { id, state: WebhookState::Ignored, reason: Some(reason), waits_for: vec![] };
            }
            Said::Parcels(_, unread) => unread,
            Said::Activation(_) => None,
        };
        let Tally { waits_for, effects, again, called_off } = self.tally;
        let mut parts: Vec<String> =
            effects.iter().map(|(effect, count)| format!("{count} {effect}")).collect();
        if again > 0 {
            parts.push(format!("{again} seen before"));
        }
        parts.extend(called_off);
        parts.extend(waits_for.iter().take(MOST_NAMED).map(Awaited::to_string));
        if waits_for.len() > MOST_NAMED {
            parts.push(format!("nor with {} others", waits_for.len() - MOST_NAMED));
        }
        if let Some(unread) = unread {
            tracing::warn!(webhook = %id, sender, reason = %unread, "a webhook is kept, in part unread");
            parts.push(unread.to_string());
        }
        let state = match waits_for.is_empty() {
            true => WebhookState::Processed,
            false => WebhookState::Unmatched,
        };
        let waits_for = waits_for.into_iter().map(|awaited| awaited.number).collect();
        Settled { id, state, reason: Some(parts.join(", ")), waits_for }
    }
}

/// The most numbers in the words about a webhook.
const MOST_NAMED: usize = 10;
