//! Tests that a subscriber can resume at another process and misses no event.

use serde_json::{Value, json};
use tests::{http::Client, socket::Socket};

use crate::installation::{CUSTOMER, SEQUENCE, Split};

/// Each of the orders gets the five events of `AWAY` while the subscriber is disconnected.
const ORDERS: usize = 4;
const AWAY: &[&str] = &["PROCESSING", "AWAITING_PICKUP", "SHIPPED", "OUT_FOR_DELIVERY", "DELIVERED"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscriber_comes_back_to_another_process_and_gets_what_it_missed() {
    let Some(shop) = Split::start().await else { return };
    let (first, second, _worker) = (shop.api().await, shop.api().await, shop.worker().await);
    let support = shop.support(&second).await;
    let customer = shop.customer(&first).await;
    let mut followed = Vec::new();
    for _ in 0..ORDERS {
        followed.push((support.place(CUSTOMER, 1).await, String::new()));
    }
    let mut socket = Socket::open(&customer).await;
    for (order, cursor) in &mut followed {
        socket.follow(order, None);
        assert_eq!(socket.update().await["order"]["version"], 1);
        support.move_order(order, &SEQUENCE[..1]).await;
        let paid = socket.update().await;
        assert_eq!((&paid["order"]["id"], &paid["event"]["version"]), (&json!(order), &json!(2)));
        *cursor = paid["cursor"].as_str().unwrap().to_owned();
    }
    first.kill().await;
    drop(socket);

    for status in AWAY {
        for (order, _) in &followed {
            support.move_order(order, &[status]).await;
        }
    }

    let mut socket = Socket::open(&customer.at(&second)).await;
    for (order, cursor) in &followed {
        socket.follow(order, Some(cursor));
        for (at, status) in AWAY.iter().enumerate() {
            expect(&socket.update().await, order, json!(at + 3), status);
        }
        let present = socket.update().await;
        assert_eq!((&present["event"], &present["order"]["status"]), (&Value::Null, &json!("DELIVERED")));
    }
    goes_on(&mut socket, &support, &followed[0].0).await;
}

/// Checks that the resumed subscription receives live events.
async fn goes_on(socket: &mut Socket, support: &Client, order: &str) {
    support.move_order(order, &["RETURN_INITIATED"]).await;
    expect(&socket.update().await, order, json!(8), "RETURN_INITIATED");
}

fn expect(update: &Value, order: &str, version: Value, status: &str) {
    assert_eq!(update["order"]["id"], order);
    assert_eq!((&update["event"]["version"], &update["event"]["toStatus"]), (&version, &json!(status)));
}
