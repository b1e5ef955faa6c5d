//! Tests the signature check of every sender over HTTP: a genuine webhook is stored and moves the order. A webhook that
//! was changed, is not signed, is signed by another sender or is too old is answered with 401 and not stored.

use carriers::{Secrets, Sender, SimulatedHistory, SimulatedScan};
use chrono::TimeDelta;
use domain::{Carrier, Meaning, OrderStatus, ShipmentStatus};
use tests::{
    database::Database,
    front::Front,
    on_every_database,
    shop::{Shop, secrets, support},
};

use super::{arrivals::register, inbox::inbox};

on_every_database!(every_sender_is_believed_and_nobody_in_its_name);

/// Returns whether a sender signs the time of a webhook, so that an old webhook can be rejected.
fn tells_its_age(sender: Sender) -> bool {
    match sender {
        Sender::Usps | Sender::Easypost | Sender::Shippo => true,
        Sender::Fedex | Sender::Ups | Sender::Dhl | Sender::Aftership => false,
    }
}

/// Returns whether a sender signs the body. The others only send a secret with it.
fn signs(sender: Sender) -> bool {
    match sender {
        Sender::Fedex | Sender::Usps | Sender::Easypost | Sender::Shippo | Sender::Aftership => true,
        Sender::Ups | Sender::Dhl => false,
    }
}

async fn every_sender_is_believed_and_nobody_in_its_name(database: Database) {
    let shop = Shop::new(database.store);
    let front = Front::new(&shop);
    for (at, sender) in Sender::ALL.into_iter().enumerate() {
        let (number, carrier) = (format!("40400{at}"), sender.carrier().unwrap_or(Carrier::FEDEX));
        let order = shop.processing(&[1]).await;
        register(&shop, order, carrier, &number, None).await;
        let now = shop.now();
        let told = SimulatedScan {
            meaning: Meaning::Status(ShipmentStatus::OutForDelivery),
            at: now.fixed_offset(),
            location: Some("Reno, NV, US"),
        };
        let body = |sent_at| {
            let scans = &[told];
            let history = SimulatedHistory {
                carrier,
                tracking_number: &number,
                scans,
                estimated_delivery: None,
                sent_at,
            };
            sender.simulate(&history).remove(0)
        };
        let good = body(now);
        let signed = sender.sign(&secrets(sender), &good, now);
        let foreign = Secrets::new(["another secret, of 32 bytes or more".to_owned()]).unwrap();
        let mut refused = vec![
            ("no proof", vec![], good.clone()),
            ("somebody else's", sender.sign(&foreign, &good, now), good.clone()),
        ];
        if signs(sender) {
            let digit = String::from_utf8(good.clone()).unwrap().replacen(&number, &format!("50400{at}"), 1);
            refused.push(("a changed body", signed.clone(), digit.into_bytes()));
        } else {
            let changed = |(name, value): &(String, String)| (name.clone(), format!("{value}x"));
            refused.push(("a changed proof", signed.iter().map(changed).collect(), good.clone()));
        }
        if tells_its_age(sender) {
            let then = now - TimeDelta::minutes(10);
            refused.push(("too old", sender.sign(&secrets(sender), &body(then), then), body(then)));
        }
        let before = inbox(&shop).await.len();
        for (what, headers, body) in refused {
            assert_eq!(front.post_with(sender, headers, body).await, 401, "{sender}: {what}");
        }
        assert_eq!(inbox(&shop).await.len(), before, "{sender}: nothing is kept");
        assert_eq!(front.post_with(sender, signed, good).await, 200, "{sender}");
        shop.drain().await;
        assert_eq!(shop.status(order).await, OrderStatus::OutForDelivery, "{sender}");
    }
    assert_eq!(shop.app.inbox().unknown_codes(&support()).await.unwrap(), []);
}
