//! Tests that no operation of a supplier returns a tell-tale. They run everything that the schema has.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    super::crawler::{AnsweredOperation, Crawler, filled, find_leaks},
    Scene, by_acme, by_other, order, staff,
};
use crate::graphql::tests::world::supplier;

/// A crawler for the supplier. It already knows the refused fields, which would hide others.
async fn crawler(scene: &Scene) -> Crawler<'_> {
    let mut crawler = Crawler::new(&scene.world, supplier(), scene.pool()).await;
    crawler.queries(|name| name == "node").await;
    for field in ["Order.total", "Order.trackingUrl", "Order.userId"] {
        assert!(crawler.refused.contains(field), "{field}: {:?}", crawler.refused);
    }
    crawler
}

/// Checks that the answers contain no tell-tale, and that each field in `seen` had a value somewhere.
fn assert_discreet(answers: &[AnsweredOperation], tales: &[String], seen: &[&str]) {
    for answer in answers {
        let told = find_leaks(answer, tales);
        assert!(told.is_empty(), "{told:?} told by {}: {}", answer.query, answer.response);
    }
    let filled: BTreeSet<_> = answers.iter().flat_map(|one| filled(&one.response["data"])).collect();
    for field in seen {
        assert!(filled.contains(*field), "{field} was never seen: {filled:?}");
    }
    for field in [
        "Order.customerEmail",
        "Order.customerEmails",
        "Order.notifications",
        "OrderEvent.notes",
        "Activity.notes",
        "Activity.requestId",
        "Query.webhooks",
        "Query.unknownCodes",
    ] {
        assert!(!filled.contains(field), "{field}");
    }
}

/// Creates two reasons that the supplier may not read, and returns them: staff decline items of two suppliers in one
/// request, and staff request a return.
async fn plant_reasons(scene: &Scene) -> [String; 2] {
    let [declined, back] = ["tell-tale why declined", "tell-tale why back"];
    let world = &scene.world;
    let place = async |reference: &str, items: &[Value]| {
        let placed = world.mutate(&staff(), "placeOrder", order(reference, items)).await;
        let items = placed["order"]["items"].as_array().unwrap().iter().map(|item| item["id"].clone());
        (placed["order"]["id"].clone(), items.collect::<Vec<_>>())
    };
    let (id, items) = place("A-DECLINED", &[by_acme(), by_other()]).await;
    let input = json!({"orderId": id, "itemIds": items, "reason": declined});
    assert_eq!(world.mutate(&staff(), "declineItems", input).await["changed"], true);
    let (id, items) = place("A-BACK", &[by_acme()]).await;
    world
        .move_order(id.as_str().unwrap(), &["PAYMENT_CONFIRMED", "PROCESSING", "SHIPPED", "DELIVERED"])
        .await;
    let items = json!([{"itemId": items[0], "quantity": 1}]);
    let input = json!({"orderId": id, "items": items, "reason": back});
    assert_eq!(world.mutate(&staff(), "initiateReturn", input).await["changed"], true);
    [declined, back].map(str::to_owned)
}

#[tokio::test]
async fn support_reads_all_that_a_supplier_may_not() {
    let scene = Scene::new().await;
    let tales = [scene.tell_tales().await, plant_reasons(&scene).await.to_vec()].concat();
    let mut crawler = Crawler::new(&scene.world, staff(), scene.pool()).await;
    let answers = crawler.queries(|name| ["node", "orders", "webhooks"].contains(&name)).await;
    assert_eq!(crawler.refused.len(), 0, "{:?}", crawler.refused);
    let found: BTreeSet<&String> = answers.iter().flat_map(|answer| find_leaks(answer, &tales)).collect();
    let missing: Vec<_> = tales.iter().filter(|tale| !found.contains(tale)).collect();
    assert_eq!(missing, [] as [&String; 0], "the crawler does not find these");
}

#[tokio::test]
async fn no_field_of_any_query_tells_a_supplier_of_anybody_else() {
    let scene = Scene::new().await;
    let tales = scene.tell_tales().await;
    plant_reasons(&scene).await;
    let answers = crawler(&scene).await.queries(|_| true).await;
    let seen = [
        "Query.node",
        "Query.order",
        "Query.orderByReference",
        "Query.shipment",
        "Query.orders",
        "Query.orderEvents",
        "Order.items",
        "Order.shipments",
        "Order.progress",
        "Order.estimatedDelivery",
        "Order.events",
        "Blocker.message",
        "OrderItem.sku",
        "OrderItem.declinedAt",
        "OrderItem.returnRequested",
        "Shipment.trackingNumber",
        "Shipment.order",
        "ShipmentCondition.message",
        "ShipmentItem.item",
        "Scan.location",
        "Scan.recordedBy",
        "OrderEvent.toStatus",
        "Activity.facts",
        "TimelineConnection.edges",
        "OrderConnection.totalCount",
    ];
    assert_discreet(&answers, &tales, &seen);
}

#[tokio::test]
async fn no_field_of_any_subscription_tells_a_supplier_of_anybody_else() {
    let scene = Scene::new().await;
    let tales = scene.tell_tales().await;
    let answers = crawler(&scene).await.subscriptions().await;
    assert_discreet(&answers, &tales, &["OrderUpdate.event", "OrderUpdate.order", "Scan.location"]);
}

#[tokio::test]
async fn no_field_of_any_mutation_tells_a_supplier_of_anybody_else() {
    let scene = Scene::new().await;
    let tales = scene.tell_tales().await;
    let answers = crawler(&scene).await.mutations().await;
    let seen = [
        "ShipmentSuccess.shipment",
        "ShipmentRefused.message",
        "TransitionOrderSuccess.order",
        "InvalidTransition.blockedBy",
        "VersionConflict.order",
        "NotFound.message",
        "Forbidden.message",
        "InvalidInput.field",
    ];
    assert_discreet(&answers, &tales, &seen);
}
