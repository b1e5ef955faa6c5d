//! The open connections of a listener, and the choice of the one that is closed for another one: the one with the
//! lowest [`Phase::eviction_rank`]. A connection without a rank is never chosen. The chosen one is ended, and its slot
//! is free at once. `evict_any` and `evict_reserved` answer false if there is none to choose.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use super::{
    super::{
        connection::Connection,
        phase::{End, Phase},
    },
    GRACE,
};

/// The open connections, in the sequence in which they were accepted, and by address.
#[derive(Default)]
pub(super) struct OpenConnections {
    next: u64,
    /// The connections by id. Ids increase, so the oldest connection comes first.
    pub(super) all: BTreeMap<u64, Arc<Connection>>,
    pub(super) by_address: HashMap<IpAddr, BTreeMap<u64, Arc<Connection>>>,
    pub(super) reserved: usize,
}

impl OpenConnections {
    pub(super) fn insert(&mut self, connection: Arc<Connection>) -> u64 {
        let id = self.next;
        self.next += 1;
        if connection.reserved.load(Ordering::Relaxed) {
            self.reserved += 1;
        }
        self.by_address.entry(connection.address).or_default().insert(id, connection.clone());
        self.all.insert(id, connection);
        id
    }

    pub(super) fn remove(&mut self, id: u64) {
        let Some(connection) = self.all.remove(&id) else { return };
        if connection.reserved.load(Ordering::Relaxed) {
            self.reserved -= 1;
        }
        if let Some(of_address) = self.by_address.get_mut(&connection.address) {
            of_address.remove(&id);
            if of_address.is_empty() {
                self.by_address.remove(&connection.address);
            }
        }
    }

    /// Closes connections of an address until a new one fits within the limit `most`. Connections on which a request is
    /// being answered are neither counted nor closed, because behind a proxy many clients share one address.
    pub(super) fn shrink_address(&mut self, address: IpAddr, most: usize, grace: Duration) {
        let Some(of_address) = self.by_address.get(&address) else { return };
        if of_address.len() < most {
            return;
        }
        let waiting = of_address.values().filter(|one| one.phase().eviction_rank().is_some()).count();
        for _ in most..=waiting {
            let Some(id) = find_lowest_ranked(&self.by_address[&address], |one| one.age_of_phase() >= grace)
            else {
                return;
            };
            self.evict(id);
        }
    }

    pub(super) fn evict_any(&mut self) -> bool {
        let id = find_lowest_ranked(&self.all, |one| {
            let reserved = one.reserved.load(Ordering::Relaxed);
            !reserved && (one.phase() != Phase::Body || one.age_of_phase() >= GRACE)
        });
        id.map(|id| self.evict(id)).is_some()
    }

    pub(super) fn evict_reserved(&mut self) -> bool {
        let id = find_lowest_ranked(&self.all, |one| one.reserved.load(Ordering::Relaxed));
        id.map(|id| self.evict(id)).is_some()
    }

    /// Ends a connection and frees its slot at once, before its stream is closed.
    fn evict(&mut self, id: u64) {
        if let Some(connection) = self.all.get(&id) {
            connection.end(End::Evicted);
        }
        self.remove(id);
    }
}

/// The id of the connection with the lowest rank ([`Phase::eviction_rank`]) that `may_go`. Among equal ranks it is the
/// oldest connection, except that ranks 0 and 1 count as equal.
fn find_lowest_ranked(
    connections: &BTreeMap<u64, Arc<Connection>>,
    may_go: impl Fn(&Connection) -> bool,
) -> Option<u64> {
    let mut found = None;
    for (id, connection) in connections {
        let Some(rank) = connection.phase().eviction_rank().filter(|_| may_go(connection)) else { continue };
        // These ranks are so low that the search can stop.
        if rank <= 1 {
            return Some(*id);
        }
        if found.is_none_or(|(least, _)| rank < least) {
            found = Some((rank, *id));
        }
    }
    found.map(|(_, id)| id)
}
