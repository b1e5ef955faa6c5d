//! Plays the whole story of the demo, and delivers an order to watch.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};

use super::{shop::Who, *};

/// A writer that keeps the output for the test.
#[derive(Clone, Default)]
struct Shown(Arc<Mutex<Vec<u8>>>);

impl Write for Shown {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shown {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_claim_of_the_story_holds_and_fits_the_screen() {
    crate::choose_tls();
    let demo = Embedded::start().await.unwrap();
    let shown = Shown::default();
    let once = Arguments { speed: 1.0, once: true };
    perform(&demo, &once, &mut Screen::to(shown.clone())).await.unwrap();
    let folder = demo.folder().to_owned();
    demo.end().await.unwrap();
    assert!(!folder.exists(), "nothing is left behind");

    let text = shown.text();
    for told in [
        "   PROCESSING          two of them leave with FedEx, the third waits",
        "✓ progress: partial shipment: 2 of 3 items shipped",
        "✓ refused, PARCELS_MOVING: ",
        "✓ the scan \"Picked up\" is kept as STALE",
        "✓ kept once; 2 copies counted and not read again",
        "✓ mail caught: \"Your order D-1005 has been cancelled\"",
        "all of them hold",
    ] {
        assert!(text.contains(told), "{told}\n{text}");
    }
    for line in text.lines().filter(|line| !line.contains("http://")) {
        assert!(line.chars().count() <= 100, "{line}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_to_be_watched_is_delivered_scan_by_scan() {
    crate::choose_tls();
    let demo = Embedded::start().await.unwrap();
    let shop = Shop::open(&demo.url, &demo.tokens).unwrap();
    let carriers = Carriers::new(&demo).unwrap();
    let order = simulation::to_watch(&shop, 1).await.unwrap();
    simulation::deliver(&carriers, &order, Duration::ZERO).await.unwrap();
    let query = "query($id: ID!) { order(id: $id) { status progress { summary } } }";
    let delivered = async {
        loop {
            let data: Value =
                shop.client(Who::Sam).ask(query, json!({ "id": order.order.id })).await.unwrap();
            if data["order"]["status"] == "DELIVERED" {
                return data;
            }
        }
    };
    let data = tokio::time::timeout(Duration::from_secs(15), delivered).await.unwrap();
    assert_eq!(data["order"]["progress"]["summary"], "delivered: 8 of 8 items");
    demo.end().await.unwrap();
}

#[test]
fn a_speed_is_a_number_above_nothing() {
    assert_eq!(speed("2.5"), Ok(2.5));
    for wrong in ["", "fast", "0", "-1", "NaN", "inf", "1e9"] {
        assert!(speed(wrong).is_err(), "{wrong}");
    }
}
