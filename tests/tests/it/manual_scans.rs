//! Tests manual scans, for shipments without webhooks: the same fold and the same rules apply to them.

use app::{
    Caller, Error, IdempotencyKey,
    orders::{CommandOutcome, ManualScan},
};
use chrono::TimeDelta;
use domain::{
    Actor, ActorKind, ConditionKind, Evidence, InputField, Meaning, OrderStatus, Origin, OriginKind, Refusal,
    Request, ScanEffect, ShipmentId, ShipmentRefusal, ShipmentStatus,
};
use persistence::read;
use tests::{
    database::Database,
    on_every_database,
    shop::{Shop, new_order, support},
};

on_every_database!(
    a_scan_by_hand_moves_the_order_and_says_who_saw_it,
    by_hand_and_by_webhook_are_one_history,
    each_persons_words_stay_under_their_own_name,
    a_shipment_that_is_lost_by_hand_is_cancelled_and_shipped_anew,
    what_cannot_be_is_refused_and_named,
    a_return_is_ended_by_staff_and_not_by_a_supplier,
);

fn seen(shop: &Shop, shipment_id: ShipmentId, status: ShipmentStatus) -> ManualScan {
    build_manual_scan(shop, shipment_id, Meaning::Status(status), "handed over in person")
}

fn build_manual_scan(shop: &Shop, shipment_id: ShipmentId, meaning: Meaning, notes: &str) -> ManualScan {
    let (location, notes) = (Some("Front desk".to_owned()), Some(notes.to_owned()));
    ManualScan { shipment_id, meaning, occurred_at: shop.now(), location, notes }
}

async fn record(shop: &Shop, manual_scan: ManualScan) -> app::Result<CommandOutcome> {
    shop.app.orders().record_scan(support(), manual_scan, None).await
}

async fn a_scan_by_hand_moves_the_order_and_says_who_saw_it(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[1]).await;
    let shipment = shop.ship(order, "262626").await;
    let key = IdempotencyKey::new("once".to_owned(), "recordScan", &"input").unwrap();
    for _ in 0..2 {
        let manual_scan = seen(&shop, shipment.id, ShipmentStatus::Delivered);
        let done = shop.app.orders().record_scan(support(), manual_scan, Some(key.clone())).await.unwrap();
        assert_eq!(done.order.status, OrderStatus::Delivered);
        assert_eq!(done.shipment.unwrap().status(), ShipmentStatus::Delivered);
    }
    let again = record(&shop, seen(&shop, shipment.id, ShipmentStatus::Delivered)).await.unwrap();
    assert!(!again.changed, "the same manual scan is the same scan");
    let scans = read::scans_of(&shop.store, &[shipment.id]).await.unwrap().remove(&shipment.id).unwrap();
    let [scan] = &scans[..] else { panic!("{scans:?}") };
    assert_eq!((scan.effect, scan.seen, scan.webhook_id), (ScanEffect::Applied, 2, None));
    assert_eq!(scan.recorded_by, Some(support().actor));
    assert_eq!(scan.scan.description.as_deref(), Some("handed over in person"));
    let event = shop.events(order).await.pop().unwrap();
    assert_eq!((event.to, event.actor), (OrderStatus::Delivered, support().actor));
}

async fn by_hand_and_by_webhook_are_one_history(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[1]).await;
    let shipment = shop.ship(order, "272727").await;
    record(&shop, seen(&shop, shipment.id, ShipmentStatus::OutForDelivery)).await.unwrap();
    shop.scan_at("272727", ShipmentStatus::InTransit, shop.now() - TimeDelta::hours(5)).await;
    shop.drain().await;
    assert_eq!(shop.status(order).await, OrderStatus::OutForDelivery);
    let tracking = shop.order(order).await.shipments()[0].tracking.clone();
    assert_eq!(tracking.shipped_at(), Some(shop.now() - TimeDelta::hours(5)));
}

async fn each_persons_words_stay_under_their_own_name(database: Database) {
    let shop = Shop::new(database.store);
    let mut new = new_order(&[1]);
    new.items[0].origin = Some(Origin { kind: OriginKind::Supplier, code: "acme".to_owned() });
    let order = shop.app.orders().place_order(&support(), new, None).await.unwrap().order.id;
    let shipment = shop.ship(order, "303030").await;
    let acme = Caller { actor: Actor::new(ActorKind::Supplier, "acme"), request_id: None, email: None };
    let meaning = Meaning::Status(ShipmentStatus::PickedUp);
    for (first, second) in [(&acme, &support()), (&support(), &acme)] {
        shop.wait(TimeDelta::minutes(1));
        let words = |notes: &str, place: &str| {
            let manual_scan = build_manual_scan(&shop, shipment.id, meaning, notes);
            ManualScan { location: Some(place.to_owned()), ..manual_scan }
        };
        for (caller, manual_scan) in [
            (first, words("fetched", "Dock")),
            (second, words("fetched, and much longer words of somebody else", "Dock behind Jane's home")),
        ] {
            shop.app.orders().record_scan(caller.clone(), manual_scan, None).await.unwrap();
        }
        let mut scans =
            read::scans_of(&shop.store, &[shipment.id]).await.unwrap().remove(&shipment.id).unwrap();
        scans.sort_by_key(|stored| stored.recorded_at);
        let last = scans.pop().unwrap();
        assert_eq!((last.recorded_by.as_ref(), last.seen), (Some(&first.actor), 2));
        assert_eq!(last.scan.description.as_deref(), Some("fetched"));
        assert_eq!(last.scan.location.as_deref(), Some("Dock"));
    }
}

async fn a_shipment_that_is_lost_by_hand_is_cancelled_and_shipped_anew(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[1]).await;
    let shipment = shop.ship(order, "292929").await;
    shop.scan_at("292929", ShipmentStatus::InTransit, shop.now() - TimeDelta::hours(5)).await;
    shop.drain().await;
    let cancel = Request::CancelShipment { id: shipment.id, reason: "it is lost".to_owned() };
    match shop.ask(order, cancel.clone()).await {
        Err(Error::Refused(Refusal::Shipment { code: ShipmentRefusal::AlreadyMoving, message })) => {
            assert!(message.contains("record the condition LOST or DAMAGED first"), "{message}");
        }
        other => panic!("{other:?}"),
    }
    // This scan is older than the carrier's last scan, so the progress has already ended the condition.
    let lost =
        build_manual_scan(&shop, shipment.id, Meaning::Condition(ConditionKind::Lost), "the carrier called");
    let early = ManualScan { occurred_at: shop.now() - TimeDelta::hours(6), ..lost.clone() };
    record(&shop, early).await.unwrap();
    assert_eq!(shop.order(order).await.shipments()[0].tracking.condition, None);

    let done = record(&shop, lost.clone()).await.unwrap();
    let condition = done.shipment.unwrap().tracking.condition.unwrap();
    assert_eq!((condition.kind, condition.message.as_str()), (ConditionKind::Lost, "the carrier called"));
    assert!(!record(&shop, lost).await.unwrap().changed, "the same condition is the same scan");
    let scans = read::scans_of(&shop.store, &[shipment.id]).await.unwrap().remove(&shipment.id).unwrap();
    let by_hand: Vec<_> =
        scans.iter().filter(|scan| scan.scan.code == "BY_HAND").map(|scan| scan.seen).collect();
    assert_eq!((scans.len(), by_hand), (3, vec![2, 1]));

    shop.ask(order, cancel).await.unwrap();
    let anew = shop.ship(order, "303030").await;
    assert_eq!(anew.lines, shipment.lines);
}

async fn what_cannot_be_is_refused_and_named(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[1]).await;
    let shipment = shop.ship(order, "282828").await;
    let good = seen(&shop, shipment.id, ShipmentStatus::Delivered);
    let field = |answer: app::Result<CommandOutcome>| match answer {
        Err(Error::Refused(Refusal::InvalidInput { field, .. })) => field,
        other => panic!("{other:?}"),
    };
    let at = |hours| ManualScan { occurred_at: shop.now() + TimeDelta::hours(hours), ..good.clone() };
    assert_eq!(field(record(&shop, at(2)).await), InputField::OccurredAt);
    assert_eq!(field(record(&shop, at(-30)).await), InputField::OccurredAt);
    let nul = |text: &str| Some(format!("{text}\0"));
    assert_eq!(
        field(record(&shop, ManualScan { location: nul("x"), ..good.clone() }).await),
        InputField::Location
    );
    assert_eq!(field(record(&shop, ManualScan { notes: nul("x"), ..good.clone() }).await), InputField::Notes);
    assert_eq!(
        field(record(&shop, seen(&shop, shipment.id, ShipmentStatus::Cancelled)).await),
        InputField::Status
    );
    let nowhere = seen(&shop, ShipmentId(uuid::Uuid::nil()), ShipmentStatus::Delivered);
    assert!(matches!(record(&shop, nowhere).await, Err(Error::Refused(Refusal::NotFound("shipment")))));
    let customer = Actor::new(ActorKind::Customer, tests::shop::customer().to_string());
    let customer = Caller { actor: customer, request_id: None, email: None };
    let refused = shop.app.orders().record_scan(customer, good, None).await;
    assert!(matches!(refused, Err(Error::Refused(Refusal::Forbidden(_)))), "{refused:?}");
    assert_eq!(shop.status(order).await, OrderStatus::AwaitingPickup);
}

/// A scan of a supplier counts, but does not end a return. The same scan by staff does.
async fn a_return_is_ended_by_staff_and_not_by_a_supplier(database: Database) {
    let shop = Shop::new(database.store);
    let acme = Caller { actor: Actor::new(ActorKind::Supplier, "acme"), request_id: None, email: None };
    let system = Caller { actor: Actor::new(ActorKind::System, "erp"), request_id: None, email: None };
    for (number, staff) in [("313131", support()), ("323232", system)] {
        let mut new = new_order(&[1]);
        new.items[0].origin = Some(Origin { kind: OriginKind::Supplier, code: "acme".to_owned() });
        let order = shop.app.orders().place_order(&support(), new, None).await.unwrap().order.id;
        shop.to(order, OrderStatus::PaymentConfirmed).await.unwrap();
        shop.to(order, OrderStatus::Processing).await.unwrap();
        let shipment = shop.ship(order, number).await;
        shop.process_code(number, "IT").await;
        shop.wait(TimeDelta::hours(2));
        shop.process_code(number, "RS").await;
        shop.wait(TimeDelta::hours(2));
        let delivered = seen(&shop, shipment.id, ShipmentStatus::Delivered);
        let by = |caller: &Caller| shop.app.orders().record_scan(caller.clone(), delivered.clone(), None);
        let stored = async || {
            let scans = read::scans_of(&shop.store, &[shipment.id]).await.unwrap().remove(&shipment.id);
            let newest = scans.unwrap().remove(0);
            (newest.scan.evidence, newest.effect, newest.recorded_by.unwrap())
        };
        let done = by(&acme).await.unwrap();
        assert_eq!(done.shipment.unwrap().status(), ShipmentStatus::ReturnedToSender);
        assert_eq!(shop.status(order).await, OrderStatus::Shipped);
        assert_eq!(stored().await, (Evidence::Supplier, ScanEffect::ReturnLeg, acme.actor.clone()));

        let done = by(&staff).await.unwrap();
        assert_eq!(done.shipment.unwrap().status(), ShipmentStatus::Delivered);
        assert_eq!(shop.status(order).await, OrderStatus::Delivered);
        assert_eq!(stored().await, (Evidence::Staff, ScanEffect::Applied, acme.actor.clone()));
        assert!(!by(&acme).await.unwrap().changed, "a supplier does not weaken what staff said");
        assert_eq!(stored().await.0, Evidence::Staff);
    }
}
