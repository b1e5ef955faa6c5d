//! Tests of the choice of connections that are closed. They open no real connection.

use super::*;

const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

fn new_slots(connections: usize, per_address: usize) -> Arc<ConnectionSlots> {
    ConnectionSlots::new(HttpLimits {
        connections,
        connections_per_address: per_address,
        ..HttpLimits::default()
    })
}

fn busy(slots: &Arc<ConnectionSlots>) -> ConnectionSlot {
    let slot = slots.take_slot(ADDRESS).unwrap();
    slot.connection.enter(Phase::Responding);
    slot
}

#[tokio::test]
async fn a_new_connection_replaces_the_oldest_that_is_waited_for() {
    let slots = new_slots(3, 100);
    let answered = busy(&slots);
    let idle = slots.take_slot(ADDRESS).unwrap();
    idle.connection.enter(Phase::Idle);
    let half_open = slots.take_slot(ADDRESS).unwrap();
    let next = slots.take_slot(ADDRESS).unwrap();
    assert_eq!(half_open.connection.end_reason(), Some(End::Evicted));
    let third = slots.take_slot(ADDRESS).unwrap();
    assert_eq!(next.connection.end_reason(), Some(End::Evicted));
    third.connection.enter(Phase::Responding);
    let fourth = slots.take_slot(ADDRESS).unwrap();
    assert_eq!(
        idle.connection.end_reason(),
        Some(End::Evicted),
        "an idle one, where no half-open one is left"
    );
    assert!([&answered, &third, &fourth].iter().all(|slot| slot.connection.end_reason().is_none()));
}

#[tokio::test]
async fn reserved_slots_are_left_when_all_others_are_at_work() {
    let slots = new_slots(2, 100);
    let mut at_work = vec![busy(&slots), busy(&slots)];
    let reserved: Vec<_> = (0..RESERVED).map(|_| slots.take_slot(ADDRESS).unwrap()).collect();
    assert!(reserved.iter().all(|slot| slot.connection.reserved.load(Ordering::Relaxed)));
    let another = slots.take_slot(ADDRESS).unwrap();
    assert_eq!(reserved[0].connection.end_reason(), Some(End::Evicted));
    for slot in reserved.iter().skip(1).chain([&another]) {
        slot.connection.enter(Phase::Responding);
    }
    assert!(slots.take_slot(ADDRESS).is_none(), "every slot is taken by somebody who is being answered");
    assert!(!slots.promote(&another.connection));
    at_work.pop();
    assert!(slots.promote(&another.connection));
    assert!(!another.connection.reserved.load(Ordering::Relaxed));
    drop((reserved, another, at_work));
    let taken = slots.lock();
    assert_eq!((taken.all.len(), taken.by_address.len(), taken.reserved), (0, 0, 0));
}

#[tokio::test]
async fn one_address_is_bounded_by_what_it_does_not_use() {
    for (grace, closed) in [(GRACE, None), (Duration::ZERO, Some(End::Evicted))] {
        let mut slots = new_slots(100, 2);
        Arc::get_mut(&mut slots).unwrap().grace = grace;
        let other = slots.take_slot([127, 0, 0, 2].into()).unwrap();
        let busy: Vec<_> = (0..5).map(|_| busy(&slots)).collect();
        let first = slots.take_slot(ADDRESS).unwrap();
        let second = slots.take_slot(ADDRESS).unwrap();
        let third = slots.take_slot(ADDRESS).unwrap();
        assert_eq!(first.connection.end_reason(), closed, "a new one is spared");
        for slot in busy.iter().chain([&other, &second, &third]) {
            assert_eq!(slot.connection.end_reason(), None);
        }
    }
}
