//! Returns: which units are asked back, which come back, and when the return is complete.

mod support;

use domain::{
    BlockerCode, InputField, ItemField, OrderStatus, OrderStatus::*, Refusal, Request, ShipmentStatus,
};
use proptest::{collection::vec, prelude::*};
use support::{Story, VERSION, at, customer, invalid, item_id, items, order, shipment};

/// The units asked back and the units that came back, for each item.
fn units(story: &Story) -> Vec<(u32, u32)> {
    story.order.items().iter().map(|item| (item.return_requested, item.returned)).collect()
}

#[test]
fn of_three_units_asked_back_the_last_one_makes_the_order_returned_and_not_the_first() {
    let mut story = Story::new(Delivered, &[3]);
    let asked = story.ask_back(None).expect("three were delivered");
    assert_eq!(
        (asked.event, story.status(), units(&story)),
        (Some(VERSION + 1), ReturnInitiated, vec![(3, 0)])
    );
    let one = story.receive(Some(&[(1, 1)])).expect("three are on their way");
    assert_eq!((one.changed, one.event, story.status()), (true, None, ReturnInitiated));
    assert_eq!(story.order.head().updated_at, at(2), "it is a change, though no event");
    story.receive(Some(&[(1, 1)])).expect("two are on their way");
    assert_eq!(story.path(), [ReturnInitiated]);
    let last = story.receive(Some(&[(1, 1)])).expect("one is on its way");
    assert_eq!((last.event, story.status()), (Some(VERSION + 2), Returned));
    let said: Vec<_> = story.order.changes().transitions.iter().map(|step| step.notes()).collect();
    assert_eq!(said, [Some("too small"), Some("as new")]);
}

#[test]
fn asked_again_it_adds_and_is_no_event() {
    let mut story = Story::new(Delivered, &[3, 2]);
    story.actor = customer();
    story.ask_back(Some(&[(1, 1)])).expect("delivered");
    let more =
        Request::InitiateReturn { lines: Some(support::lines(&[(1, 1), (2, 1)])), reason: "torn".to_owned() };
    let more = story.ask(more).expect("there are more");
    assert_eq!((more.changed, more.event, units(&story)), (true, None, vec![(2, 0), (1, 0)]));
    assert_eq!(story.item(1).return_reason.as_deref(), Some("torn"));
    story.ask_back(None).expect("the rest");
    assert_eq!(units(&story), [(3, 0), (2, 0)]);
    assert!(!story.ask_back(None).expect("nothing is left to ask").changed);
    assert_eq!(story.path(), [ReturnInitiated]);
    story.as_staff().receive(None).expect("all of it");
    assert_eq!((story.status(), units(&story)), (Returned, vec![(3, 3), (2, 2)]));
}

#[test]
fn no_more_is_asked_back_than_was_delivered_and_the_answer_has_the_figures() {
    let mut story = Story::new(Delivered, &[3, 2]);
    story.ask_back(Some(&[(1, 2)])).expect("delivered");
    let (field, message) = invalid(story.ask_back(Some(&[(2, 1), (1, 2)])));
    assert_eq!(field, InputField::Item(1, ItemField::Quantity));
    assert_eq!(message, "2 units of SKU-1 are asked back, but of 3 delivered 2 are asked back already");
    let (field, _) = invalid(story.ask_back(Some(&[(1, 1), (2, 1), (1, 1)])));
    assert_eq!(field, InputField::Item(2, ItemField::Quantity), "lines of one item are added up");
    assert_eq!(
        invalid(story.ask_back(Some(&[(1, u32::MAX), (1, u32::MAX)]))).0,
        InputField::Item(0, ItemField::Quantity)
    );
    assert_eq!(units(&story), [(2, 0), (0, 0)]);
}

#[test]
fn no_more_is_received_than_was_asked_back() {
    let mut story = Story::new(Delivered, &[3, 2]);
    story.ask_back(Some(&[(1, 2)])).expect("delivered");
    story.receive(Some(&[(1, 1)])).expect("asked back");
    let (field, message) = invalid(story.receive(Some(&[(1, 2)])));
    assert_eq!(field, InputField::Item(0, ItemField::Quantity));
    assert_eq!(message, "2 units of SKU-1 came in, but of 2 asked back 1 are in already");
    assert_eq!(
        invalid(story.receive(Some(&[(2, 1)]))).0,
        InputField::Item(0, ItemField::Quantity),
        "nobody asked for it"
    );
    assert_eq!(units(&story), [(2, 1), (0, 0)]);
}

#[test]
fn lines_that_cannot_be_are_refused_by_name() {
    for receiving in [false, true] {
        let mut story = Story::new(if receiving { ReturnInitiated } else { Delivered }, &[1]);
        let mut ask = |of: &[(u32, u32)]| {
            invalid(if receiving { story.receive(Some(of)) } else { story.ask_back(Some(of)) }).0
        };
        assert_eq!(ask(&[]), InputField::Items);
        assert_eq!(ask(&[(1, 0)]), InputField::Item(0, ItemField::Quantity));
        assert_eq!(ask(&[(1, 1), (7, 1)]), InputField::Item(1, ItemField::Id));
    }
    for reason in ["", " ", "a\0b"] {
        let request = Request::InitiateReturn { lines: None, reason: reason.to_owned() };
        assert_eq!(invalid(Story::new(Delivered, &[1]).ask(request)).0, InputField::Reason);
    }
    let request = Request::ReceiveReturn { lines: None, notes: Some("a\0b".to_owned()) };
    assert_eq!(invalid(Story::new(ReturnInitiated, &[1]).ask(request)).0, InputField::Notes);
}

#[test]
fn units_come_back_from_where_they_were_delivered() {
    let delivered = shipment(1, ShipmentStatus::Delivered, &[(1, 2)]);
    let mut of_two = items(&[3, 1]);
    (of_two[0].cancelled, of_two[1].cancelled) = (1, 1);
    let mut story = Story::of(order(Delivered, of_two, vec![delivered]));
    story.ask_back(None).expect("two were delivered");
    assert_eq!(units(&story), [(2, 0), (0, 0)], "what was cancelled was never there");
}

#[test]
fn a_return_begun_by_hand_names_nothing_until_somebody_does() {
    let begun = || {
        let mut story = Story::new(Delivered, &[2, 1]);
        story.go(ReturnInitiated).expect("the table has it");
        assert_eq!(units(&story), [(0, 0), (0, 0)]);
        story
    };
    let mut received = begun();
    received.receive(Some(&[(1, 1)])).expect("everything counts as asked back");
    assert_eq!((received.status(), units(&received)), (ReturnInitiated, vec![(2, 1), (1, 0)]));
    received.receive(None).expect("the rest");
    assert_eq!(received.status(), Returned);

    let mut named = begun();
    named.ask_back(Some(&[(2, 1)])).expect("it was delivered");
    named.receive(None).expect("that one");
    assert_eq!((named.status(), units(&named)), (Returned, vec![(0, 0), (1, 1)]));

    let mut by_hand = begun();
    by_hand.go(Returned).expect("no quantities were ever named");
    assert_eq!(units(&by_hand), [(2, 2), (1, 1)], "it came back whole");
}

#[test]
fn by_hand_no_order_is_returned_while_units_are_missing() {
    let mut story = Story::new(Delivered, &[3]);
    story.ask_back(Some(&[(1, 2)])).expect("delivered");
    story.receive(Some(&[(1, 1)])).expect("asked back");
    let refusal = story.go(Returned);
    let Err(Refusal::InvalidTransition { from, allowed, blocker, .. }) = refusal else {
        panic!("{refusal:?}")
    };
    assert_eq!((from, blocker.code), (ReturnInitiated, BlockerCode::ReturnIncomplete));
    assert_eq!(blocker.message, "of 2 units asked back 1 are not in yet: receive them first");
    assert_eq!(allowed, []);
    let explained = story.order.allowed_transitions(&story.actor);
    let returned = explained.into_iter().find(|(to, _)| *to == Returned).and_then(|(_, why)| why);
    assert_eq!(returned, Some(blocker));
    story.receive(None).expect("the last");
    assert_eq!(story.status(), Returned);
}

#[test]
fn a_return_begins_when_the_order_is_delivered_and_is_received_once_it_began() {
    for status in OrderStatus::ALL {
        let code = |answer: Result<domain::Outcome, Refusal>| match answer {
            Ok(outcome) => Ok(outcome.changed),
            Err(Refusal::InvalidTransition { from, blocker, .. }) if from == status => Err(blocker.code),
            Err(refusal) => panic!("{status}: {refusal}"),
        };
        let asked = code(Story::new(status, &[1]).ask_back(None));
        let received = code(Story::new(status, &[1]).receive(None));
        match status {
            Delivered => assert_eq!((asked, received), (Ok(true), Err(BlockerCode::NotInTable))),
            ReturnInitiated => assert_eq!((asked, received), (Ok(true), Ok(true))),
            Returned => assert_eq!((asked, received), (Err(BlockerCode::NotInTable), Ok(false))),
            Placed | PaymentConfirmed | Processing | AwaitingPickup | Shipped | OutForDelivery
            | Cancelled => {
                assert_eq!((asked, received), (Err(BlockerCode::NotInTable), Err(BlockerCode::NotInTable)));
            }
        }
    }
    let mut story = Story::new(Delivered, &[2]);
    story.ask_back(Some(&[(1, 1)])).expect("delivered");
    story.receive(None).expect("it came");
    assert_eq!(invalid(story.receive(Some(&[(1, 1)]))).0, InputField::Items, "the order is returned");
    assert!(!story.receive(None).expect("nothing is left to do").changed);
}

#[derive(Clone, Debug)]
enum Act {
    Ask(Option<Vec<(u32, u32)>>),
    Receive(Option<Vec<(u32, u32)>>),
    Go(OrderStatus),
}

fn act() -> impl Strategy<Value = Act> {
    let some = || prop::option::weighted(0.9, vec((1..=3u32, 1..=3u32), 1..=3));
    prop_oneof![
        4 => some().prop_map(Act::Ask),
        4 => some().prop_map(Act::Receive),
        1 => prop::sample::select(vec![ReturnInitiated, Returned]).prop_map(Act::Go),
    ]
}

/// For each item: the units delivered, asked back, and come back.
#[derive(Clone, Debug)]
struct Books {
    status: OrderStatus,
    units: Vec<[u32; 3]>,
}

impl Books {
    /// The rules again, unit by unit. `None` if the request has to be refused.
    fn after(&self, act: &Act) -> Option<Self> {
        let mut next = self.clone();
        match act {
            Act::Go(to) if *to == self.status => {}
            Act::Go(ReturnInitiated) if self.status == Delivered => next.status = ReturnInitiated,
            Act::Go(Returned) if self.status == ReturnInitiated => {
                if !self.is_complete() {
                    return None;
                }
                next.ask_all_if_nothing_was();
                next.units.iter_mut().for_each(|unit| unit[2] = unit[1]);
                next.status = Returned;
            }
            Act::Go(_) => return None,
            Act::Ask(of) if matches!(self.status, Delivered | ReturnInitiated) => {
                next.status = ReturnInitiated;
                next.move_units(of.as_deref(), 0)?;
            }
            Act::Ask(_) => return None,
            Act::Receive(None) if self.status == Returned => {}
            Act::Receive(of) if self.status == ReturnInitiated => {
                next.ask_all_if_nothing_was();
                next.move_units(of.as_deref(), 1)?;
                if next.is_complete() {
                    next.status = Returned;
                }
            }
            Act::Receive(_) => return None,
        }
        Some(next)
    }

    fn is_complete(&self) -> bool {
        self.units.iter().all(|unit| unit[1] == unit[2])
    }

    fn ask_all_if_nothing_was(&mut self) {
        if self.units.iter().all(|unit| unit[1] == 0) {
            self.units.iter_mut().for_each(|unit| unit[1] = unit[0]);
        }
    }

    /// Moves units from one column to the next, one after the other.
    fn move_units(&mut self, of: Option<&[(u32, u32)]>, from: usize) -> Option<()> {
        let Some(of) = of else {
            self.units.iter_mut().for_each(|unit| unit[from + 1] = unit[from]);
            return Some(());
        };
        for (item, quantity) in of {
            let unit = self.units.get_mut(*item as usize - 1)?;
            for _ in 0..*quantity {
                (unit[from + 1] < unit[from]).then_some(())?;
                unit[from + 1] += 1;
            }
        }
        Some(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_asked_back_and_received_in_whatever_order_the_books_are_right(
        quantities in vec(1..=3u32, 1..=3),
        acts in vec(act(), 1..15),
    ) {
        let mut story = Story::new(Delivered, &quantities);
        let mut books = Books { status: Delivered, units: quantities.iter().map(|units| [*units, 0, 0]).collect() };
        for act in acts {
            let answer = match &act {
                Act::Ask(of) => story.ask_back(of.as_deref()),
                Act::Receive(of) => story.receive(of.as_deref()),
                Act::Go(to) => story.go(*to),
            };
            let expected = books.after(&act);
            prop_assert_eq!(answer.is_ok(), expected.is_some(), "{:?} of {:?}: {:?}", act, books, answer);
            if let Some(expected) = expected {
                let steps = usize::from(expected.status != books.status);
                prop_assert_eq!(answer.is_ok_and(|outcome| outcome.event.is_some()), steps == 1);
                books = expected;
            }
            let told = story.order.items().iter().map(|item| [item.quantity, item.return_requested, item.returned]);
            prop_assert_eq!((story.status(), told.collect::<Vec<_>>()), (books.status, books.units.clone()));
        }
        prop_assert_eq!(story.order.items()[0].id, item_id(1));
    }
}

#[test]
fn what_was_delivered_can_come_back_whatever_a_shipment_is_said_to_be_since() {
    let mut story = Story::new(Processing, &[1]);
    story.ship(1, &[(1, 1)]).expect("free");
    story.scanned(1, ShipmentStatus::Cancelled);
    for status in [Shipped, Delivered] {
        story.go(status).expect("no parcel speaks against it");
    }
    story.scanned(1, ShipmentStatus::PickedUp);
    assert_eq!(story.shipment(1).status(), ShipmentStatus::PickedUp);
    story.ask_back(Some(&[(1, 1)])).expect("the order was delivered");
    story.receive(None).expect("it came");
    assert_eq!((story.status(), units(&story)), (Returned, vec![(1, 1)]));
}
