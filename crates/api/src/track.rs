//! The tracking page, `GET /track/{token}`: a customer follows one order on it, without a login.
//!
//! `show_order_page` serves it. `load_track` is `None` if the order does not exist. `build_steps` makes the progress
//! bar; a step that the shipments deny (`denies_status`) is not reached.

use app::{
    App,
    customer_text::{self, CalledOff, is_ready_for_collection},
    links::BadLink,
};
use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
    routing::get,
};
use chrono::{DateTime, NaiveDate, Utc};
use domain::{
    CarrierDirectory, Item, OrderHead, OrderStatus, Progress, Rank, Shipment, ShipmentStatus,
    is_status_disputed, progress, text::single_line,
};
use persistence::{Event, Store, read};

use crate::page;

/// The route of the tracking page.
pub(crate) fn routes(app: &App, store: Store) -> Router {
    Router::new().route("/track/{token}", get(show_order_page)).with_state((app.clone(), store))
}

#[derive(Template)]
#[template(path = "track.html")]
struct Track {
    order: OrderHead,
    progress: Progress,
    steps: Vec<Step>,
    shipments: Vec<ShipmentView>,
    called_off: Vec<CalledOff>,
    events: Vec<HistoryEntry>,
}

/// One step of the progress bar from placed to delivered.
struct Step {
    name: &'static str,
    reached: bool,
}

struct ShipmentView {
    carrier: String,
    number: String,
    url: Option<String>,
    is_return: bool,
    status: &'static str,
    trouble: Option<&'static str>,
    expected: Option<NaiveDate>,
    /// The place where it can be collected.
    place: Option<String>,
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

async fn show_order_page(State((app, store)): State<(App, Store)>, Path(token): Path<String>) -> Response {
    let id = match app.links().open_link(&token) {
        Ok(id) => id,
        Err(error) => {
            let (status, title) = match error {
                BadLink::Forged => (StatusCode::NOT_FOUND, "This link does not open"),
                BadLink::Expired => (StatusCode::GONE, "This link has expired"),
            };
            return page::html(status, &Message { title, text: error.to_string() });
        }
    };
    match load_track(&store, app.carriers(), id).await {
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

async fn load_track(
    store: &Store,
    carriers: &CarrierDirectory,
    id: domain::OrderId,
) -> persistence::Result<Option<Track>> {
    let Some(order) = read::load_order(store, id).await? else { return Ok(None) };
    let (order, items, shipments) = order.into_parts();
    let history = read::VersionRange { order_id: id, first: 1, last: order.version };
    let events = read::events_in(store, &[history]).await?;
    let progress = progress(order.status, &items, &shipments).of_closed(order.closed.is_some());
    let items = customer_text::items_to_show(items, &events);
    let places = customer_text::pickup_places(store, &shipments).await?;
    let closing = order.closed.as_ref().map(|_| describe_closing(&progress));
    let standing = Standing::new(&order, &items, &shipments);
    let steps = build_steps(&order, &shipments, closing, &events, standing);
    let shipments = shipments.iter().filter(|shipment| shipment.is_live()).map(|shipment| {
        let contents = shipment.lines.iter().filter_map(|line| {
            let item = items.iter().find(|item| item.id == line.item_id)?;
            Some(format!("{} × {}", line.quantity, single_line(&item.name)))
        });
        view_shipment(shipment, places.get(&shipment.id), contents.collect(), carriers)
    });
    let called_off = customer_text::list_called_off(&items).into_iter();
    let closed_entry =
        order.closed.as_ref().zip(closing).map(|(closed, what)| HistoryEntry { at: closed.at, what });
    let history = events
        .iter()
        .rev()
        .filter(|event| event.to == OrderStatus::Delivered || !standing.denies_status(event.to));
    let history = history.map(|event| build_history_entry(event, standing));
    Ok(Some(Track {
        steps,
        shipments: shipments.collect(),
        called_off: called_off.map(view_called_off).collect(),
        events: closed_entry.into_iter().chain(history).collect(),
        progress,
        order,
    }))
}

/// Whether the shipments are where the order stands. An order never goes back: if a delivery is retracted, it stays
/// delivered, and the page shows what is true.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// The shipments are as far as the order, or the order does not depend on them.
    Agreed,
    /// The order is delivered and a shipment is on its last leg.
    LastLeg,
    /// The order is delivered and a shipment is before its last leg.
    Behind,
}

impl Standing {
    fn new(order: &OrderHead, items: &[Item], shipments: &[Shipment]) -> Self {
        let mut live = shipments.iter().filter(|shipment| shipment.is_live());
        if !is_status_disputed(order.status, items, shipments) {
            Self::Agreed
        } else if live.all(|shipment| shipment.outbound_rank() >= Rank::OutForDelivery) {
            Self::LastLeg
        } else {
            Self::Behind
        }
    }

    /// Whether the order has not reached the status by its shipments, although it has an event of it.
    fn denies_status(self, status: OrderStatus) -> bool {
        match self {
            Self::Agreed => false,
            Self::LastLeg => status == OrderStatus::Delivered,
            Self::Behind => status == OrderStatus::Delivered || status == OrderStatus::OutForDelivery,
        }
    }
}

fn view_called_off(CalledOff { name, quantity, reason }: CalledOff) -> CalledOff {
    let reason = reason.map(|reason| single_line(&reason)).filter(|reason| !reason.is_empty());
    CalledOff { name: single_line(&name), quantity, reason }
}

fn view_shipment(
    shipment: &Shipment,
    place: Option<&String>,
    items: Vec<String>,
    carriers: &CarrierDirectory,
) -> ShipmentView {
    ShipmentView {
        carrier: carriers.name(shipment.carrier()).into_owned(),
        number: shipment.tracking_number.to_string(),
        url: carriers.tracking_url(&shipment.tracking_number),
        is_return: !shipment.is_outbound(),
        status: shipment.describe(),
        trouble: shipment.describe_trouble(),
        expected: shipment.expected_delivery().map(|expected| expected.date()),
        place: place.map(|place| single_line(place)).filter(|place| !place.is_empty()),
        items,
    }
}

/// The steps of the progress bar, and which of them the order has reached.
///
/// 1. A cancelled order shows only the steps that it has reached, and then "Cancelled".
/// 2. An order with a return shows all steps, and then the status of the return.
/// 3. While the order waits at pickup points, the step before "Delivered" is "Ready for collection".
/// 4. A closed order shows only the steps that it has reached, and then `closing`.
/// 5. A step that the shipments deny is not reached.
fn build_steps(
    order: &OrderHead,
    shipments: &[Shipment],
    closing: Option<&'static str>,
    events: &[Event],
    standing: Standing,
) -> Vec<Step> {
    let marks = [
        OrderStatus::Placed,
        OrderStatus::Processing,
        OrderStatus::Shipped,
        OrderStatus::OutForDelivery,
        OrderStatus::Delivered,
    ];
    let reached =
        |mark: OrderStatus| !standing.denies_status(mark) && events.iter().any(|event| event.to == mark);
    let has_ended = order.status == OrderStatus::Cancelled || closing.is_some();
    let marks = marks.into_iter().filter(|mark| !has_ended || reached(*mark));
    let is_ready = order.status == OrderStatus::OutForDelivery && is_ready_for_collection(shipments);
    let name = |mark| match mark == OrderStatus::OutForDelivery && is_ready {
        true => ShipmentStatus::AvailableForPickup.describe(),
        false => describe_status(mark),
    };
    let mut steps: Vec<Step> = marks.map(|mark| Step { name: name(mark), reached: reached(mark) }).collect();
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
    steps.extend(closing.map(|name| Step { name, reached: true }));
    steps
}

/// The name of the closing on the page. The reason that staff gave is not shown.
fn describe_closing(progress: &Progress) -> &'static str {
    if progress.items_total == 0 { "Called off" } else { "Closed" }
}

fn build_history_entry(event: &Event, standing: Standing) -> HistoryEntry {
    let what = match event.to == OrderStatus::Delivered && standing.denies_status(event.to) {
        true => "Reported as delivered, by mistake",
        false => describe_status(event.to),
    };
    HistoryEntry { at: event.occurred_at, what }
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
