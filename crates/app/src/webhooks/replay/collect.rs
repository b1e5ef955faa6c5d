//! Parses stored webhooks for a replay and routes their scans to shipments. It reads committed rows and changes
//! nothing. Webhooks that cannot be parsed, or that only ask for a callback, are left out.
//!
//! The first pass calls `parse_and_route` for each page of webhooks. The second pass calls `collect_scans_of_orders`,
//! which reads the webhooks again and keeps the scans of these orders.

use std::collections::{BTreeSet, HashSet};

use carriers::Push;
use domain::{
    OrderId, WebhookId,
    ingest::{ParsedWebhook, RoutedScans},
};
use persistence::{read, webhooks::Webhook};

use super::{PAGE, Replays};
use crate::{
    error::Result,
    webhooks::{
        MAX_BYTES,
        load_router::load_router,
        parse::{build_parsed_webhook, distinct_tracking_numbers},
    },
};

impl Replays {
    /// The scans that the webhooks have for these orders.
    pub(super) async fn collect_scans_of_orders(
        &self,
        orders: &BTreeSet<OrderId>,
        webhooks: &BTreeSet<WebhookId>,
    ) -> Result<RoutedScans> {
        let ids: Vec<WebhookId> = webhooks.iter().copied().collect();
        let mut all = RoutedScans::default();
        let mut left = &ids[..];
        while !left.is_empty() {
            let page = &left[..left.len().min(PAGE as usize)];
            let (page, rest) =
                left.split_at(read::count_webhooks_within_bytes(&self.store, page, MAX_BYTES).await?);
            left = rest;
            let mut webhooks = read::read_webhooks(&self.store, page).await?;
            webhooks.sort_by_key(|webhook| webhook.head.id);
            all.append_for_orders(self.parse_and_route(webhooks).await?, orders);
        }
        Ok(all)
    }

    /// The scans of the webhooks, routed to shipments. None of these scans counts as seen again.
    pub(super) async fn parse_and_route(&self, webhooks: Vec<Webhook>) -> Result<RoutedScans> {
        let parsed: Vec<ParsedWebhook> = webhooks
            .into_iter()
            .filter_map(|webhook| match self.inbox.parse_webhook(&webhook) {
                Push::Parcels(parcels, unread) => Some(ParsedWebhook {
                    was_settled: true,
                    ..build_parsed_webhook(webhook.head, parcels, unread)
                }),
                Push::Activation(_) | Push::Remark(_) => None,
            })
            .collect();
        let router = load_router(&self.store, &distinct_tracking_numbers(&parsed)).await?;
        let mut routed = RoutedScans::default();
        for webhook in parsed {
            routed.add(webhook, &router, &HashSet::new());
        }
        Ok(routed)
    }
}
