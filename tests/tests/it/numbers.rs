//! Tests tracking numbers: different spellings of a number match, and a caller who may not ship cannot find out which
//! numbers exist.

use app::{Caller, Error};
use carriers::{Sender, SimulatedHistory, SimulatedScan};
use domain::{
    Actor, ActorKind, Carrier, ItemId, ItemQuantity, Meaning, NewShipment, OrderId, OrderStatus, Origin,
    OriginKind, Refusal, Request, ShipmentId, ShipmentRefusal, ShipmentStatus, TrackingNumber, WebhookState,
};
use tests::{
    database::Database,
    front::Front,
    on_every_database,
    shop::{Shop, customer, new_order, support},
};
use uuid::Uuid;

use super::inbox::inbox;

on_every_database!(
    a_number_of_usps_is_the_same_with_its_routing_and_without_whoever_pushes_it,
    what_waits_names_the_other_numbers_of_its_shipment,
    who_may_not_ship_cannot_find_out_about_numbers,
    a_number_that_is_refused_leaves_the_order_as_it_was,
);

/// A new shipment with USPS.
fn usps(number: &str, lines: Option<Vec<ItemQuantity>>) -> NewShipment {
    NewShipment {
        id: ShipmentId(Uuid::now_v7()),
        tracking_number: TrackingNumber::parse(Carrier::USPS, number).unwrap(),
        further_numbers: vec![],
        shares_numbers: false,
        origin: None,
        lines,
        estimated_delivery: None,
    }
}

async fn a_number_of_usps_is_the_same_with_its_routing_and_without_whoever_pushes_it(database: Database) {
    let shop = Shop::new(database.store);
    let mut numbers = 1_000..;
    for sender in [Sender::Usps, Sender::Easypost, Sender::Shippo, Sender::Aftership] {
        for (registered, pushed, waits) in
            [("42090210", "42090210", false), ("420902101234", "", true), ("", "42090210", false)]
        {
            let plain = format!("940010000000000000{}", numbers.next().unwrap());
            let order = shop.processing(&[1]).await;
            let register = async || {
                let new = usps(&format!("{registered}{plain}"), None);
                let shipment = shop
                    .app
                    .orders()
                    .create_shipment(support(), order, new, None)
                    .await
                    .unwrap()
                    .shipment
                    .unwrap();
                assert_eq!(*shipment.tracking_number, *plain);
            };
            if !waits {
                register().await;
            }
            let meaning = Meaning::Status(ShipmentStatus::Delivered);
            let scans = [SimulatedScan {
                meaning,
                at: shop.now().fixed_offset(),
                location: Some("Holbrook, NY, US"),
            }];
            let history = SimulatedHistory {
                carrier: Carrier::USPS,
                tracking_number: &format!("{pushed}{plain}"),
                scans: &scans,
                estimated_delivery: None,
                sent_at: shop.now(),
            };
            for body in sender.simulate(&history) {
                shop.push_as(sender, &body).await;
            }
            shop.drain().await;
            if waits {
                register().await;
                shop.drain().await;
            }
            assert_eq!(
                shop.status(order).await,
                OrderStatus::Delivered,
                "{sender}: {registered}, then {pushed}"
            );
            for asked in [plain.clone(), format!("420 90210 {plain}")] {
                let found = shop
                    .app
                    .reads()
                    .shipment(&support(), &TrackingNumber::parse(Carrier::USPS, &asked).unwrap())
                    .await
                    .unwrap();
                assert_eq!(found.map(|(order, _)| order.id), Some(order), "{asked}");
            }
        }
    }
}

/// Places an order with two items: three units from acme, and one unit of another supplier that is in a live shipment.
async fn shared(shop: &Shop) -> (OrderId, [ItemId; 2]) {
    let mut new = new_order(&[3, 1]);
    for (item, code) in new.items.iter_mut().zip(["acme", "bolt"]) {
        item.origin = Some(Origin { kind: OriginKind::Supplier, code: code.to_owned() });
    }
    let items = [new.items[0].id, new.items[1].id];
    let order = shop.app.orders().place_order(&support(), new, None).await.unwrap().order.id;
    let lines = Some(vec![ItemQuantity { item_id: items[1], quantity: 1 }]);
    shop.app.orders().create_shipment(support(), order, usps("HIDDEN1", lines), None).await.unwrap();
    (order, items)
}

/// Registers a live shipment of another order.
async fn live(shop: &Shop) {
    let order = shop.processing(&[1]).await;
    shop.app.orders().create_shipment(support(), order, usps("LIVE1", None), None).await.unwrap();
}

async fn refused(shop: &Shop, caller: &Caller, order: OrderId, new: NewShipment) -> Refusal {
    match shop.app.orders().create_shipment(caller.clone(), order, new, None).await {
        Err(Error::Refused(refusal)) => refusal,
        other => panic!("a refusal was expected: {other:?}"),
    }
}

fn acme() -> Caller {
    Caller { actor: Actor::new(ActorKind::Supplier, "acme"), request_id: None, email: None }
}

/// A sender pushes the main number of a shipment, but the merchant may have registered another number of it. The reason
/// of an unmatched webhook names all of them.
async fn what_waits_names_the_other_numbers_of_its_shipment(database: Database) {
    let shop = Shop::new(database.store);
    let front = Front::new(&shop);
    let ups = r#"{"trackingNumber": "92055900000000000000000001", "alternateTrackingNumber": "1Z999AA10123450010",
        "activityStatus": {"type": "I", "code": "OT"}}"#;
    let dhl = r#"{"shipments": [{"id": "4444000999", "service": "express",
        "details": {"pieceIds": ["JD014600000000000099", "JD014600000000000098"]},
        "events": [{"timestamp": "2026-01-15T10:05:00Z", "description": "Delivered"}]}]}"#;
    for (sender, body, reason) in [
        (
            Sender::Ups,
            ups,
            "no parcel with the UPS number 92055900000000000000000001 yet (also known as 1Z999AA10123450010)",
        ),
        (
            Sender::Dhl,
            dhl,
            "no parcel with the DHL number 4444000999 yet (also known as JD014600000000000099, JD014600000000000098)",
        ),
    ] {
        assert_eq!(front.post(sender, body.into()).await, 200);
        shop.drain().await;
        let waiting = inbox(&shop).await.remove(0);
        assert_eq!((waiting.state, waiting.reason.as_deref()), (WebhookState::Unmatched, Some(reason)));
    }
}

async fn who_may_not_ship_cannot_find_out_about_numbers(database: Database) {
    let shop = Shop::new(database.store);
    live(&shop).await;
    let (order, [own, theirs]) = shared(&shop).await;
    let numbers = ["LIVE1", "HIDDEN1", "FREE1"];
    let jane = Caller {
        actor: Actor::new(ActorKind::Customer, customer().to_string()),
        request_id: None,
        email: None,
    };
    for number in numbers {
        let told = refused(&shop, &jane, order, usps(number, None)).await;
        assert_eq!(
            told,
            Refusal::Forbidden("this role may not ship items of this order".to_owned()),
            "{number}"
        );
    }

    let line = |item_id, quantity| Some(vec![ItemQuantity { item_id, quantity }]);
    let elsewhere = Origin { kind: OriginKind::Supplier, code: "bolt".to_owned() };
    let probes = [
        (None, line(own, 0)),
        (None, line(own, 4)),
        (None, line(theirs, 1)),
        (None, line(ItemId(Uuid::nil()), 1)),
        (Some(elsewhere), line(own, 1)),
    ];
    let probe = async |probes: &[(Option<Origin>, Option<Vec<ItemQuantity>>)]| {
        for (origin, lines) in probes {
            let mut told = Vec::new();
            for number in numbers {
                let new = NewShipment { origin: origin.clone(), ..usps(number, lines.clone()) };
                told.push(refused(&shop, &acme(), order, new).await);
            }
            assert!(told.iter().all(|one| *one == told[2]), "{told:?}");
        }
    };
    probe(&probes).await;
    let reason = "sold out".to_owned();
    shop.ask(order, Request::DeclineItems { items: vec![own], reason: reason.clone() }).await.unwrap();
    probe(&[(None, line(own, 1)), (None, None)]).await;
    for shipment in shop.order(order).await.shipments() {
        shop.ask(order, Request::CancelShipment { id: shipment.id, reason: reason.clone() }).await.unwrap();
    }
    shop.to(order, OrderStatus::Cancelled).await.unwrap();
    probe(&[(None, line(own, 1)), (None, None)]).await;
}

async fn a_number_that_is_refused_leaves_the_order_as_it_was(database: Database) {
    let shop = Shop::new(database.store);
    live(&shop).await;
    let (order, [own, _]) = shared(&shop).await;
    let before = shop.order(order).await;
    for number in ["LIVE1", "HIDDEN1"] {
        let told = refused(&shop, &acme(), order, usps(number, None)).await;
        let message = format!("usps {number} is on its way already");
        assert_eq!(told, Refusal::Shipment { code: ShipmentRefusal::NumberInUse, message });
    }
    let told = refused(&shop, &support(), order, usps("LIVE1", None)).await;
    let message = "usps LIVE1 is on its way with another order".to_owned();
    assert_eq!(told, Refusal::Shipment { code: ShipmentRefusal::NumberInUse, message });
    let after = shop.order(order).await;
    assert_eq!((after.items(), after.shipments()), (before.items(), before.shipments()));
    assert_eq!(after.head(), before.head());
    let shipped = shop
        .app
        .orders()
        .create_shipment(acme(), order, usps("FREE1", None), None)
        .await
        .unwrap()
        .shipment
        .unwrap();
    assert_eq!(
        shipped.lines,
        [ItemQuantity { item_id: own, quantity: 3 }],
        "every unit is still there to ship"
    );
}
