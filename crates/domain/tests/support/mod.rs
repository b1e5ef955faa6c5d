//! Builders for the domain's tests.
//!
//! Times are minutes after the placement. Items and shipments have numbers from 1.

#![allow(dead_code, unused_imports, reason = "each test file takes what it needs")]

mod story;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    Actor, ActorKind, Carrier, Changes, Context, DeliveryEstimate, DeliveryWindow, EstimateSource, Evidence,
    ExpectedDelivery, FulfillmentPath, InputField, Item, ItemId, ItemQuantity, Meaning, Money, Order,
    OrderHead, OrderId, OrderStatus, Origin, OriginKind, Outcome, Rank, Refusal, Request, Scan, ScanIdentity,
    Shipment, ShipmentDirection, ShipmentId, ShipmentNumber, ShipmentStatus, SupplierCommitment,
    TrackingNumber, UserId, fold,
};
pub use story::Story;
use uuid::Uuid;

/// The customer of every order in these tests.
pub const CUSTOMER: UserId = UserId(Uuid::from_u128(0xC0));
/// The version of an order from [`order`].
pub const VERSION: i32 = 7;

/// The time so many minutes after the placement.
pub fn at(minutes: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::minutes(minutes)
}

pub fn item_id(number: u32) -> ItemId {
    ItemId(Uuid::from_u128(0x100 + u128::from(number)))
}

pub fn shipment_id(number: u32) -> ShipmentId {
    ShipmentId(Uuid::from_u128(0x200 + u128::from(number)))
}

pub fn lines(of: &[(u32, u32)]) -> Vec<ItemQuantity> {
    of.iter().map(|&(item, quantity)| ItemQuantity { item_id: item_id(item), quantity }).collect()
}

/// A tracking number of FedEx.
pub fn fedex(number: &str) -> TrackingNumber {
    TrackingNumber::parse(Carrier::FEDEX, number).expect("a tracking number")
}

pub fn warehouse(code: &str) -> Origin {
    Origin { kind: OriginKind::Warehouse, code: code.to_owned() }
}

pub fn supplier(code: &str) -> Origin {
    Origin { kind: OriginKind::Supplier, code: code.to_owned() }
}

pub fn by(actor: Actor, minutes: i64) -> Context {
    Context { actor, now: at(minutes), request_id: None, webhook_id: None }
}

pub fn customer() -> Actor {
    Actor::new(ActorKind::Customer, CUSTOMER.to_string())
}

/// One actor of each kind. The supplier is `acme`.
pub fn actors() -> [Actor; 5] {
    [
        Actor::SYSTEM,
        Actor::new(ActorKind::Support, "sam"),
        customer(),
        Actor::new(ActorKind::Carrier, "fedex"),
        Actor::new(ActorKind::Supplier, "acme"),
    ]
}

/// A scan whose identity is made from `number`.
pub fn scan(number: u8, meaning: Meaning, minutes: i64) -> Scan {
    Scan {
        identity: ScanIdentity([number; 32]),
        code: format!("C{number}"),
        meaning,
        evidence: Evidence::Physical,
        description: None,
        location: None,
        occurred_at: at(minutes),
        time_estimated: false,
        local_time: None,
        package: None,
        estimate: None,
    }
}

/// A delivery that is expected at this time.
pub fn expected_at(minutes: i64) -> ExpectedDelivery {
    ExpectedDelivery::Window(DeliveryWindow::at(at(minutes).fixed_offset()))
}

/// A promise made by the carrier at `minutes`, for a delivery at `expected`.
pub fn promise(minutes: i64, expected: i64) -> DeliveryEstimate {
    DeliveryEstimate {
        said_at: at(minutes),
        received_at: at(minutes),
        expected: expected_at(expected),
        source: EstimateSource::Carrier,
    }
}

pub fn milestone(number: u8, status: ShipmentStatus, minutes: i64) -> Scan {
    scan(number, Meaning::Status(status), minutes)
}

pub fn items(quantities: &[u32]) -> Vec<Item> {
    let numbered = (1..).zip(quantities);
    let item = |(number, &quantity): (u32, &u32)| Item {
        id: item_id(number),
        sku: format!("SKU-{number}"),
        name: format!("Thing {number}"),
        quantity,
        cancelled: 0,
        cancel_reason: None,
        origin: None,
        commitment: SupplierCommitment::default(),
        return_requested: 0,
        return_reason: None,
        returned: 0,
        return_written_off: 0,
        split_from: None,
    };
    numbered.map(item).collect()
}

/// One item for each supplier's code, with these units. With an empty code the item has no origin.
pub fn supplied(of: &[(&str, u32)]) -> Vec<Item> {
    let quantities: Vec<u32> = of.iter().map(|(_, quantity)| *quantity).collect();
    let mut items = items(&quantities);
    for (item, (code, _)) in items.iter_mut().zip(of) {
        item.origin = (!code.is_empty()).then(|| supplier(code));
    }
    items
}

/// An order in processing with such items.
pub fn dropship(of: &[(&str, u32)]) -> Story {
    Story::of(order(OrderStatus::Processing, supplied(of), vec![]))
}

/// A shipment with this status, by one scan a minute after the placement.
pub fn shipment(number: u32, status: ShipmentStatus, of: &[(u32, u32)]) -> Shipment {
    let scans = [milestone(0, status, 1)];
    let scans = if status == ShipmentStatus::LabelCreated { &[] } else { &scans[..] };
    Shipment {
        id: shipment_id(number),
        order_id: OrderId(Uuid::from_u128(0x0D)),
        tracking_number: fedex(&format!("N{number}")),
        numbers: vec![ShipmentNumber::new(fedex(&format!("N{number}")), at(0), false)],
        direction: ShipmentDirection::Outbound,
        origin: warehouse("main"),
        tracking: fold(scans, at(0), None),
        promised_delivery: None,
        created_at: at(0),
        cancelled_at: None,
        cancel_reason: None,
        lines: lines(of),
    }
}

/// An order, as `persistence` might load it.
pub fn order(status: OrderStatus, items: Vec<Item>, shipments: Vec<Shipment>) -> Order {
    let head = OrderHead {
        id: OrderId(Uuid::from_u128(0x0D)),
        reference: None,
        user_id: CUSTOMER,
        customer_email: None,
        other_emails: vec![],
        notifications_muted: false,
        status,
        version: VERSION,
        total: Money { cents: 4200, currency: "USD".to_owned() },
        fulfillment_path: FulfillmentPath::SingleWarehouse,
        closed: None,
        replaces: None,
        placed_at: at(0),
        updated_at: at(0),
        occurred_at: at(0),
    };
    Order::restore(head, items, shipments)
}

pub fn transition_to(to: OrderStatus) -> Request {
    Request::Transition { to, notes: None, metadata: None }
}

/// The field and the message of a refused input.
pub fn invalid(answer: Result<Outcome, Refusal>) -> (InputField, String) {
    match answer {
        Err(Refusal::InvalidInput { field, message }) => (field, message),
        other => panic!("a refusal of the input was expected: {other:?}"),
    }
}

/// Checks that a refused request changed nothing.
pub fn assert_same(one: &Order, other: &Order) {
    assert_unchanged(one, other);
    assert_eq!(one.changes().activities, other.changes().activities);
}

/// Checks that a request that changed nothing left no more than activities and estimates.
pub fn assert_unchanged(one: &Order, other: &Order) {
    assert_eq!(one.head(), other.head());
    assert_eq!(one.items(), other.items());
    assert_eq!(one.shipments(), other.shipments());
    let changes = |order: &Order| {
        let Changes {
            transitions,
            items,
            new_items,
            new_shipments,
            shipments,
            activities: _,
            closing,
            called_off,
            replaced,
            corrections,
            estimates: _,
        } = order.changes().clone();
        (
            transitions,
            (items, new_items),
            (new_shipments, shipments),
            (closing, called_off, replaced, corrections),
        )
    };
    assert_eq!(changes(one), changes(other));
}

/// The rank of the slowest unit by its definition: a list of all wanted units, and its minimum.
pub fn slowest_by_hand(order: &Order) -> Option<Rank> {
    let mut units = Vec::new();
    for item in order.items() {
        let mut of_item = Vec::new();
        let live =
            order.shipments().iter().filter(|s| s.is_outbound() && s.status() != ShipmentStatus::Cancelled);
        for shipment in live {
            for line in shipment.lines.iter().filter(|line| line.item_id == item.id) {
                of_item.extend((0..line.quantity).map(|_| shipment.outbound_rank()));
            }
        }
        let wanted = (item.quantity - item.cancelled) as usize;
        assert!(of_item.len() <= wanted, "more units of {} in parcels than wanted", item.sku);
        of_item.resize(wanted, Rank::None);
        units.extend(of_item);
    }
    units.into_iter().min()
}

/// The position in the fulfilment sequence that this rank allows.
pub fn position_of_rank(rank: Rank) -> usize {
    match rank {
        Rank::None => 0,
        Rank::Labelled => 1,
        Rank::Shipped => 2,
        Rank::OutForDelivery => 3,
        Rank::Delivered => 4,
    }
}
