//! Tests orders that replace others: the link, the refusals, and the activity on the replaced order.

use app::{Caller, reads::Extent};
use domain::{ActivityKind, Actor, ActorKind, InputField, NewOrder, OrderId, Refusal, UserId};
use persistence::read::{PageRequest, TimelineEntry};
use tests::{
    database::Database,
    on_every_database,
    shop::{Shop, customer, new_order, policy, support},
    statements::Statements,
};
use uuid::Uuid;

use super::timeline::explain;

on_every_database!(
    a_replacement_is_linked_to_the_order_it_replaces,
    an_order_replaces_one_of_the_same_customer_only,
    only_staff_link_orders,
    replacements_are_found_by_their_index,
);

async fn replace(shop: &Shop, caller: &Caller, new: NewOrder, replaced: OrderId) -> app::Result<OrderId> {
    let new = NewOrder { replaces: Some(replaced), ..new };
    Ok(shop.app.orders().place_order(caller, new, None).await?.order.id)
}

async fn a_replacement_is_linked_to_the_order_it_replaces(database: Database) {
    let shop = Shop::new(database.store);
    let old = shop.place(&[1]).await;
    let first = replace(&shop, &support(), new_order(&[1]), old).await.unwrap();
    let named = NewOrder { reference: Some("R-2".to_owned()), ..new_order(&[1]) };
    let second = replace(&shop, &support(), named, old).await.unwrap();
    assert_eq!(shop.head(first).await.replaces, Some(old));
    let found =
        shop.app.reads().replacements_of(&support(), vec![old, first], Extent::Ordinary).await.unwrap();
    let ids: Vec<_> = found[&old].iter().map(|head| head.id).collect();
    assert_eq!((ids, found.len()), (vec![first, second], 1));
    let page = PageRequest { limit: 10, from_end: false, after: None, before: None };
    let mut timelines =
        shop.app.reads().timelines_of(&support(), vec![old], &page, Extent::Ordinary).await.unwrap();
    let entries = timelines.remove(&old).unwrap().rows;
    let mut activities = entries.iter().filter_map(|entry| match entry {
        TimelineEntry::Activity(stored) => Some(stored),
        TimelineEntry::Event(_) | TimelineEntry::Scan(_) | TimelineEntry::Notification(_) => None,
    });
    let stored = activities.next().expect("an activity");
    assert_eq!(stored.activity.kind, ActivityKind::OrderReplaced);
    assert_eq!(
        stored.activity.facts,
        serde_json::json!({ "replaced_by": second.to_string(), "reference": "R-2" })
    );
    assert_eq!(shop.head(old).await.version, 1, "no event");
}

async fn an_order_replaces_one_of_the_same_customer_only(database: Database) {
    let shop = Shop::new(database.store);
    let old = shop.place(&[1]).await;
    let other = NewOrder { user_id: Some(UserId(Uuid::from_u128(7))), ..new_order(&[1]) };
    let other_id = other.id;
    for (new, replaced) in [(other, old), (new_order(&[1]), OrderId(Uuid::from_u128(404)))] {
        let refused = replace(&shop, &support(), new, replaced).await;
        assert!(
            matches!(&refused, Err(app::Error::Refused(Refusal::InvalidInput { field, .. })) if *field == InputField::Replaces),
            "{refused:?}"
        );
    }
    let reads = shop.app.reads();
    assert!(reads.order(&support(), other_id).await.unwrap().is_none(), "nothing is written");
    let found = reads.replacements_of(&support(), vec![old], Extent::Ordinary).await.unwrap();
    assert!(found.is_empty());
}

async fn only_staff_link_orders(database: Database) {
    let shop = Shop::new(database.store);
    let old = shop.place(&[1]).await;
    let actor = Actor::new(ActorKind::Customer, customer().to_string());
    let caller = Caller { actor, request_id: None, email: Some("jane@example.org".to_owned()) };
    let shop = shop.with_policy(app::Policy { customers_place_orders: true, ..policy() });
    let refused = replace(&shop, &caller, new_order(&[1]), old).await;
    assert!(matches!(refused, Err(app::Error::Refused(Refusal::Forbidden(_)))), "{refused:?}");
}

async fn replacements_are_found_by_their_index(database: Database) {
    let (store, statements) = Statements::record(&database).await;
    let shop = Shop::new(store);
    let old = shop.place(&[1]).await;
    statements.take(|_| true);
    shop.app.reads().replacements_of(&support(), vec![old], Extent::Ordinary).await.unwrap();
    let sql = statements.take(|sql| sql.contains("replaces")).remove(0);
    // In a nearly empty table, PostgreSQL prefers the index that has the wanted sequence.
    database.execute("DROP INDEX idx_order_placed").await;
    let plan = explain(&database, &sql).await;
    assert!(plan.contains("idx_order_replaces"), "{sql}:\n{plan}");
}
