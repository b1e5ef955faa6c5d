//! Reading stored webhooks again, under the meanings that carriers' codes have today.

use std::collections::{BTreeMap, HashMap};

use app::{App, Caller, webhooks};
use async_graphql::{Context, ID, InputObject, Result, SimpleObject};
use domain::{OrderId, Refusal};

use super::{
    batch_cache::ScanCache,
    enums::{OrderStatus, ShipmentStatus},
    error::{answer, bad_input},
    input::Time,
    limits::weights::{REPLAY_CHANGES, STATUSES, list},
    order::Order,
    query::{moment, sender},
    shipment::Shipment,
};

/// The most webhooks one request reads: it has to be answered in time. `milepost replay` has no such bound.
const MAX_WEBHOOKS: u64 = 20_000;

/// Which webhooks to read again.
#[derive(InputObject)]
pub struct ReplayInput {
    /// Received then or later.
    since: Time,
    /// Received before. Left out: until now.
    until: Option<Time>,
    /// Of this sender: `fedex`, `easypost`. Left out: of all.
    carrier: Option<String>,
    /// Whether to make the changes. Left out: only say what would change.
    apply: Option<bool>,
}

/// What reading webhooks again comes to.
#[derive(SimpleObject)]
pub struct ReplayResult {
    /// Webhooks that were read.
    examined: u64,
    /// Scans that read differently from what is stored.
    scans: u64,
    /// Shipments that change by that.
    #[graphql(complexity = "list(REPLAY_CHANGES, child_complexity)")]
    changes: Vec<ReplayChange>,
    /// Orders that could not be changed.
    #[graphql(complexity = "list(REPLAY_CHANGES, child_complexity)")]
    failed: Vec<ReplayFailure>,
    /// Whether the changes were made.
    applied: bool,
}

/// What reading webhooks again changes, or would change, of a shipment.
#[derive(SimpleObject)]
pub struct ReplayChange {
    /// The order as it is now.
    order: Order,
    /// The shipment as it is now.
    shipment: Shipment,
    /// How far the shipment was.
    from: ShipmentStatus,
    /// How far it is by today's meanings. The same where only its condition or its times change.
    to: ShipmentStatus,
    /// Where the order stands after it. An order never goes back.
    order_to: OrderStatus,
    /// What the customer is told because of it, noted with the first shipment of an order.
    #[graphql(complexity = "list(STATUSES, child_complexity)")]
    #[graphql(name = "notices")]
    notifications: Vec<OrderStatus>,
}

/// An order that could not be changed.
#[derive(SimpleObject)]
pub struct ReplayFailure {
    /// The order.
    order_id: ID,
    /// Why.
    message: String,
}

impl ReplayInput {
    fn read(self) -> Result<webhooks::Replay> {
        let since = moment("input.since", &self.since)?;
        let until = self.until.map(|until| moment("input.until", &until)).transpose()?;
        if until.is_some_and(|until| until < since) {
            return Err(bad_input("input.until", "is before `since`"));
        }
        Ok(webhooks::Replay {
            since,
            until,
            sender: self.carrier.map(|name| sender("input.carrier", &name)).transpose()?,
            apply: self.apply.unwrap_or_default(),
            most: Some(MAX_WEBHOOKS),
        })
    }
}

pub(super) async fn replay(ctx: &Context<'_>, input: ReplayInput) -> Result<ReplayResult> {
    let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
    let (mut changes, mut failed) = (Vec::new(), Vec::new());
    let tell = |finding| match finding {
        webhooks::Finding::Changes(change) => changes.push(*change),
        webhooks::Finding::Fails(order) => failed.push(order),
    };
    let replayed = app.replay(caller, &input.read()?, tell).await.map_err(of_input);
    let replayed = answer(ctx, replayed)?;
    let orders = orders_of(&changes);
    let scans = ScanCache::new(changes.iter().map(|change| change.shipment.id).collect());
    let change = |change: webhooks::ReplayChange| {
        let order = orders.get(&change.order.id).cloned().unwrap_or_else(|| change.order.into());
        ReplayChange {
            shipment: Shipment::of(order.clone(), change.shipment, scans.clone()),
            order,
            from: change.from.into(),
            to: change.to.into(),
            order_to: change.order_to.into(),
            notifications: change.notifications.into_iter().map(|kind| kind.status().into()).collect(),
        }
    };
    let failure = |failed: webhooks::NotReplayed| ReplayFailure {
        order_id: failed.order_id.to_string().into(),
        message: failed.error,
    };
    Ok(ReplayResult {
        examined: replayed.examined,
        scans: replayed.scans,
        changes: changes.into_iter().map(change).collect(),
        failed: failed.into_iter().map(failure).collect(),
        applied: replayed.applied,
    })
}

/// The orders of these changes, each once, so that parts of them are read together.
fn orders_of(changes: &[webhooks::ReplayChange]) -> HashMap<OrderId, Order> {
    let heads: BTreeMap<OrderId, _> =
        changes.iter().map(|change| (change.order.id, change.order.clone())).collect();
    let orders = Order::with_shared_cache(heads.values().cloned().collect());
    heads.into_keys().zip(orders).collect()
}

/// Names the field as the caller wrote it.
fn of_input(error: app::Error) -> app::Error {
    match error {
        app::Error::Refused(Refusal::InvalidInput { field, message }) => {
            Refusal::InvalidInput { field: format!("input.{field}"), message }.into()
        }
        other => other,
    }
}
