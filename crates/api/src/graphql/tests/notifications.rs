//! Tests of notifications: recipients, suppression, failures and `resendNotification`.

use app::notifications::NotificationContext;
use persistence::leases::Work;
use serde_json::{Value, json};
use uuid::Uuid;

use super::world::{World, customer, supplier, support, tea};

const NOTIFICATIONS: &str = "query($id: ID!) { order(id: $id) { customerEmail customerEmails notifications {
    id key recipient state reason suppressedBecause suppressionText resends
    failures { attempt failedAt error retryable } } } }";

const RESEND: &str = "mutation($input: ResendNotificationInput!) { resendNotification(input: $input) {
    __typename ... on Problem { message } ... on InvalidInput { field }
    ... on ResendNotificationSuccess { notification { key state resends } }
    ... on NotificationQueued { notification { key state } } } }";

fn placed_with(changes: Value) -> Value {
    let mut input = tea();
    let input_fields = input.as_object_mut().expect("an object");
    input_fields.remove("customerEmail");
    input_fields.extend(changes.as_object().expect("an object").clone());
    input
}

async fn read(world: &World, caller: &app::Caller, order: &str) -> Value {
    world.data(caller, NOTIFICATIONS, json!({ "id": order })).await["order"].take()
}

/// Leases the notifications that are due, and opens them.
async fn open(world: &World) -> Vec<(persistence::leases::Leased, NotificationContext)> {
    let mut opened = vec![];
    for leased in world.app.relay().lease(Work::Notifications, 50).await.unwrap() {
        let context = world.app.notifications().open_notification(&leased).await.unwrap().expect("it is due");
        opened.push((leased, context));
    }
    opened
}

async fn fail(world: &World, reason: &str) {
    for (leased, context) in open(world).await {
        let outcome = app::notifications::Outcome::NotYet;
        let error = app::notifications::NotSent { reason: reason.to_owned(), outcome };
        world
            .app
            .notifications()
            .record_notification_failure(&context.notification, leased, &error)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn an_order_has_one_recipient_or_a_list() {
    let world = World::new().await;
    let two = ["kim@example.com", "Lee@Example.com"];
    let order = world.place(placed_with(json!({ "customerEmails": two }))).await;
    world.move_order(&order, &["CANCELLED"]).await;
    let told = read(&world, &support(), &order).await;
    assert_eq!(told["customerEmail"], "kim@example.com");
    assert_eq!(told["customerEmails"], json!(["kim@example.com", "Lee@example.com"]));
    let recipients: Vec<_> =
        told["notifications"].as_array().unwrap().iter().map(|one| &one["recipient"]).collect();
    assert_eq!(recipients, ["kim@example.com", "Lee@example.com"]);
    assert_eq!(told["notifications"][1]["key"], json!(format!("notify-{order}-cancelled-2")));

    let eleven: Vec<String> = (0..11).map(|at| format!("kim{at}@example.com")).collect();
    for (input, field) in [
        (placed_with(json!({})), "customerEmail"),
        (placed_with(json!({"customerEmail": "a@example.test;b@example.test"})), "customerEmail"),
        (
            placed_with(json!({"customerEmails": ["a@example.test", "a@example.test;b@example.test"]})),
            "customerEmails[1]",
        ),
        (placed_with(json!({"customerEmails": []})), "customerEmails"),
        (placed_with(json!({ "customerEmails": eleven })), "customerEmails"),
        (
            placed_with(json!({"customerEmail": "a@example.test", "customerEmails": ["a@example.test"]})),
            "customerEmails",
        ),
    ] {
        let refused = world.mutate(&support(), "placeOrder", input).await;
        assert_eq!(
            (&refused["__typename"], &refused["field"]),
            (&json!("InvalidInput"), &json!(field)),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn a_customer_names_only_the_own_address() {
    let world = World::new().await;
    let own = world
        .mutate(&customer(1), "placeOrder", placed_with(json!({"customerEmails": ["Kim@example.com"]})))
        .await;
    let order = own["order"]["id"].as_str().expect("it is placed");
    assert_eq!(read(&world, &customer(1), order).await["customerEmails"], json!(["kim@example.com"]));
    let two = placed_with(json!({"customerEmails": ["kim@example.com", "stranger@example.org"]}));
    let refused = world.mutate(&customer(1), "placeOrder", two).await;
    assert_eq!(
        (&refused["__typename"], &refused["field"]),
        (&json!("InvalidInput"), &json!("customerEmails[1]"))
    );
}

#[tokio::test]
async fn a_muted_order_says_why_nothing_is_sent() {
    let world = World::new().await;
    let order = world.place(placed_with(json!({"customerEmail": "kim@example.com", "notify": false}))).await;
    world.move_order(&order, &["CANCELLED"]).await;
    let notification = &read(&world, &support(), &order).await["notifications"][0];
    assert_eq!(
        (&notification["state"], &notification["reason"], &notification["suppressedBecause"]),
        (&json!("SUPPRESSED"), &json!("muted"), &json!("MUTED"))
    );
    assert_eq!(notification["suppressionText"], "the order was placed with `notify: false`");
    assert_eq!(open(&world).await.len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_are_listed_for_all_records_with_one_statement() {
    let world = World::new().await;
    let mut orders = vec![];
    for at in 0..5 {
        let order = world.place(tea()).await;
        world.move_order(&order, &["CANCELLED"]).await;
        orders.push(order);
        world.unknown(&format!("{at}"), "IT").await;
    }
    fail(&world, "E1").await;
    world.advance(10);
    fail(&world, "E2").await;
    let failures = read(&world, &support(), &orders[0]).await["notifications"][0]["failures"].take();
    assert_eq!(
        failures,
        json!([
            {"attempt": 2, "failedAt": "2026-03-01T12:10:00+00:00", "error": "E2", "retryable": true},
            {"attempt": 1, "failedAt": "2026-03-01T12:00:00+00:00", "error": "E1", "retryable": true},
        ])
    );
    let query =
        "query($first: Int) { orders(first: $first) { nodes { notifications { failures { error } } } }
        webhooks(first: $first) { nodes { failures { error } } } }";
    let one = world.cost(&support(), query, json!({"first": 1})).await;
    let five = world.cost(&support(), query, json!({"first": 5})).await;
    assert_eq!((one, five), (5, 5), "orders, notifications, their failures, webhooks, their failures");
    let query = "query($first: Int) { orders(first: $first) { nodes { timeline(first: 20) { nodes {
        ... on Notification { failures { error } } } } } } }";
    let one = world.cost(&support(), query, json!({"first": 1})).await;
    assert_eq!(world.cost(&support(), query, json!({"first": 5})).await, one, "also in the timelines");
    let timelines = world.data(&support(), query, json!({"first": 5})).await;
    assert_eq!(timelines.to_string().matches("E2").count(), 5);
    assert_eq!(
        world.code(&customer(1), "{ webhooks { nodes { failures { error } } } }", json!({})).await,
        "FORBIDDEN"
    );
}

#[tokio::test]
async fn support_sends_a_notification_again() {
    let world = World::new().await;
    let order = world.place(tea()).await;
    world.move_order(&order, &["CANCELLED"]).await;
    let id = read(&world, &support(), &order).await["notifications"][0]["id"].take();
    let resend = async |caller, input: Value| {
        world.data(&caller, RESEND, json!({ "input": input })).await["resendNotification"].take()
    };
    let input = json!({"notificationId": id, "reason": "the customer lost it", "idempotencyKey": "r1"});
    let queued = resend(support(), input.clone()).await;
    assert_eq!(
        (&queued["__typename"], &queued["notification"]["state"]),
        (&json!("NotificationQueued"), &json!("QUEUED"))
    );
    for (leased, context) in open(&world).await {
        assert!(world.app.notifications().hand_over_notification(&leased, &context).await.unwrap());
        world.app.notifications().record_notification_sent(context.notification.id).await.unwrap();
    }
    for _ in 0..2 {
        let again = resend(support(), input.clone()).await;
        let expected = json!({"key": format!("notify-{order}-cancelled"), "state": "QUEUED", "resends": 1});
        assert_eq!(
            (&again["__typename"], &again["notification"]),
            (&json!("ResendNotificationSuccess"), &expected)
        );
    }
    for (caller, input, kind) in [
        (customer(1), input.clone(), "Forbidden"),
        (supplier(), input.clone(), "Forbidden"),
        (
            support(),
            json!({"notificationId": id, "reason": "another", "idempotencyKey": "r1"}),
            "IdempotencyMismatch",
        ),
        (support(), json!({"notificationId": Uuid::nil(), "reason": "x"}), "NotFound"),
        (support(), json!({"notificationId": "7", "reason": "x"}), "InvalidInput"),
        (support(), json!({"notificationId": id, "reason": ""}), "InvalidInput"),
    ] {
        assert_eq!(resend(caller, input).await["__typename"], kind);
    }
}
