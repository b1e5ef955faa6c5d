//! The mutation `replayWebhooks`: it reads stored webhooks again with the meanings that carriers' codes have today.

use std::collections::{BTreeMap, HashMap};

use app::{App, Caller, webhooks};
use async_graphql::{Context, ID, InputObject, Result, SimpleObject};
use domain::{OrderId, Refusal};

use super::{
    batch_cache::ShipmentCache,
    enums::{OrderStatus, ShipmentStatus},
    error::{bad_input, convert_app_result},
    input::Time,
    input_path::build_input_path,
    limits::weights::{REPLAY_CHANGES, STATUSES, list},
    order::Order,
    query::{parse_moment, parse_sender},
    shipment::Shipment,
};

/// The maximum number of webhooks for one request, because it must be answered in time. `milepost replay` has no such
/// limit.
const MAX_WEBHOOKS: u64 = 20_000;

/// Selects the webhooks to read again.
#[derive(InputObject)]
pub struct ReplayInput {
    /// Webhooks received at this time or later.
    since: Time,
    /// Webhooks received before this time. By default, all until now.
    until: Option<Time>,
    /// Webhooks of this sender, for example `fedex` or `easypost`. By default, of all senders.
    carrier: Option<String>,
    /// Whether to make the changes. By default, the answer only says what would change.
    apply: Option<bool>,
}

/// The result of `replayWebhooks`.
#[derive(SimpleObject)]
pub struct ReplayResult {
    /// The number of webhooks that were read.
    examined: u64,
    /// The number of scans that now differ from the stored ones.
    scans: u64,
    /// The shipments that change because of these scans.
    #[graphql(complexity = "list(REPLAY_CHANGES, child_complexity)")]
    changes: Vec<ReplayChange>,
    /// The orders that could not be changed.
    #[graphql(complexity = "list(REPLAY_CHANGES, child_complexity)")]
    failed: Vec<ReplayFailure>,
    /// Whether the changes were made.
    applied: bool,
}

/// What a replay changes, or would change, in one shipment.
#[derive(SimpleObject)]
pub struct ReplayChange {
    /// The order as it is now.
    order: Order,
    /// The shipment as it is now.
    shipment: Shipment,
    /// The status of the shipment before the replay.
    from: ShipmentStatus,
    /// The status of the shipment with today's meanings. It equals `from` if only the condition or times change.
    to: ShipmentStatus,
    /// The status of the order after the replay. An order never goes back.
    order_to: OrderStatus,
    /// The statuses about which the customer gets a notification because of the replay. If several shipments of an
    /// order change, they are listed with the first one.
    #[graphql(complexity = "list(STATUSES, child_complexity)")]
    #[graphql(name = "notices")]
    notifications: Vec<OrderStatus>,
}

/// An order that a replay could not change.
#[derive(SimpleObject)]
pub struct ReplayFailure {
    /// The id of the order.
    order_id: ID,
    /// The reason, as text for people.
    message: String,
}

impl ReplayInput {
    fn read(self) -> Result<webhooks::Replay> {
        let since = parse_moment("input.since", &self.since)?;
        let until = self.until.map(|until| parse_moment("input.until", &until)).transpose()?;
        if until.is_some_and(|until| until < since) {
            return Err(bad_input("input.until", "is before `since`"));
        }
        Ok(webhooks::Replay {
            since,
            until,
            sender: self.carrier.map(|name| parse_sender("input.carrier", &name)).transpose()?,
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
    let replayed = match app.replays().replay(caller, &input.read()?, tell).await {
        Err(app::Error::Refused(Refusal::InvalidInput { field, message })) => {
            return Err(bad_input(&format!("input.{}", build_input_path(field)), message));
        }
        replayed => convert_app_result(ctx, replayed)?,
    };
    let orders = orders_of(&changes);
    let scans = ShipmentCache::new(changes.iter().map(|change| change.shipment.id).collect());
    let change = |change: webhooks::ReplayChange| {
        let order = orders.get(&change.order.id).cloned().unwrap_or_else(|| change.order.into());
        ReplayChange {
            shipment: Shipment::with_batch(order.clone(), change.shipment, scans.clone()),
            order,
            from: change.from.into(),
            to: change.to.into(),
            order_to: change.order_to.into(),
            notifications: change
                .notifications
                .into_iter()
                .filter_map(|kind| Some(kind.status()?.into()))
                .collect(),
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

/// The orders of these changes, each once, so that their parts are read together.
fn orders_of(changes: &[webhooks::ReplayChange]) -> HashMap<OrderId, Order> {
    let heads: BTreeMap<OrderId, _> =
        changes.iter().map(|change| (change.order.id, change.order.clone())).collect();
    let orders = Order::with_shared_cache(heads.values().cloned().collect());
    heads.into_keys().zip(orders).collect()
}
