//! Placing an order: what the input must contain, and which actor may give which field.

mod support;

use domain::{
    Actor, ActorKind,
    DeadlineField::{AcceptBy, ShipBy},
    Deadlines, FulfillmentPath, InputField, ItemField, Money, NewItem, NewOrder, Order, OrderId, OrderStatus,
    Origin, Refusal, UserId,
};
use support::{CUSTOMER, actors, at, by, customer, item_id, supplier, warehouse};
use uuid::Uuid;

fn item(origin: Option<Origin>) -> NewItem {
    NewItem {
        id: item_id(1),
        sku: "SKU".to_owned(),
        name: "Thing".to_owned(),
        quantity: 1,
        origin,
        deadlines: Deadlines::default(),
    }
}

fn good() -> NewOrder {
    NewOrder {
        id: OrderId(Uuid::from_u128(0x0D)),
        user_id: Some(CUSTOMER),
        customer_email: Some("ada@example.org".to_owned()),
        customer_emails: None,
        notify: true,
        reference: Some("R-1".to_owned()),
        total: Money { cents: 4200, currency: "USD".to_owned() },
        fulfillment_path: None,
        items: vec![item(None), item(None)],
        placed_at: None,
        notes: Some("by telephone".to_owned()),
        metadata: None,
        replaces: None,
    }
}

fn place(new: NewOrder) -> Result<Order, Refusal> {
    Order::place(new, &by(Actor::SYSTEM, 100))
}

/// The field that is refused when `spoil` changes a valid order.
fn refused(spoil: impl FnOnce(&mut NewOrder)) -> InputField {
    let mut new = good();
    spoil(&mut new);
    match place(new) {
        Err(Refusal::InvalidInput { field, .. }) => field,
        other => panic!("a refusal of the input was expected: {:?}", other.map(|order| order.head().clone())),
    }
}

#[test]
fn a_placed_order_has_one_event_and_is_at_version_one() {
    let order = place(good()).expect("nothing is wrong with it");
    let head = order.head();
    assert_eq!((head.status, head.version, head.user_id), (OrderStatus::Placed, 1, CUSTOMER));
    assert_eq!((head.placed_at, head.updated_at, head.occurred_at), (at(100), at(100), at(100)));
    let [event] = &order.changes().transitions[..] else { panic!("one event") };
    assert_eq!((event.from(), event.to(), event.version()), (None, OrderStatus::Placed, 1));
    assert_eq!((event.order_id(), event.actor()), (head.id, &Actor::SYSTEM));
    assert_eq!((event.notes(), event.inferred()), (Some("by telephone"), false));
    assert_eq!((order.items().len(), order.shipments().len()), (2, 0));
}

#[test]
fn what_is_wrong_with_an_order_is_told_by_the_name_of_its_field() {
    assert_eq!(refused(|new| new.user_id = None), InputField::UserId);
    assert_eq!(refused(|new| new.items.clear()), InputField::Items);
    assert_eq!(refused(|new| new.items = vec![item(None); 1_001]), InputField::Items);
    for quantity in [0, -1, i32::MIN, 1_000_001, i32::MAX] {
        assert_eq!(refused(|new| new.items[1].quantity = quantity), InputField::Item(1, ItemField::Quantity));
    }
    assert_eq!(
        refused(|new| new.items[0].origin = Some(warehouse(""))),
        InputField::Item(0, ItemField::OriginCode)
    );
    let texts = [
        "",
        " \t",
        "a\nb",
        "a\rb",
        "a\u{1b}[31mb",
        "a\u{2028}b",
        "a\u{202e}b",
        "a\u{2066}b",
        &"x".repeat(501),
    ];
    for text in texts {
        assert_eq!(
            refused(|new| new.items[0].sku = text.to_owned()),
            InputField::Item(0, ItemField::Sku),
            "{text:?}"
        );
        assert_eq!(
            refused(|new| new.items[1].name = text.to_owned()),
            InputField::Item(1, ItemField::Name),
            "{text:?}"
        );
        assert_eq!(refused(|new| new.reference = Some(text.to_owned())), InputField::Reference, "{text:?}");
    }
    assert_eq!(refused(|new| new.total.cents = -1), InputField::TotalCents);
    for currency in ["", "US", "usd", "USDX", "U D", "€", "ABC", "XXX", "XAU"] {
        assert_eq!(
            refused(|new| new.total.currency = currency.to_owned()),
            InputField::Currency,
            "{currency}"
        );
    }
    for address in [
        "",
        "ada",
        "@example.org",
        "ada@",
        "a b@example.org",
        "a@b\r\nBcc: x@y",
        "a@x;b@x",
        "<a@b.c>",
        ".a@b.c",
    ] {
        assert_eq!(
            refused(|new| new.customer_email = Some(address.to_owned())),
            InputField::CustomerEmail,
            "{address}"
        );
    }
    assert_eq!(refused(|new| new.placed_at = Some(at(101))), InputField::PlacedAt);
    for notes in ["a\u{202e}b", "a\rb", "\u{1b}[2J", &"x".repeat(4_001)] {
        assert_eq!(refused(|new| new.notes = Some(notes.to_owned())), InputField::Notes, "{notes:?}");
    }
}

#[test]
fn an_address_is_kept_as_a_mail_server_takes_it() {
    let new = NewOrder { customer_email: Some("Ada@Bücher.Example".to_owned()), ..good() };
    let order = place(new).expect("nothing is wrong with it");
    assert_eq!(order.head().customer_email.as_deref(), Some("Ada@xn--bcher-kva.example"));
}

#[test]
fn every_currency_that_prices_are_in_is_taken() {
    for currency in ["USD", "JPY", "KWD", "CLF"] {
        let total = Money { cents: 4205, currency: currency.to_owned() };
        let order = place(NewOrder { total: total.clone(), ..good() }).expect(currency);
        assert_eq!(order.head().total, total);
    }
}

#[test]
fn the_bounds_themselves_are_allowed_and_texts_are_counted_in_characters() {
    let mut new = good();
    new.items[0].quantity = 1_000_000;
    new.items[1].name = "é".repeat(500);
    new.items.resize_with(1_000, || item(None));
    new.total.cents = 0;
    new.placed_at = Some(at(100));
    new.customer_email = None;
    new.reference = None;
    assert_eq!(place(new).expect("nothing is wrong with it").items().len(), 1_000);
}

#[test]
fn an_order_that_was_placed_elsewhere_keeps_its_true_time() {
    for actor in [Actor::SYSTEM, Actor::new(ActorKind::Support, "sam")] {
        let new = NewOrder { placed_at: Some(at(-90_000)), ..good() };
        let order = Order::place(new, &by(actor, 100)).expect("staff may say so");
        assert_eq!((order.head().placed_at, order.head().updated_at), (at(-90_000), at(100)));
        let event = &order.changes().transitions[0];
        assert_eq!((event.occurred_at(), event.recorded_at()), (at(-90_000), at(100)));
    }
    let new = NewOrder { placed_at: Some(at(-1)), ..good() };
    assert!(matches!(Order::place(new, &by(customer(), 100)), Err(Refusal::Forbidden(_))));
}

#[test]
fn a_customer_gives_no_reference_and_so_learns_of_none() {
    let placed = Order::place(good(), &by(customer(), 100)).map(|order| order.head().clone());
    assert!(matches!(placed, Err(Refusal::Forbidden(_))), "{placed:?}");
    Order::place(NewOrder { reference: None, ..good() }, &by(customer(), 100))
        .expect("nothing is wrong with it");
}

#[test]
fn an_order_is_called_by_its_reference_or_by_the_beginning_of_its_id() {
    let id = OrderId(Uuid::from_u128(0x018f_4e9e_5d5c_7b6e_9a51_0d6f_1f2c_3b4a));
    let name = |reference: Option<&str>| {
        place(NewOrder { id, reference: reference.map(str::to_owned), ..good() }).unwrap().head().name()
    };
    assert_eq!(name(Some("R-1")), "R-1");
    assert_eq!(name(None), "018f4e9e");
}

#[test]
fn whom_a_supplier_ships_for_and_until_when_is_not_for_the_customer_to_say() {
    let ahead = Deadlines { accept_by: Some(at(500)), ship_by: None };
    let passed = Deadlines { accept_by: None, ship_by: Some(at(99)) };
    let none = Deadlines::default();
    let cases = [
        (supplier("acme"), none, "only support and systems may say which supplier ships an item"),
        (supplier("acme"), ahead, "only support and systems may say until when a supplier has to act"),
        (supplier("acme"), passed, "only support and systems may say until when a supplier has to act"),
        (warehouse("north"), ahead, "only support and systems may say until when a supplier has to act"),
    ];
    for (origin, deadlines, message) in cases {
        let mut new = good();
        new.items[1] = NewItem { deadlines, ..item(Some(origin)) };
        let refused = Order::place(new, &by(customer(), 100)).map(|order| order.head().clone());
        assert_eq!(refused, Err(Refusal::Forbidden(message.to_owned())));
    }
    let mut new = good();
    new.items[1] = item(Some(warehouse("north")));
    new.reference = None;
    Order::place(new, &by(customer(), 100)).expect("where they pick it up is where they saw it");
}

#[test]
fn a_customer_places_orders_of_their_own_and_need_not_say_whose_they_are() {
    for user_id in [None, Some(CUSTOMER)] {
        let new = NewOrder { user_id, reference: None, ..good() };
        let order = Order::place(new, &by(customer(), 100)).expect("their own");
        assert_eq!(order.head().user_id, CUSTOMER);
    }
    let other = NewOrder { user_id: Some(UserId(Uuid::from_u128(1))), reference: None, ..good() };
    assert!(matches!(Order::place(other, &by(customer(), 100)), Err(Refusal::Forbidden(_))));
    for nobody in [Actor::new(ActorKind::Customer, "ada"), Actor { kind: ActorKind::Customer, id: None }] {
        let new = NewOrder { reference: None, ..good() };
        assert!(matches!(Order::place(new, &by(nobody, 100)), Err(Refusal::Forbidden(_))));
    }
}

#[test]
fn carriers_and_suppliers_place_no_orders() {
    for actor in actors() {
        let may = actor.is_staff() || actor.kind == ActorKind::Customer;
        let new = NewOrder { reference: None, ..good() };
        assert_eq!(Order::place(new, &by(actor, 100)).is_ok(), may);
    }
}

#[test]
fn the_path_is_what_was_said_or_what_the_origins_amount_to() {
    let path = |origins: Vec<Option<Origin>>, said| {
        let items = origins.into_iter().map(item).collect();
        let order = place(NewOrder { items, fulfillment_path: said, ..good() }).expect("nothing is wrong");
        order.head().fulfillment_path
    };
    let (north, south) = (|| Some(warehouse("north")), || Some(warehouse("south")));
    assert_eq!(path(vec![None], None), FulfillmentPath::SingleWarehouse);
    assert_eq!(path(vec![north(), None, north()], None), FulfillmentPath::SingleWarehouse);
    assert_eq!(path(vec![north(), south(), north()], None), FulfillmentPath::SplitShipment);
    assert_eq!(path(vec![north(), Some(supplier("acme"))], None), FulfillmentPath::Dropship);
    for said in FulfillmentPath::ALL {
        assert_eq!(path(vec![north(), south()], Some(said)), said);
    }
}

#[test]
fn deadlines_are_agreed_with_suppliers_and_nobody_else() {
    let accept_by = Deadlines { accept_by: Some(at(500)), ship_by: None };
    let ship_by = Deadlines { accept_by: None, ship_by: Some(at(900)) };
    for origin in [None, Some(warehouse("north"))] {
        for (deadlines, field) in [(accept_by, AcceptBy), (ship_by, ShipBy)] {
            let spoilt = NewItem { deadlines, ..item(origin.clone()) };
            assert_eq!(refused(|new| new.items[1] = spoilt), InputField::Item(1, ItemField::Deadline(field)));
        }
    }
    for (minutes, field) in [(99, AcceptBy), (-90_000, AcceptBy), (99, ShipBy)] {
        let (passed, ahead) = (Some(at(minutes)), Some(at(900)));
        let deadlines = match field {
            AcceptBy => Deadlines { accept_by: passed, ship_by: ahead },
            ShipBy => Deadlines { accept_by: ahead, ship_by: passed },
        };
        let spoilt = NewItem { deadlines, ..item(Some(supplier("acme"))) };
        assert_eq!(refused(|new| new.items[1] = spoilt), InputField::Item(1, ItemField::Deadline(field)));
    }
    let turned = Deadlines { accept_by: Some(at(900)), ship_by: Some(at(899)) };
    let spoilt = NewItem { deadlines: turned, ..item(Some(supplier("acme"))) };
    assert_eq!(refused(|new| new.items[1] = spoilt), InputField::Item(1, ItemField::Deadline(ShipBy)));
    let both = Deadlines { accept_by: Some(at(100)), ship_by: Some(at(900)) };
    let mut new = good();
    new.items = vec![NewItem { deadlines: both, ..item(Some(supplier("acme"))) }];
    let order = place(new).expect("a supplier ships it");
    assert_eq!((order.items()[0].commitment.deadlines, &order.items()[0].commitment.answer), (both, &None));
}

#[test]
fn several_recipients_are_named_in_a_list() {
    let listed = |list: &[&str]| NewOrder {
        customer_email: None,
        customer_emails: Some(list.iter().map(|&one| one.to_owned()).collect()),
        ..good()
    };
    let order = place(listed(&["ada@example.org", "Bob@Bücher.Example"])).expect("both are addresses");
    let recipients: Vec<&str> = order.head().recipients().collect();
    assert_eq!(recipients, ["ada@example.org", "Bob@xn--bcher-kva.example"]);

    let ten: Vec<String> = (0..10).map(|at| format!("ada{at}@example.org")).collect();
    let mut ten: Vec<&str> = ten.iter().map(String::as_str).collect();
    assert_eq!(place(listed(&ten)).expect("ten are taken").head().recipients().count(), 10);
    ten.push("one-more@example.org");
    for (list, field) in [
        (&[][..], InputField::CustomerEmails),
        (&ten, InputField::CustomerEmails),
        (&["ada@example.org", "a@example.test;b@example.test"], InputField::ListedCustomerEmail(1)),
        (&["ada@example.org", "bob@example.org", "ADA@example.org"], InputField::ListedCustomerEmail(2)),
    ] {
        let refused = place(listed(list)).expect_err("a wrong list");
        assert!(
            matches!(&refused, Refusal::InvalidInput { field: named, .. } if *named == field),
            "{refused:?}"
        );
    }
    let both = NewOrder { customer_email: good().customer_email, ..listed(&["bob@example.org"]) };
    let refused = place(both).expect_err("both");
    assert!(
        matches!(&refused, Refusal::InvalidInput { field, .. } if *field == InputField::CustomerEmails),
        "{refused:?}"
    );
}
