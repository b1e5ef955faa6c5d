//! Tests what mails and the tracking page say of units that are not coming, of orders without shipments and of pickup
//! points.

use chrono::TimeDelta;
use domain::{ConditionKind, ItemQuantity, Meaning, OrderId, OrderStatus, Request, ShipmentStatus};
use persistence::mailbox::{self, CaughtMail};
use tests::{
    database::Database,
    front::Front,
    on_every_database,
    shop::{Shop, support},
};

on_every_database!(
    what_was_called_off_is_told_with_its_reason,
    an_order_without_shipments_says_nothing_of_parcels,
    an_order_whose_shipments_were_lost_has_nothing_shipped,
    a_shipment_at_a_pickup_point_is_ready_for_collection_there,
    one_shipment_at_a_pickup_point_does_not_speak_for_the_others,
);

async fn page(shop: &Shop, order: OrderId) -> String {
    let url = shop.app.links().tracking_url(order);
    Front::new(shop).page(url.trim_start_matches("https://shop.example.org")).await
}

async fn latest_mail(shop: &Shop) -> CaughtMail {
    shop.drain().await;
    mailbox::list_latest(&shop.store, 1).await.unwrap().remove(0)
}

async fn lines(shop: &Shop, order: OrderId, quantity: u32) -> Vec<ItemQuantity> {
    vec![ItemQuantity { item_id: shop.order(order).await.items()[0].id, quantity }]
}

async fn scan_by_hand(shop: &Shop, order: OrderId, at: usize, meaning: Meaning, location: Option<&str>) {
    let scan = app::orders::ManualScan {
        shipment_id: shop.order(order).await.shipments()[at].id,
        meaning,
        occurred_at: shop.now(),
        location: location.map(str::to_owned),
        notes: None,
    };
    shop.app.orders().record_scan(support(), scan, None).await.unwrap();
}

async fn what_was_called_off_is_told_with_its_reason(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[5]).await;
    let cancel = Request::CancelItems { lines: lines(&shop, order, 3).await, reason: "sold out".to_owned() };
    shop.ask(order, cancel).await.unwrap();
    shop.ship(order, "891").await;
    shop.wait(TimeDelta::hours(1));
    shop.scan("891", ShipmentStatus::Delivered).await;
    let mail = latest_mail(&shop).await;
    assert!(mail.text.contains("\n2 of 5 items delivered; 3 called off.\n"), "{}", mail.text);
    assert!(mail.text.contains("CALLED OFF\n  3 x Thing 1: sold out\n"), "{}", mail.text);
    assert!(mail.html.contains("2 of 5 items delivered; 3 called off.") && mail.html.contains("sold out"));
    let page = page(&shop, order).await;
    assert!(page.contains("2 of 5 items delivered; 3 called off"), "{page}");
    assert!(page.contains("<li>3 × Thing 1 <span class=\"soft\">sold out</span></li>"), "{page}");
}

async fn an_order_without_shipments_says_nothing_of_parcels(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[1]).await;
    for status in [OrderStatus::Shipped, OrderStatus::OutForDelivery, OrderStatus::Delivered] {
        shop.to(order, status).await.unwrap();
        let mail = latest_mail(&shop).await;
        for text in [&mail.text, &mail.html, &page(&shop, order).await] {
            assert!(!text.to_lowercase().contains("parcel"), "{status}: {text}");
        }
    }
}

async fn an_order_whose_shipments_were_lost_has_nothing_shipped(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[2]).await;
    for number in ["892", "893"] {
        let lines = lines(&shop, order, 1).await;
        shop.ship_lines(order, number, Some(lines)).await.unwrap();
        shop.scan(number, ShipmentStatus::InTransit).await;
    }
    shop.drain().await;
    assert_eq!(shop.status(order).await, OrderStatus::Shipped);
    for at in 0..2 {
        scan_by_hand(&shop, order, at, Meaning::Condition(ConditionKind::Lost), None).await;
        let id = shop.order(order).await.shipments()[at].id;
        shop.ask(order, Request::CancelShipment { id, reason: "lost".to_owned() }).await.unwrap();
    }
    assert_eq!(shop.status(order).await, OrderStatus::Shipped);
    let page = page(&shop, order).await;
    assert!(page.contains("nothing on its way: 0 of 2 items shipped"), "{page}");
}

async fn a_shipment_at_a_pickup_point_is_ready_for_collection_there(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[1]).await;
    shop.ship(order, "894").await;
    let waits = Meaning::Status(ShipmentStatus::AvailableForPickup);
    scan_by_hand(&shop, order, 0, waits, Some("Kiosk Sun, Main Street 5")).await;
    let mail = latest_mail(&shop).await;
    assert!(mail.subject.ends_with("is ready for collection"), "{}", mail.subject);
    assert!(mail.text.contains("Where: Kiosk Sun, Main Street 5"), "{}", mail.text);
    let page = page(&shop, order).await;
    assert!(
        page.contains("Ready for collection") && page.contains("Where: Kiosk Sun, Main Street 5"),
        "{page}"
    );
    assert!(page.contains("<li class=\"reached\">Ready for collection</li>"), "{page}");
    assert!(!page.contains("<li class=\"reached\">Out for delivery</li>"), "{page}");
}

async fn one_shipment_at_a_pickup_point_does_not_speak_for_the_others(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[2]).await;
    for number in ["895", "896"] {
        let lines = lines(&shop, order, 1).await;
        shop.ship_lines(order, number, Some(lines)).await.unwrap();
    }
    let waits = Meaning::Status(ShipmentStatus::AvailableForPickup);
    scan_by_hand(&shop, order, 0, waits, Some("Kiosk Sun")).await;
    scan_by_hand(&shop, order, 1, Meaning::Status(ShipmentStatus::OutForDelivery), None).await;
    let mail = latest_mail(&shop).await;
    assert!(mail.subject.ends_with("is out for delivery"), "{}", mail.subject);
    assert!(
        mail.text.contains("Ready for collection") && mail.text.contains("Where: Kiosk Sun"),
        "{}",
        mail.text
    );
    let page = page(&shop, order).await;
    assert!(page.contains("<li class=\"reached\">Out for delivery</li>"), "{page}");
}
