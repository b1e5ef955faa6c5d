//! Plays the whole story of the demo, and delivers an order to watch.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
    time::Duration,
};

use domain::{Actor, ActorKind};
use serde_json::{Value, json};

use super::*;

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
    crate::install_tls_provider();
    let demo = Embedded::start().await.unwrap();
    let shown = Shown::default();
    play_demo(&demo.installation, Mode::Once, &mut Screen::writing_to(shown.clone())).await.unwrap();
    let folder = demo.installation.folder.clone();
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
    crate::install_tls_provider();
    let demo = Embedded::start().await.unwrap();
    let token = (demo.installation.issue_token)(&Actor::new(ActorKind::Support, "sam")).unwrap();
    let (http, url) = (reqwest::Client::new(), format!("{}/graphql", demo.installation.url));
    let query =
        json!({ "query": "{ orders(first: 100) { nodes { reference status progress { summary } } } }" });
    let delivered = async {
        loop {
            let answer = http.post(&url).bearer_auth(&token).json(&query).send().await.unwrap();
            let data: Value = answer.json().await.unwrap();
            let orders = data["data"]["orders"]["nodes"].as_array().expect("a list of orders");
            let watched = orders.iter().find(|order| order["reference"] == "D-2001");
            if let Some(order) = watched.filter(|order| order["status"] == "DELIVERED") {
                return order.clone();
            }
        }
    };
    let mut screen = Screen::writing_to(io::sink());
    let endless = async {
        tokio::select! {
            played = play_demo(&demo.installation, Mode::Endless { speed: 1000.0 }, &mut screen) => {
                panic!("the demo ended by itself: {played:?}")
            }
            order = delivered => order,
        }
    };
    let order = tokio::time::timeout(Duration::from_secs(60), endless).await.unwrap();
    assert_eq!(order["progress"]["summary"], "delivered: 8 of 8 items");
    demo.end().await.unwrap();
}
