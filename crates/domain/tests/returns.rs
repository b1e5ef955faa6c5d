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
fn more_can_come_than_was_asked_back_and_no_more_than_was_delivered() {
    let mut story = Story::new(Delivered, &[3, 2]);
    story.ask_back(Some(&[(1, 2)])).expect("delivered");
    story.receive(Some(&[(1, 1)])).expect("asked back");
    let (field, message) = invalid(story.receive(Some(&[(2, 1), (1, 3)])));
    assert_eq!(field, InputField::Item(1, ItemField::Quantity));
    assert_eq!(message, "3 units of SKU-1 came in, but of 3 delivered 1 are in already");
    assert_eq!(units(&story), [(2, 1), (0, 0)]);
    let more = story.receive(Some(&[(2, 1)])).expect("nobody asked for it, and it was delivered");
    assert_eq!((more.event, units(&story)), (None, vec![(2, 1), (1, 1)]), "its receipt asks for it");
    let last = story.receive(Some(&[(1, 2)])).expect("one was asked back, one more came");
    assert_eq!((last.event, units(&story)), (Some(VERSION + 2), vec![(3, 3), (1, 1)]));
    assert_eq!(story.status(), Returned);
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
    assert_eq!(
        blocker.message,
        "of 2 units asked back 1 are not in yet: receive them first (receiveReturn), or write them off (writeOffReturn)"
    );
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
            Returned => assert_eq!((asked, received), (Ok(true), Ok(false))),
            Placed | PaymentConfirmed | Processing | AwaitingPickup | Shipped | OutForDelivery
            | Cancelled => {
                assert_eq!((asked, received), (Err(BlockerCode::NotInTable), Err(BlockerCode::NotInTable)));
            }
        }
    }
}

#[derive(Clone, Debug)]
enum Act {
    Ask(Option<Vec<(u32, u32)>>),
    Receive(Option<Vec<(u32, u32)>>),
    WriteOff(Option<Vec<(u32, u32)>>),
    Go(OrderStatus),
}

fn act() -> impl Strategy<Value = Act> {
    let some = || prop::option::weighted(0.9, vec((1..=3u32, 1..=3u32), 1..=3));
    prop_oneof![
        4 => some().prop_map(Act::Ask),
        4 => some().prop_map(Act::Receive),
        3 => some().prop_map(Act::WriteOff),
        1 => prop::sample::select(vec![ReturnInitiated, Returned]).prop_map(Act::Go),
    ]
}

/// Where a delivered unit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Kept,
    Asked,
    Back,
    WrittenOff,
}

/// The delivered units of each item.
#[derive(Clone, Debug)]
struct Books {
    status: OrderStatus,
    is_closed: bool,
    units: Vec<Vec<Unit>>,
}

impl Books {
    /// The rules again, unit by unit. `None` if the request has to be refused.
    fn after(&self, act: &Act) -> Option<Self> {
        use Unit::{Asked, Back, Kept, WrittenOff};
        let mut next = self.clone();
        let has_return = matches!(self.status, ReturnInitiated | Returned);
        match act {
            Act::Go(to) if *to == self.status => return Some(next),
            Act::Go(ReturnInitiated) if self.status == Delivered => next.status = ReturnInitiated,
            Act::Go(Returned) if self.status == ReturnInitiated => {
                next.ask_all_if_nothing_was();
                if self.has(Asked) || !(self.has(Back) || next.has(Asked)) {
                    return None;
                }
                next.move_units(None, &[Asked], Back)?;
                next.status = Returned;
            }
            Act::Go(_) => return None,
            Act::Ask(of) if self.status == Delivered || has_return => {
                next.move_units(of.as_deref(), &[WrittenOff, Kept], Asked)?;
                if self.status == Delivered {
                    next.status = ReturnInitiated;
                }
            }
            Act::Receive(of) if has_return => {
                next.ask_all_if_nothing_was();
                let from: &[Unit] = if of.is_none() { &[Asked] } else { &[Asked, WrittenOff, Kept] };
                next.move_units(of.as_deref(), from, Back)?;
            }
            Act::WriteOff(of) if has_return => {
                next.ask_all_if_nothing_was();
                next.move_units(of.as_deref(), &[Asked], WrittenOff)?;
            }
            Act::Ask(_) | Act::Receive(_) | Act::WriteOff(_) => return None,
        }
        let has_moved = next.units != self.units;
        let is_ended = next.status == ReturnInitiated && has_moved && !next.has(Asked);
        match act {
            Act::Receive(_) | Act::WriteOff(_) if is_ended && next.has(Back) => next.status = Returned,
            Act::WriteOff(_) if is_ended => next.is_closed = true,
            Act::Ask(_) | Act::Receive(_) if has_moved => next.is_closed = false,
            Act::Ask(_) | Act::Receive(_) | Act::WriteOff(_) | Act::Go(_) => {}
        }
        if next.status != self.status {
            next.is_closed = false;
        }
        Some(next)
    }

    fn has(&self, unit: Unit) -> bool {
        self.units.iter().flatten().any(|one| *one == unit)
    }

    fn ask_all_if_nothing_was(&mut self) {
        if self.status == ReturnInitiated && self.units.iter().flatten().all(|one| *one == Unit::Kept) {
            self.units.iter_mut().flatten().for_each(|one| *one = Unit::Asked);
        }
    }

    /// Moves units that are at one of these places, the first place first.
    fn move_units(&mut self, of: Option<&[(u32, u32)]>, from: &[Unit], to: Unit) -> Option<()> {
        let Some(of) = of else {
            let moved = self.units.iter_mut().flatten().filter(|one| from.contains(one));
            moved.for_each(|one| *one = to);
            return Some(());
        };
        for (item, quantity) in of {
            let units = self.units.get_mut(*item as usize - 1)?;
            for _ in 0..*quantity {
                let place = from.iter().find_map(|from| units.iter().position(|one| one == from))?;
                units[place] = to;
            }
        }
        Some(())
    }

    /// The units asked back, come back and written off, of each item.
    fn counts(&self) -> Vec<[u32; 3]> {
        let count = |units: &Vec<Unit>, of: Unit| units.iter().filter(|one| **one == of).count() as u32;
        let kept = |units: &Vec<Unit>| units.len() as u32 - count(units, Unit::Kept);
        self.units
            .iter()
            .map(|units| [kept(units), count(units, Unit::Back), count(units, Unit::WrittenOff)])
            .collect()
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
        let units = quantities.iter().map(|units| vec![Unit::Kept; *units as usize]).collect();
        let mut books = Books { status: Delivered, is_closed: false, units };
        for act in acts {
            let answer = match &act {
                Act::Ask(of) => story.ask_back(of.as_deref()),
                Act::Receive(of) => story.receive(of.as_deref()),
                Act::WriteOff(of) => story.write_off(of.as_deref()),
                Act::Go(to) => story.go(*to),
            };
            let expected = books.after(&act);
            prop_assert_eq!(answer.is_ok(), expected.is_some(), "{:?} of {:?}: {:?}", act, books, answer);
            if let Some(expected) = expected {
                let steps = usize::from(expected.status != books.status);
                prop_assert_eq!(answer.is_ok_and(|outcome| outcome.event.is_some()), steps == 1);
                books = expected;
            }
            let told = story.order.items().iter();
            let told = told.map(|item| [item.return_requested, item.returned, item.return_written_off]);
            prop_assert_eq!((story.status(), told.collect::<Vec<_>>()), (books.status, books.counts()));
            prop_assert_eq!(story.is_closed(), books.is_closed, "{:?}", act);
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
