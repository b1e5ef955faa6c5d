//! Tests carriers beside the four built-in ones: an aggregator follows a shipment of any carrier, in its own spelling
//! of the name, from the registration to the mail.

use app::Policy;
use carriers::{Sender, SimulatedHistory, SimulatedScan};
use chrono::TimeDelta;
use domain::{
    Carrier, CarrierDirectory, Meaning, NewShipment, OrderId, OrderStatus, ShipmentId, ShipmentStatus,
    TrackingNumber, WebhookState, ingest::SettledWebhook,
};
use persistence::{leases::Work, mailbox, webhooks};
use tests::{
    database::Database,
    on_every_database,
    shop::{Shop, policy, support},
};
use uuid::Uuid;

use super::{
    arrivals::register,
    inbox::inbox,
    replay::{replay, since_yesterday},
};

on_every_database!(
    a_parcel_of_canada_post_is_followed_through_aftership,
    a_parcel_of_dpd_is_followed_through_easypost,
    a_parcel_of_dpd_uk_is_followed_through_shippo,
    a_carrier_in_no_list_is_followed_and_its_scans_count_once,
    a_carrier_of_the_merchant_has_its_name_and_its_page,
    what_was_ignored_for_the_carriers_sake_is_taken_up_by_a_retry,
    what_was_ignored_for_the_carriers_sake_is_taken_up_by_a_replay,
    numbers_of_two_carriers_do_not_meet,
);

fn carrier(name: &str) -> Carrier {
    Carrier::parse(name).unwrap()
}

/// Composes what an aggregator pushes about the whole way of a parcel: `reported` is its name of the carrier.
fn story(shop: &Shop, sender: Sender, name: &str, reported: &str, number: &str) -> Vec<u8> {
    use ShipmentStatus::{Delivered, InTransit, LabelCreated, OutForDelivery};
    let line = [LabelCreated, InTransit, OutForDelivery, Delivered].map(Meaning::Status);
    let at = |hours| shop.now().fixed_offset() + TimeDelta::hours(hours);
    let scans: Vec<SimulatedScan<'_>> = line
        .into_iter()
        .zip(0..)
        .map(|(meaning, hour)| SimulatedScan { meaning, at: at(hour - 4), location: Some("Ottawa, ON, CA") })
        .collect();
    let history = SimulatedHistory {
        carrier: carrier(name),
        tracking_number: number,
        scans: &scans,
        estimated_delivery: None,
        sent_at: shop.now(),
    };
    let body = String::from_utf8(sender.simulate(&history).remove(0)).unwrap();
    assert!(body.contains(&format!(r#""{reported}""#)), "{reported}: {body}");
    body.into_bytes()
}

/// Follows a parcel from the registration to the mail. The shipment is registered in the spelling `name`.
async fn follow(shop: &Shop, sender: Sender, name: &str, reported: &str, number: &str) -> OrderId {
    let placed_at = shop.now() - TimeDelta::hours(12);
    let order = shop.processing_since(&[1], placed_at).await;
    register(shop, order, carrier(name), number, None).await;
    assert_eq!(shop.status(order).await, OrderStatus::AwaitingPickup);
    shop.push_as(sender, &story(shop, sender, name, reported, number)).await;
    shop.drain().await;
    assert_eq!(shop.status(order).await, OrderStatus::Delivered);
    let webhook = inbox(shop).await.remove(0);
    assert_eq!(
        (webhook.state, webhook.reason.as_deref()),
        (WebhookState::Processed, Some("3 applied, 1 stale"))
    );
    order
}

/// The texts of the latest mail, plain and HTML.
async fn latest_mail(shop: &Shop) -> (String, String) {
    let mail = mailbox::list_latest(&shop.store, 1).await.unwrap().remove(0);
    assert!(mail.message_id.ends_with("-delivered"), "{}", mail.message_id);
    (mail.text, mail.html)
}

async fn a_parcel_of_canada_post_is_followed_through_aftership(database: Database) {
    let shop = Shop::new(database.store);
    let order = follow(&shop, Sender::Aftership, "canada_post", "canada-post", "7023210039414604").await;
    let (text, html) = latest_mail(&shop).await;
    let url = "https://www.canadapost-postescanada.ca/track-reperage/en#/details/7023210039414604";
    assert!(text.contains(&format!("Canada Post 7023210039414604\n{url}\n")), "{text}");
    assert!(html.contains(&format!("Canada Post <a href=\"{url}\"")), "{html}");
    let step = shop.events(order).await.pop().unwrap();
    assert_eq!(step.metadata.unwrap()["carrier"], "canada_post");
    assert_eq!(step.actor.id.as_deref(), Some("canada_post"));
}

async fn a_parcel_of_dpd_is_followed_through_easypost(database: Database) {
    let shop = Shop::new(database.store);
    follow(&shop, Sender::Easypost, "DPD", "DPD", "01976901234567").await;
    let (text, _) = latest_mail(&shop).await;
    assert!(text.contains("DPD 01976901234567\nhttps://tracking.dpd.de/"), "{text}");
}

async fn a_parcel_of_dpd_uk_is_followed_through_shippo(database: Database) {
    let shop = Shop::new(database.store);
    follow(&shop, Sender::Shippo, "DPD UK", "dpd_uk", "15501234567890").await;
}

async fn a_carrier_in_no_list_is_followed_and_its_scans_count_once(database: Database) {
    let shop = Shop::new(database.store);
    let order = follow(&shop, Sender::Aftership, "acme_bikes", "acme-bikes", "AB12-C").await;
    let (text, html) = latest_mail(&shop).await;
    assert!(text.contains("Acme Bikes AB12-C\n  1 x"), "no address: {text}");
    assert!(html.contains("Acme Bikes AB12-C") && !html.contains("href=\"\""), "{html}");
    // Another aggregator reports the same parcel, in lower case and with blanks in the number.
    let body = String::from_utf8(story(&shop, Sender::Shippo, "acme_bikes", "acme_bikes", "AB12-C")).unwrap();
    shop.push_as(Sender::Shippo, body.replace("AB12-C", " ab12 -c ").as_bytes()).await;
    shop.drain().await;
    assert_eq!(inbox(&shop).await[0].state, WebhookState::Processed);
    assert_eq!(shop.order(order).await.shipments()[0].status(), ShipmentStatus::Delivered);
    assert_eq!(shop.mails().await.len(), 1);
}

async fn a_carrier_of_the_merchant_has_its_name_and_its_page(database: Database) {
    let mut carriers = CarrierDirectory::default();
    carriers.add("my_local", "My Local Bikes", Some("https://bikes.example/?n={number}")).unwrap();
    let shop = Shop::new(database.store).with_policy(Policy { carriers, ..policy() });
    let order = shop.processing_since(&[1], shop.now() - TimeDelta::hours(12)).await;
    register(&shop, order, carrier("my_local"), "9-1", None).await;
    // EasyPost writes the name in one word. The setting says that it is the same carrier.
    shop.push_as(Sender::Easypost, &story(&shop, Sender::Easypost, "my_local", "MYLocal", "9-1")).await;
    shop.drain().await;
    assert_eq!(shop.status(order).await, OrderStatus::Delivered);
    let (text, _) = latest_mail(&shop).await;
    assert!(text.contains("My Local Bikes 9-1\nhttps://bikes.example/?n=9-1\n"), "{text}");
}

/// Pushes what an aggregator says of a parcel, and settles it as earlier builds did: ignored.
async fn ignore(shop: &Shop, number: &str) -> domain::WebhookId {
    let body = story(shop, Sender::Easypost, "canada_post", "CanadaPost", number);
    shop.push_as(Sender::Easypost, &body).await;
    let leased = shop.app.relay().lease(Work::Webhooks, 10).await.unwrap();
    let tx = shop.store.begin().await.unwrap();
    let id = webhooks::lock_and_load_leased(&tx, &leased).await.unwrap().remove(0).head.id;
    let reason = format!("`CanadaPost`, of {number}, is not a carrier Milepost follows");
    let settled =
        SettledWebhook { id, state: WebhookState::Ignored, reason, waits_for: vec![], says_estimate: false };
    webhooks::settle(&tx, &[settled]).await.unwrap();
    shop.store.commit(tx).await.unwrap();
    shop.drain().await;
    assert_eq!(inbox(shop).await[0].state, WebhookState::Ignored);
    id
}

async fn what_was_ignored_for_the_carriers_sake_is_taken_up_by_a_retry(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing_since(&[1], shop.now() - TimeDelta::hours(12)).await;
    register(&shop, order, carrier("canada_post"), "7023210039414604", None).await;
    let id = ignore(&shop, "7023210039414604").await;
    shop.app.inbox().retry_webhook(&support(), id).await.unwrap();
    shop.drain().await;
    assert_eq!(inbox(&shop).await[0].state, WebhookState::Processed);
    assert_eq!(shop.status(order).await, OrderStatus::Delivered);
    assert_eq!(shop.mails().await.len(), 1);
}

async fn what_was_ignored_for_the_carriers_sake_is_taken_up_by_a_replay(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing_since(&[1], shop.now() - TimeDelta::hours(12)).await;
    register(&shop, order, carrier("canada_post"), "7023210039414604", None).await;
    ignore(&shop, "7023210039414604").await;
    let dry = replay(&shop, &support(), &since_yesterday(&shop, false)).await.unwrap();
    assert_eq!((dry.scans, dry.changes.len()), (4, 1));
    assert_eq!(shop.status(order).await, OrderStatus::AwaitingPickup);
    replay(&shop, &support(), &since_yesterday(&shop, true)).await.unwrap();
    assert_eq!(shop.status(order).await, OrderStatus::Delivered);
    shop.drain().await;
    let read = inbox(&shop).await.remove(0);
    assert_eq!((read.state, read.reason.as_deref()), (WebhookState::Processed, Some("4 seen before")));
}

async fn numbers_of_two_carriers_do_not_meet(database: Database) {
    let shop = Shop::new(database.store);
    let placed_at = shop.now() - TimeDelta::hours(12);
    let one = shop.processing_since(&[1], placed_at).await;
    let other = shop.processing_since(&[1], placed_at).await;
    let third = shop.processing_since(&[1], placed_at).await;
    register(&shop, one, carrier("gls"), "5555", None).await;
    register(&shop, other, carrier("dpd"), "5555", None).await;
    let again = NewShipment {
        id: ShipmentId(Uuid::now_v7()),
        tracking_number: TrackingNumber::parse(carrier("GLS"), " 5555 ").unwrap(),
        further_numbers: vec![],
        shares_numbers: false,
        origin: None,
        lines: None,
        estimated_delivery: None,
    };
    let refused = shop.app.orders().create_shipment(support(), third, again, None).await.unwrap_err();
    assert_eq!(refused.to_string(), "gls 5555 is on its way with another order");
    shop.push_as(Sender::Aftership, &story(&shop, Sender::Aftership, "dpd", "dpd", "5555")).await;
    shop.drain().await;
    assert_eq!(shop.status(one).await, OrderStatus::AwaitingPickup);
    assert_eq!(shop.status(other).await, OrderStatus::Delivered);
}
