//! Tests the main story in two processes. An order in two shipments gets its scans in the wrong sequence and twice; a
//! customer follows it over a socket and receives mails. The tests run with Redis working, killed and flushed.

use std::collections::HashSet;

use domain::ShipmentStatus::{self, Delivered, InTransit, OutForDelivery};
use serde_json::{Value, json};
use tests::{
    http::{Client, push},
    smtp::SmtpServer,
    socket::Socket,
    wait::until,
};

use crate::installation::{CUSTOMER, SEQUENCE, Split, fedex};

const FIRST: &str = "794600000001";
const SECOND: &str = "794600000002";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_in_two_parcels_is_followed_to_the_door() {
    let Some(shop) = Split::start().await else { return };
    let (api, worker) = (shop.api().await, shop.worker().await);
    let support = shop.support(&api).await;
    let mut followed = Followed::new(&support, &shop.customer(&api).await).await;

    push_twice(api.url(), FIRST, OutForDelivery, 20).await;
    push_twice(api.url(), FIRST, InTransit, 30).await;
    let quiet = followed.until_parcel(FIRST, "OUT_FOR_DELIVERY").await;
    assert_eq!(quiet["order"]["status"], "AWAITING_PICKUP", "the second parcel is not on its way");
    assert_eq!(quiet["order"]["progress"]["summary"], "partial shipment: 2 of 3 items shipped");
    assert_eq!(quiet["event"], Value::Null);

    push_twice(api.url(), SECOND, Delivered, 10).await;
    followed.until_status("OUT_FOR_DELIVERY").await;
    push_twice(api.url(), SECOND, OutForDelivery, 15).await;
    push_twice(api.url(), FIRST, Delivered, 5).await;
    push_twice(api.url(), SECOND, InTransit, 40).await;
    followed.until_status("DELIVERED").await;

    let caused: Vec<_> = followed.events[3..].iter().map(|event| event["requestId"].clone()).collect();
    assert_eq!(
        caused,
        [request_id(SECOND, Delivered), request_id(SECOND, Delivered), request_id(FIRST, Delivered)]
    );
    all_is_told(&shop.smtp, &support, &followed).await;
    worker.stop().await;
    api.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_when_redis_dies_and_comes_back() {
    let Some(mut shop) = Split::start().await else { return };
    let (api, _worker) = (shop.api().await, shop.worker().await);
    let support = shop.support(&api).await;
    let mut followed = Followed::new(&support, &shop.customer(&api).await).await;

    shop.redis.kill().unwrap();
    until("no readiness", async || (api.readiness().await == Some(503)).then_some(())).await;
    scans(api.url()).await;
    let other = support.place(CUSTOMER, 1).await;
    support.move_order(&other, &SEQUENCE[..2]).await;
    assert_eq!(support.order(&followed.order, "version").await["version"], 4, "nothing moves without Redis");

    shop.redis.restart().await.unwrap();
    until("readiness", async || (api.readiness().await == Some(200)).then_some(())).await;
    followed.until_status("DELIVERED").await;
    all_is_told(&shop.smtp, &support, &followed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_when_redis_is_flushed() {
    let Some(shop) = Split::start().await else { return };
    let (api, _worker) = (shop.api().await, shop.worker().await);
    let support = shop.support(&api).await;
    let mut followed = Followed::new(&support, &shop.customer(&api).await).await;

    let flush = async || shop.redis.command::<()>(&["FLUSHALL"]).await.unwrap();
    flush().await;
    push_twice(api.url(), FIRST, OutForDelivery, 20).await;
    // The flush may delete the job that reads the webhooks. Then they are read again when their lease ends, after half
    // a minute.
    flush().await;
    push_twice(api.url(), FIRST, InTransit, 30).await;
    flush().await;
    followed.until_parcel(FIRST, "OUT_FOR_DELIVERY").await;
    push_twice(api.url(), SECOND, Delivered, 10).await;
    followed.until_status("OUT_FOR_DELIVERY").await;
    // The lease of a notification lasts five minutes, so wait until all are sent, to flush no job of a notification.
    settled(&support, &followed.order).await;
    flush().await;
    push_twice(api.url(), FIRST, Delivered, 5).await;
    followed.until_status("DELIVERED").await;
    all_is_told(&shop.smtp, &support, &followed).await;
}

/// Posts all scans of both parcels in a wrong sequence, each twice.
async fn scans(url: &str) {
    push_twice(url, FIRST, OutForDelivery, 20).await;
    push_twice(url, FIRST, InTransit, 30).await;
    push_twice(url, SECOND, Delivered, 10).await;
    push_twice(url, SECOND, OutForDelivery, 15).await;
    push_twice(url, FIRST, Delivered, 5).await;
    push_twice(url, SECOND, InTransit, 40).await;
}

/// Posts a scan of FedEx twice, as a sender does that is not sure about the answer.
async fn push_twice(url: &str, number: &str, status: ShipmentStatus, minutes_ago: i64) {
    let body = fedex(number, status, minutes_ago);
    assert_eq!(push(url, &body, Some(&request_id(number, status))).await, 200);
    assert_eq!(push(url, &body, Some("again")).await, 200);
}

fn request_id(number: &str, status: ShipmentStatus) -> String {
    format!("push/{number}/{status}")
}

/// An order with two registered shipments, and the socket on which the customer follows it.
struct Followed {
    order: String,
    socket: Socket,
    /// The events received so far, without the placement.
    events: Vec<Value>,
}

impl Followed {
    async fn new(support: &Client, customer: &Client) -> Self {
        let order = support.place(CUSTOMER, 3).await;
        let mut socket = Socket::open(customer).await;
        socket.follow(&order, None);
        let present = socket.update().await;
        assert_eq!((&present["event"], &present["order"]["status"]), (&Value::Null, &json!("PLACED")));
        support.move_order(&order, &SEQUENCE[..2]).await;
        for (number, quantity) in [(FIRST, 2), (SECOND, 1)] {
            let shipped = support.ship(&order, number, quantity).await;
            assert_eq!(shipped["shipment"]["status"], "LABEL_CREATED", "{shipped}");
        }
        let mut followed = Self { order, socket, events: Vec::new() };
        followed.until_status("AWAITING_PICKUP").await;
        followed
    }

    /// Reads updates until the order event with this status.
    async fn until_status(&mut self, status: &str) {
        while self.events.last().is_none_or(|event| event["toStatus"] != status) {
            self.read().await;
        }
    }

    /// Reads updates until one shows the shipment with this status. Returns that update.
    async fn until_parcel(&mut self, number: &str, status: &str) -> Value {
        loop {
            let update = self.read().await;
            let parcels = update["order"]["shipments"].as_array();
            if parcels.expect("a list").contains(&json!({"trackingNumber": number, "status": status})) {
                return update;
            }
        }
    }

    /// Reads one update. Checks that events are received once, in order and without gaps.
    async fn read(&mut self) -> Value {
        let update = self.socket.update().await;
        if !update["event"].is_null() {
            assert_eq!(update["event"]["version"], self.events.len() + 2, "{update}");
            self.events.push(update["event"].clone());
        }
        update
    }
}

/// Checks that each transition happened once, and that the customer received a mail for each notification that was
/// sent.
async fn all_is_told(smtp: &SmtpServer, support: &Client, followed: &Followed) {
    let order = &followed.order;
    let statuses: Vec<_> = followed.events.iter().map(|event| &event["toStatus"]).collect();
    assert_eq!(statuses, SEQUENCE);
    for event in &followed.events[3..] {
        let caused_by = event["requestId"].as_str().unwrap_or_default();
        assert!(caused_by.starts_with("push/"), "{event}");
    }
    assert_eq!(support.order(order, "events { totalCount }").await["events"]["totalCount"], 7);

    let sent = settled(support, order).await;
    assert!(sent.contains(&format!("notify-{order}-delivered")), "{sent:?}");
    let allowed =
        ["shipped", "out_for_delivery", "delivered"].map(|status| format!("notify-{order}-{status}"));
    assert!(sent.iter().all(|key| allowed.contains(key)), "{sent:?}");
    let mails: Vec<_> = smtp.mails().iter().map(|mail| mail.message_id()).collect();
    assert_eq!(mails.len(), sent.len(), "one mail for each notification: {mails:?}");
    for key in &sent {
        assert_eq!(mails.iter().filter(|id| id.contains(key.as_str())).count(), 1, "{key} in {mails:?}");
    }
}

/// Waits until no notification of the order is queued. Returns the keys of those that were sent; the others were
/// suppressed, because a newer one superseded them.
async fn settled(support: &Client, order: &str) -> HashSet<String> {
    until("the mails", async || {
        let notifications = support.order(order, "notifications { key state }").await["notifications"].take();
        let notifications = notifications.as_array().expect("a list");
        let sent = notifications.iter().filter(|notification| notification["state"] == "SENT");
        let keys = sent.filter_map(|notification| notification["key"].as_str()).map(str::to_owned).collect();
        notifications.iter().all(|notification| notification["state"] != "QUEUED").then_some(keys)
    })
    .await
}
