//! The tracking page, `GET /track/{token}`: a customer follows one order on it, without a login.

use app::{
    customer_text,
    links::{BadLink, Links},
};
use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
    routing::get,
};
use chrono::{DateTime, Utc};
use domain::{OrderHead, OrderStatus, Progress, Shipment, progress, text::single_line};
use persistence::{Event, Store, read};

use crate::page;

/// The route of the tracking page.
pub(crate) fn routes(links: Links, store: Store) -> Router {
    Router::new().route("/track/{token}", get(show)).with_state((links, store))
}

#[derive(Template)]
#[template(path = "track.html")]
struct Track {
    order: OrderHead,
    progress: Progress,
    steps: Vec<Step>,
    shipments: Vec<ShipmentView>,
    events: Vec<HistoryEntry>,
}

/// One step of the progress bar from placed to delivered.
struct Step {
    name: &'static str,
    reached: bool,
}

struct ShipmentView {
    carrier: &'static str,
    number: String,
    url: String,
    status: &'static str,
    trouble: Option<&'static str>,
    expected: Option<DateTime<Utc>>,
    items: Vec<String>,
}

struct HistoryEntry {
    at: DateTime<Utc>,
    what: &'static str,
}

#[derive(Template)]
#[template(path = "message.html")]
struct Message {
    title: &'static str,
    text: String,
}

async fn show(State((links, store)): State<(Links, Store)>, Path(token): Path<String>) -> Response {
    let id = match links.open_link(&token) {
        Ok(id) => id,
        Err(error) => {
            let (status, title) = match error {
                BadLink::Forged => (StatusCode::NOT_FOUND, "This link does not open"),
                BadLink::Expired => (StatusCode::GONE, "This link has expired"),
            };
            return page::html(status, &Message { title, text: error.to_string() });
        }
    };
    match load_track(&store, id).await {
        Ok(Some(track)) => page::html(StatusCode::OK, &track),
        Ok(None) => {
            let message =
                Message { title: "This link does not open", text: "There is no such order.".to_owned() };
            page::html(StatusCode::NOT_FOUND, &message)
        }
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "a tracking page was not made");
            let text = "Please try again in a moment.".to_owned();
            page::html(StatusCode::SERVICE_UNAVAILABLE, &Message { title: "Not now", text })
        }
    }
}

async fn load_track(store: &Store, id: domain::OrderId) -> persistence::Result<Option<Track>> {
    let Some(order) = read::load_order(store, id).await? else { return Ok(None) };
    let (order, items, shipments) = order.into_parts();
    let history = read::VersionRange { order_id: id, first: 1, last: order.version };
    let events = read::events_in(store, &[history]).await?;
    let progress = progress(order.status, &items, &shipments);
    let items = customer_text::items_to_show(items, &events);
    let shipments = shipments.iter().filter(|shipment| shipment.is_live()).map(|shipment| {
        let contents = shipment.lines.iter().filter_map(|line| {
            let item = items.iter().find(|item| item.id == line.item_id)?;
            Some(format!("{} × {}", line.quantity, single_line(&item.name)))
        });
        view_shipment(shipment, contents.collect())
    });
    Ok(Some(Track {
        steps: steps(&order, &events),
        shipments: shipments.collect(),
        events: events.iter().rev().map(build_history_entry).collect(),
        progress,
        order,
    }))
}

fn view_shipment(shipment: &Shipment, items: Vec<String>) -> ShipmentView {
    ShipmentView {
        carrier: shipment.carrier().display_name(),
        number: shipment.tracking_number.to_string(),
        url: shipment.tracking_number.tracking_url(),
        status: shipment.describe(),
        trouble: shipment.describe_trouble(),
        expected: shipment.expected_delivery(),
        items,
    }
}

/// The steps of the progress bar, and which of them the order has reached.
///
/// 1. A cancelled order shows only the steps that it has reached, and then "Cancelled".
/// 2. An order with a return shows all steps, and then the status of the return.
fn steps(order: &OrderHead, events: &[Event]) -> Vec<Step> {
    let marks = [
        OrderStatus::Placed,
        OrderStatus::Processing,
        OrderStatus::Shipped,
        OrderStatus::OutForDelivery,
        OrderStatus::Delivered,
    ];
    let reached = |mark: OrderStatus| events.iter().any(|event| event.to == mark);
    let marks = marks.into_iter().filter(|mark| order.status != OrderStatus::Cancelled || reached(*mark));
    let mut steps: Vec<Step> =
        marks.map(|mark| Step { name: describe_status(mark), reached: reached(mark) }).collect();
    match order.status {
        OrderStatus::Cancelled | OrderStatus::ReturnInitiated | OrderStatus::Returned => {
            steps.push(Step { name: describe_status(order.status), reached: true });
        }
        OrderStatus::Placed
        | OrderStatus::PaymentConfirmed
        | OrderStatus::Processing
        | OrderStatus::AwaitingPickup
        | OrderStatus::Shipped
        | OrderStatus::OutForDelivery
        | OrderStatus::Delivered => {}
    }
    steps
}

fn build_history_entry(event: &Event) -> HistoryEntry {
    HistoryEntry { at: event.occurred_at, what: describe_status(event.to) }
}

/// The name of a status on the page, in customers' words.
fn describe_status(status: OrderStatus) -> &'static str {
    match status {
        OrderStatus::Placed => "Ordered",
        OrderStatus::PaymentConfirmed => "Paid",
        OrderStatus::Processing => "Being packed",
        OrderStatus::AwaitingPickup => "Waiting for the carrier",
        OrderStatus::Shipped => "Shipped",
        OrderStatus::OutForDelivery => "Out for delivery",
        OrderStatus::Delivered => "Delivered",
        OrderStatus::Cancelled => "Cancelled",
        OrderStatus::ReturnInitiated => "Return under way",
        OrderStatus::Returned => "Returned",
    }
}
