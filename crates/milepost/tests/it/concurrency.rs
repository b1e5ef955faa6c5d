//! Tests simultaneous requests at two api processes: exactly one of them makes the change.

use futures::future::join_all;
use serde_json::{Value, json};
use tests::http::Client;

use crate::installation::{CUSTOMER, SEQUENCE, Split};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_rivals_at_two_processes_exactly_one_changes_the_order() {
    let Some(shop) = Split::start().await else { return };
    let (one, other) = (shop.api().await, shop.api().await);
    let support = shop.support(&one).await;
    let callers = [support.clone(), support.at(&other)];
    for competitors in [2, 8, 64] {
        let order = support.place(CUSTOMER, 1).await;
        let same = json!({"orderId": order, "to": "PAYMENT_CONFIRMED"});
        let answers = race(&callers, competitors, |_| ("transitionOrder", same.clone())).await;
        assert_eq!(count(&answers, |one| one["changed"] == true), 1, "{answers:?}");
        assert_eq!(count(&answers, |one| one["changed"] == false), competitors - 1, "{answers:?}");

        let answers = race(&callers, competitors, |at| {
            let to = if at % 2 == 0 { "PROCESSING" } else { "CANCELLED" };
            ("transitionOrder", json!({"orderId": order, "to": to, "expectedVersion": 2}))
        });
        let answers = answers.await;
        assert_eq!(count(&answers, |one| one["changed"] == true), 1, "{answers:?}");
        let lost = |one: &Value| one["changed"] == false || one["__typename"] == "VersionConflict";
        assert_eq!(count(&answers, lost), competitors - 1, "{answers:?}");
        assert_eq!(support.order(&order, "version").await["version"], 3);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_rivals_for_the_same_units_exactly_one_gets_them() {
    let Some(shop) = Split::start().await else { return };
    let (one, other) = (shop.api().await, shop.api().await);
    let support = shop.support(&one).await;
    let callers = [support.clone(), support.at(&other)];
    for competitors in [2, 8, 64] {
        // Each request ships two of the three units. The order's status does not change, so its version cannot decide
        // which request wins.
        let order = support.place(CUSTOMER, 3).await;
        support.move_order(&order, &SEQUENCE[..2]).await;
        let item = support.order(&order, "items { id }").await["items"][0]["id"].take();
        let answers = race(&callers, competitors, |at| {
            let items = json!([{"itemId": item, "quantity": 2}]);
            let number = format!("{competitors:04}{at:08}");
            (
                "createShipment",
                json!({"orderId": order, "carrier": "FEDEX", "trackingNumber": number, "items": items}),
            )
        });
        let answers = answers.await;
        assert_eq!(count(&answers, |one| one["__typename"] == "ShipmentSuccess"), 1, "{answers:?}");
        assert_eq!(
            count(&answers, |one| one["__typename"] == "OverAllocated"),
            competitors - 1,
            "{answers:?}"
        );
    }
}

/// Sends all requests at once, alternating between the processes.
async fn race(
    callers: &[Client; 2],
    competitors: usize,
    ask: impl Fn(usize) -> (&'static str, Value),
) -> Vec<Value> {
    join_all((0..competitors).map(|at| {
        let (name, input) = ask(at);
        callers[at % 2].mutate(name, input)
    }))
    .await
}

fn count(answers: &[Value], of: impl Fn(&Value) -> bool) -> usize {
    answers.iter().filter(|answer| of(answer)).count()
}
