//! The story of the demo: six orders, each with a difficulty that an order tracker must handle.
//!
//! `demo::story` calls `build_all_scenes` and plays the scenes. All other functions build parts of them. Nothing here
//! sends or checks anything: a scene is a list of steps, written with the functions of `demo::script`.

use carriers::Sender;
use domain::{FulfillmentPath, OrderStatus::*, Origin, OriginKind, ScanEffect, ShipmentStatus as At};

use super::{
    carrier::DemoParcel,
    script::{
        Action::{Ask, Cancel, CancelShipment, Look, Race, Register},
        Assertion, Scene, does, forges, scan, tries,
    },
    shop::{
        Order,
        Who::{Ada, Eve, Sam, Shop},
    },
};

/// The history of an order that went from placement to delivery.
const WHOLE_SEQUENCE: &[domain::OrderStatus] =
    &[Placed, PaymentConfirmed, Processing, AwaitingPickup, Shipped, OutForDelivery, Delivered];

pub fn build_all_scenes() -> Vec<Scene> {
    vec![one_parcel(), two_parcels(), shuffled(), dropship(), cancelled(), sent_anew()]
}

fn one_parcel() -> Scene {
    let parcel = fedex("794600000011");
    Scene {
        title: "One warehouse, one parcel",
        order: order("D-1001", "Espresso cup", 2, 4200, FulfillmentPath::SingleWarehouse, warehouse()),
        steps: vec![
            does("Ada orders two espresso cups", []).expect_status(Placed),
            does("the payment provider says: paid", [Ask(Shop, PaymentConfirmed)])
                .expect_status(PaymentConfirmed),
            tries("support asks for DELIVERED right away", Ask(Sam, Delivered), "NOT_IN_TABLE")
                .expect(Assertion::Allowed(&[Processing, Cancelled]))
                .expect_status(PaymentConfirmed),
            does("eight pickers press the button at the same moment", [Race(8, Processing)])
                .expect(Assertion::OneWinner)
                .expect_status(Processing),
            does("the label is printed", [Register(parcel.clone(), None)]).expect_status(AwaitingPickup),
            does(
                "FedEx posts a signed webhook: in transit",
                [scan(&parcel, At::InTransit).minutes_ago(90).into()],
            )
            .expect_status(Shipped)
            .expect(Assertion::Mail("has been shipped")),
            does("FedEx: out for delivery", [scan(&parcel, At::OutForDelivery).minutes_ago(30).into()])
                .expect_status(OutForDelivery)
                .expect(Assertion::Mail("is out for delivery")),
            does(
                "FedEx: picked up, an older scan that comes late",
                [scan(&parcel, At::PickedUp).minutes_ago(60).into()],
            )
            .expect(Assertion::Scan(parcel.clone(), At::PickedUp, ScanEffect::Stale))
            .expect_status(OutForDelivery),
            does("FedEx: delivered", [scan(&parcel, At::Delivered).into()])
                .expect_status(Delivered)
                .expect(Assertion::Mail("has been delivered"))
                .expect(Assertion::History(WHOLE_SEQUENCE)),
        ],
    }
}

fn two_parcels() -> Scene {
    let (first, second) = (fedex("794600000022"), ups("1Z9999990000000022"));
    Scene {
        title: "Three units in two parcels",
        order: order("D-1002", "Desk lamp", 3, 11_700, FulfillmentPath::SplitShipment, warehouse()),
        steps: vec![
            does(
                "Ada orders three desk lamps; they are paid and picked",
                [Ask(Shop, PaymentConfirmed), Ask(Shop, Processing)],
            )
            .expect_status(Processing),
            does(
                "two of them leave with FedEx, the third waits",
                [Register(first.clone(), Some(2)), scan(&first, At::InTransit).minutes_ago(120).into()],
            )
            .expect_status(Processing)
            .expect(Assertion::Progress("partial shipment: 2 of 3 items shipped")),
            tries("support cancels while that parcel moves", Cancel(Sam, "wrong colour"), "PARCELS_MOVING")
                .expect_status(Processing),
            tries(
                "somebody packs two more: only one is left",
                Register(ups("1Z9999990000000029"), Some(2)),
                "OverAllocated",
            )
            .expect_status(Processing),
            does("the third gets a UPS label", [Register(second.clone(), None)])
                .expect_status(AwaitingPickup),
            does("FedEx delivers; UPS has nothing yet", [scan(&first, At::Delivered).minutes_ago(60).into()])
                .expect_status(AwaitingPickup)
                .expect(Assertion::Progress("partial shipment: 2 of 3 items shipped, 2 delivered")),
            does(
                "UPS picks up: now every unit is on its way",
                [scan(&second, At::PickedUp).minutes_ago(20).into()],
            )
            .expect_status(Shipped)
            .expect(Assertion::Progress("partial delivery: 2 of 3 items delivered"))
            .expect(Assertion::Mail("has been shipped")),
            does("UPS delivers, without a word in between", [scan(&second, At::Delivered).into()])
                .expect_status(Delivered)
                .expect(Assertion::Progress("delivered: 3 of 3 items"))
                .expect(Assertion::Inferred(&[OutForDelivery]))
                .expect(Assertion::Mail("has been delivered")),
        ],
    }
}

fn shuffled() -> Scene {
    let parcel = fedex("794600000033");
    Scene {
        title: "A carrier that shuffles, repeats and is imitated",
        order: order("D-1003", "Teapot", 1, 3850, FulfillmentPath::SingleWarehouse, warehouse()),
        steps: vec![
            does(
                "Ada orders a teapot; it is paid, picked and labelled",
                [Ask(Shop, PaymentConfirmed), Ask(Shop, Processing), Register(parcel.clone(), None)],
            )
            .expect_status(AwaitingPickup),
            forges(
                "a webhook says: delivered, but FedEx did not sign it",
                scan(&parcel, At::Delivered).minutes_ago(5),
            )
            .expect_status(AwaitingPickup),
            does(
                "the real last scan comes first, three times: delivered",
                [scan(&parcel, At::Delivered).times(3).into()],
            )
            .expect_status(Delivered)
            .expect(Assertion::Copies(parcel.clone(), 2))
            .expect(Assertion::Inferred(&[Shipped, OutForDelivery]))
            .expect(Assertion::Mail("has been delivered"))
            .expect(Assertion::Superseded(Shipped)),
            does(
                "then the earlier ones: out for delivery, in transit",
                [
                    scan(&parcel, At::OutForDelivery).minutes_ago(30).into(),
                    scan(&parcel, At::InTransit).minutes_ago(90).into(),
                ],
            )
            .expect_status(Delivered)
            .expect(Assertion::Scans(parcel, 3))
            .expect(Assertion::History(WHOLE_SEQUENCE)),
        ],
    }
}

fn dropship() -> Scene {
    let parcel = ups("1Z9999990000000044");
    let supplier = Origin { kind: OriginKind::Supplier, code: "NORTHWIND".to_owned() };
    Scene {
        title: "Dropship: the parcel is faster than the payment",
        order: order("D-1004", "Reading chair", 1, 24_900, FulfillmentPath::Dropship, supplier),
        steps: vec![
            does("Ada orders a chair that the supplier Northwind sends", []).expect_status(Placed),
            does(
                "Northwind does not wait: UPS has the parcel already",
                [Register(parcel.clone(), None), scan(&parcel, At::InTransit).minutes_ago(45).into()],
            )
            .expect_status(Placed)
            .expect(Assertion::Scan(parcel.clone(), At::InTransit, ScanEffect::Early)),
            does("the payment comes in; a scan never skips it", [Ask(Shop, PaymentConfirmed)])
                .expect_status(PaymentConfirmed),
            does("processing starts, and the order catches up with its parcel", [Ask(Shop, Processing)])
                .expect_status(Shipped)
                .expect(Assertion::Mail("has been shipped")),
            does(
                "it waits at a pickup point",
                [scan(&parcel, At::AvailableForPickup).minutes_ago(10).into()],
            )
            .expect_status(OutForDelivery)
            .expect(Assertion::Mail("is ready for collection")),
            does("Ada collects it", [scan(&parcel, At::Delivered).into()])
                .expect_status(Delivered)
                .expect(Assertion::Mail("has been delivered"))
                .expect(Assertion::History(WHOLE_SEQUENCE)),
        ],
    }
}

fn cancelled() -> Scene {
    Scene {
        title: "A customer changes her mind",
        order: order("D-1005", "Garden gnome", 1, 1990, FulfillmentPath::SingleWarehouse, warehouse()),
        steps: vec![
            does("Ada orders a garden gnome and pays", [Ask(Shop, PaymentConfirmed)])
                .expect_status(PaymentConfirmed),
            does("Eve, another customer, looks for it", [Look(Eve)])
                .expect(Assertion::Hidden)
                .expect_status(PaymentConfirmed),
            does("Ada cancels", [Cancel(Ada, "it stares at me")])
                .expect_status(Cancelled)
                .expect(Assertion::Mail("has been cancelled")),
            does("she presses the button again, to be sure", [Cancel(Ada, "it stares at me")])
                .expect(Assertion::NothingToDo)
                .expect_status(Cancelled)
                .expect(Assertion::History(&[Placed, PaymentConfirmed, Cancelled])),
        ],
    }
}

fn sent_anew() -> Scene {
    let (first, second) = (fedex("794600000066"), ups("1Z9999990000000066"));
    Scene {
        title: "A parcel that comes back and is sent anew",
        order: order("D-1006", "Wall mirror", 1, 8900, FulfillmentPath::SingleWarehouse, warehouse()),
        steps: vec![
            does(
                "Ada orders a mirror; it is paid, picked and labelled",
                [Ask(Shop, PaymentConfirmed), Ask(Shop, Processing), Register(first.clone(), None)],
            )
            .expect_status(AwaitingPickup),
            does(
                "FedEx has it, and takes it out for delivery",
                [
                    scan(&first, At::InTransit).minutes_ago(300).into(),
                    scan(&first, At::OutForDelivery).minutes_ago(240).into(),
                ],
            )
            .expect_status(OutForDelivery)
            .expect(Assertion::Mail("is out for delivery")),
            does(
                "nobody is there: FedEx sends it back",
                [scan(&first, At::ReturnedToSender).minutes_ago(180).into()],
            )
            .expect_status(OutForDelivery)
            .expect(Assertion::Progress("shipped: 1 of 1 item; 1 returned to the sender")),
            does(
                "FedEx: delivered, which means at the warehouse",
                [scan(&first, At::Delivered).minutes_ago(60).into()],
            )
            .expect_status(OutForDelivery)
            .expect(Assertion::Scan(first.clone(), At::Delivered, ScanEffect::ReturnLeg))
            .expect(Assertion::NoMail("has been delivered")),
            does(
                "support cancels that shipment; the mirror is packed again, for UPS",
                [CancelShipment(first, "it came back"), Register(second.clone(), None)],
            )
            .expect_status(OutForDelivery)
            .expect(Assertion::Progress("nothing on its way: 0 of 1 item shipped")),
            does("UPS picks it up", [scan(&second, At::PickedUp).minutes_ago(20).into()])
                .expect_status(OutForDelivery)
                .expect(Assertion::Progress("shipped: 1 of 1 item"))
                .expect(Assertion::Mail("has a new tracking number")),
            does("UPS delivers", [scan(&second, At::Delivered).into()])
                .expect_status(Delivered)
                .expect(Assertion::Mail("has been delivered"))
                .expect(Assertion::History(WHOLE_SEQUENCE)),
        ],
    }
}

fn order(
    reference: &str,
    item: &'static str,
    units: u32,
    total_cents: u32,
    path: FulfillmentPath,
    origin: Origin,
) -> Order {
    Order { reference: reference.to_owned(), item, units, cents: total_cents, path, origin }
}

fn warehouse() -> Origin {
    Origin { kind: OriginKind::Warehouse, code: "ALBANY".to_owned() }
}

fn fedex(number: &str) -> DemoParcel {
    DemoParcel { carrier: Sender::Fedex, number: number.to_owned() }
}

fn ups(number: &str) -> DemoParcel {
    DemoParcel { carrier: Sender::Ups, number: number.to_owned() }
}
