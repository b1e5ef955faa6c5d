//! Tests that texts written by a customer or a supplier appear in no mail and on no page of the shop.

use app::{
    Caller, Policy,
    orders::{Command, ManualScan},
};
use chrono::TimeDelta;
use domain::{
    Actor, ActorKind, Carrier, Meaning, NewOrder, NewShipment, OrderId, OrderStatus, Origin, OriginKind,
    Request, ShipmentId, ShipmentStatus, TrackingNumber,
};
use persistence::mailbox::{self, CaughtMail};
use tests::{
    database::Database,
    front::Front,
    on_every_database,
    shop::{Shop, customer, new_order, policy, support},
};
use uuid::Uuid;

on_every_database!(
    an_order_that_a_customer_placed_is_mailed_and_shown_without_its_words,
    a_customers_reason_for_cancelling_is_not_mailed,
    the_shops_own_reason_is_mailed,
    a_place_that_a_supplier_names_is_not_mailed,
);

/// A text that a stranger tries to show to others in the shop's name.
const BAIT: &str = "https://evil.example call 555-0100";

fn jane() -> Caller {
    let actor = Actor::new(ActorKind::Customer, customer().to_string());
    Caller { actor, request_id: None, email: Some("jane@example.org".to_owned()) }
}

/// Creates a shop whose customers place orders themselves.
fn open_shop(database: &Database) -> Shop {
    let policy = Policy { customers_place_orders: true, ..policy() };
    Shop::new(database.store.clone()).with_policy(policy)
}

async fn ask(shop: &Shop, caller: &Caller, order_id: OrderId, request: Request) {
    let ask = Command { caller: caller.clone(), order_id, request, expected_version: None, key: None };
    shop.app.orders().execute(ask).await.expect("it is granted");
}

async fn mails(shop: &Shop) -> Vec<CaughtMail> {
    shop.drain().await;
    mailbox::list_latest(&shop.store, 100).await.expect("the mailbox opens")
}

fn assert_free_of_bait(mail: &CaughtMail) {
    for text in [&mail.subject, &mail.text, &mail.html] {
        assert!(!text.contains("evil.example") && !text.contains("555-0100"), "{text}");
    }
}

fn cancel(notes: &str) -> Request {
    Request::Transition { to: OrderStatus::Cancelled, notes: Some(notes.to_owned()), metadata: None }
}

async fn an_order_that_a_customer_placed_is_mailed_and_shown_without_its_words(database: Database) {
    let shop = open_shop(&database);
    let mut new = NewOrder { notes: Some(BAIT.to_owned()), customer_email: None, ..new_order(&[2, 1]) };
    for item in &mut new.items {
        item.name = BAIT.to_owned();
        item.sku = BAIT.to_owned();
    }
    let order =
        shop.app.orders().place_order(&jane(), new, None).await.expect("customers may place").order.id;
    shop.to(order, OrderStatus::PaymentConfirmed).await.unwrap();
    shop.to(order, OrderStatus::Processing).await.unwrap();
    shop.ship(order, "777").await;
    shop.wait(TimeDelta::hours(1));
    shop.scan("777", ShipmentStatus::InTransit).await;
    let mails = mails(&shop).await;
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].recipient, "jane@example.org", "the address is the token's");
    assert_free_of_bait(&mails[0]);
    assert!(
        mails[0].text.contains("2 x Item 1") && mails[0].text.contains("1 x Item 2"),
        "{}",
        mails[0].text
    );

    let url = shop.app.links().tracking_url(order);
    let page = Front::new(&shop).page(url.trim_start_matches("https://shop.example.org")).await;
    assert!(page.contains("2 × Item 1") && !page.contains("evil.example"), "{page}");
}

async fn a_customers_reason_for_cancelling_is_not_mailed(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.place(&[1]).await;
    ask(&shop, &jane(), order, cancel(BAIT)).await;
    let mails = mails(&shop).await;
    assert_eq!(mails.len(), 1, "the customer is told that it is cancelled");
    assert_free_of_bait(&mails[0]);
    assert!(mails[0].text.contains("1 x Thing 1"), "names that the shop gave are shown: {}", mails[0].text);
    assert!(!mails[0].text.contains("Reason"), "{}", mails[0].text);
}

async fn the_shops_own_reason_is_mailed(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.place(&[1]).await;
    ask(&shop, &support(), order, cancel("the teapot\nis sold out")).await;
    let mails = mails(&shop).await;
    assert!(mails[0].text.contains("Reason: the teapot is sold out"), "{}", mails[0].text);
}

async fn a_place_that_a_supplier_names_is_not_mailed(database: Database) {
    for by_supplier in [true, false] {
        let shop = Shop::new(database.store.clone());
        let mut new = new_order(&[1]);
        new.items[0].origin = Some(Origin { kind: OriginKind::Supplier, code: "acme".to_owned() });
        let order = shop.app.orders().place_order(&support(), new, None).await.unwrap().order.id;
        shop.to(order, OrderStatus::PaymentConfirmed).await.unwrap();
        shop.to(order, OrderStatus::Processing).await.unwrap();
        let acme = Caller { actor: Actor::new(ActorKind::Supplier, "acme"), request_id: None, email: None };
        let shipment = NewShipment {
            id: ShipmentId(Uuid::now_v7()),
            tracking_number: TrackingNumber::parse(Carrier::FEDEX, &format!("ACME-{by_supplier}")).unwrap(),
            further_numbers: vec![],
            shares_numbers: false,
            origin: None,
            lines: None,
            estimated_delivery: None,
        };
        let shipped = shop.app.orders().create_shipment(acme.clone(), order, shipment, None).await.unwrap();
        let manual_scan = ManualScan {
            shipment_id: shipped.shipment.expect("a parcel").id,
            meaning: Meaning::Status(ShipmentStatus::AvailableForPickup),
            occurred_at: shop.now(),
            location: Some(BAIT.to_owned()),
            notes: None,
        };
        let caller = if by_supplier { acme } else { support() };
        shop.app.orders().record_scan(caller, manual_scan, None).await.unwrap();
        let mails = mails(&shop).await;
        assert!(mails[0].subject.contains("ready for collection"), "{}", mails[0].subject);
        assert_eq!(mails[0].text.contains(BAIT), !by_supplier, "{}", mails[0].text);
    }
}
