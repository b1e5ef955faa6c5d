//! The inbox, for support.

use chrono::{DateTime, Utc};
use domain::WebhookId;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryTrait, Select};
use uuid::Uuid;

use super::page::{Page, PageRequest, fetch};
use crate::{
    Result, Store,
    entity::webhook,
    webhooks::{Webhook, WebhookState},
};

/// Which webhooks.
#[derive(Clone, Debug, Default)]
pub struct WebhookFilter {
    /// Of this sender: `fedex`, `ups`.
    pub sender: Option<String>,
    /// In one of these states; empty: in any.
    pub states: Vec<WebhookState>,
    /// Received then or later.
    pub since: Option<DateTime<Utc>>,
    /// Received before.
    pub until: Option<DateTime<Utc>>,
}

fn filtered(filter: &WebhookFilter) -> Select<webhook::Entity> {
    use webhook::Column;
    let states = filter.states.iter().map(|state| state.as_str());
    webhook::Entity::find()
        .apply_if(filter.sender.as_deref(), |query, sender| query.filter(Column::Sender.eq(sender)))
        .apply_if((!filter.states.is_empty()).then_some(states), |query, states| {
            query.filter(Column::State.is_in(states))
        })
        .apply_if(filter.since, |query, at| query.filter(Column::ReceivedAt.gte(at)))
        .apply_if(filter.until, |query, at| query.filter(Column::ReceivedAt.lt(at)))
}

/// A page of the inbox, newest first.
pub async fn webhooks_page(
    store: &Store,
    filter: &WebhookFilter,
    page: &PageRequest<Uuid>,
) -> Result<Page<Webhook>> {
    let key = (webhook::Column::ReceivedAt, webhook::Column::WebhookId);
    fetch(filtered(filter), key, page, store.reader()).await?.try_map(Webhook::try_from)
}

/// How many webhooks there are.
pub async fn webhooks_count(store: &Store, filter: &WebhookFilter) -> Result<u64> {
    Ok(filtered(filter).count(store.reader()).await?)
}

/// One webhook.
pub async fn webhook(store: &Store, id: WebhookId) -> Result<Option<Webhook>> {
    webhook::Entity::find_by_id(id.0).one(store.reader()).await?.map(Webhook::try_from).transpose()
}
