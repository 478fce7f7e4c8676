//! Memory for data in transit, and which data is dropped when it runs out.
//!
//! Data that is half received or unsent is a [`Stake`]. When a client needs memory and none is
//! free, the largest stake is revoked, provided it is at least as large as the client's own stake
//! would become. So a few clients that send halves of large messages, or do not read large replies,
//! cannot keep out the small messages of others. A client whose stake is revoked is closed.
//! Complete data is [`Held`] until it is handled, and cannot be revoked.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;
use slab::Slab;

use crate::spare::GiveBack;

/// Memory for data in transit. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Transit {
    shared: Arc<Account>,
}

#[derive(Debug)]
struct Account {
    limit: usize,
    /// How many half-received bytes one address may have.
    per_address: usize,
    // `std`'s mutex: no code awaits or wakes a task while it is locked.
    ledger: Mutex<Ledger>,
}

#[derive(Debug, Default)]
struct Ledger {
    taken: usize,
    /// The part of `taken` that belongs to connections and the heads of their requests.
    connections: usize,
    stakes: Slab<Entry>,
    /// The half-received bytes of each address; addresses without any are left out.
    addresses: HashMap<IpAddr, usize>,
    /// How many stakes have been made; numbers them by age.
    count: u64,
}

#[derive(Debug)]
struct Entry {
    bytes: usize,
    address: Option<IpAddr>,
    number: u64,
    lost: Arc<Lost>,
}

/// Bytes that are taken until this is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    transit: Transit,
    bytes: usize,
    of_connection: bool,
}

/// Bytes that may be revoked.
#[derive(Debug)]
pub(crate) struct Stake {
    transit: Transit,
    key: usize,
    lost: Arc<Lost>,
}

#[derive(Debug, Default)]
struct Lost {
    is_lost: AtomicBool,
    waker: AtomicWaker,
}

/// Why a stake cannot grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spent {
    /// All memory is taken, and no larger stake could be revoked.
    All,
    /// The address already has the most half-received bytes that one address may have.
    Address,
    /// The stake itself has been revoked.
    Lost,
}

impl Transit {
    pub(super) fn new(limit: usize, per_address: usize) -> Self {
        let ledger = Mutex::default();
        Self { shared: Arc::new(Account { limit, per_address, ledger }) }
    }

    /// The total number of bytes, free or taken.
    pub(crate) fn limit(&self) -> usize {
        self.shared.limit
    }

    /// Takes bytes for complete data.
    pub(crate) fn hold(&self, bytes: usize) -> Option<Held> {
        self.take(bytes, false)
    }

    /// Takes bytes for a connection, or for the head of its request. All connections together may
    /// take half of the memory, so that the rest is left for messages.
    pub(crate) fn hold_connection(&self, bytes: usize) -> Option<Held> {
        self.take(bytes, true)
    }

    fn take(&self, bytes: usize, of_connection: bool) -> Option<Held> {
        if bytes > 0 {
            let mut ledger = self.lock();
            let connections = ledger.connections + if of_connection { bytes } else { 0 };
            if connections > self.limit() / 2 {
                return None;
            }
            let gave_way = ledger.make_room(self.limit(), None, bytes).ok()?;
            ledger.taken += bytes;
            ledger.connections = connections;
            drop(ledger);
            tell(gave_way);
        }
        Some(Held { transit: self.clone(), bytes, of_connection })
    }

    /// A new stake of zero bytes. The stakes of one address are bounded together. Without an
    /// address, as for a client on this machine, a stake is bounded only by the free memory.
    pub(crate) fn stake(&self, address: Option<IpAddr>) -> Stake {
        let lost = Arc::<Lost>::default();
        let mut ledger = self.lock();
        let number = ledger.count;
        ledger.count += 1;
        let entry = Entry { bytes: 0, address, number, lost: Arc::clone(&lost) };
        let key = ledger.stakes.insert(entry);
        drop(ledger);
        Stake { transit: self.clone(), key, lost }
    }

    /// How many bytes are taken now.
    #[cfg(test)]
    pub(crate) fn taken(&self) -> usize {
        self.lock().taken
    }

    fn lock(&self) -> MutexGuard<'_, Ledger> {
        // No code panics while it is locked.
        self.shared.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stake {
    /// Sets its size in bytes, larger or smaller than before.
    ///
    /// # Errors
    /// If it cannot grow; its size then stays the same.
    pub(crate) fn resize(&mut self, bytes: usize) -> Result<(), Spent> {
        let Account { limit, per_address, .. } = *self.transit.shared;
        let mut ledger = self.transit.lock();
        if self.is_lost() {
            return Err(Spent::Lost);
        }
        let Entry { bytes: before, address, .. } = ledger.stakes[self.key];
        let more = bytes.saturating_sub(before);
        let of_address = address.and_then(|address| ledger.addresses.get(&address)).copied();
        if more > 0
            && address.is_some()
            && of_address.unwrap_or(0).saturating_add(more) > per_address
        {
            return Err(Spent::Address);
        }
        let gave_way = ledger.make_room(limit, Some(self.key), more)?;
        ledger.set(self.key, bytes);
        drop(ledger);
        tell(gave_way);
        Ok(())
    }

    /// Turns its bytes into complete data. `None` if they have been revoked.
    pub(crate) fn into_held(self) -> Option<Held> {
        let mut ledger = self.transit.lock();
        let bytes = ledger.stakes[self.key].bytes;
        let is_lost = self.is_lost();
        if !is_lost {
            ledger.set(self.key, 0);
            ledger.taken += bytes;
        }
        drop(ledger);
        (!is_lost).then(|| Held { transit: self.transit.clone(), bytes, of_connection: false })
    }

    /// Waits until its bytes are revoked. Only one task may wait at a time.
    pub(crate) fn poll_lost(&self, context: &mut Context<'_>) -> Poll<()> {
        self.lost.waker.register(context.waker());
        if self.is_lost() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Whether its bytes have been revoked.
    pub(crate) fn is_lost(&self) -> bool {
        self.lost.is_lost.load(Ordering::Acquire)
    }
}

impl Held {
    /// Joins both into one.
    pub(crate) fn and(mut self, mut other: Self) -> Self {
        debug_assert!(Arc::ptr_eq(&self.transit.shared, &other.transit.shared));
        self.bytes += std::mem::take(&mut other.bytes);
        self
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.bytes > 0 {
            let mut ledger = self.transit.lock();
            ledger.taken -= self.bytes;
            if self.of_connection {
                ledger.connections -= self.bytes;
            }
        }
    }
}

impl Drop for Stake {
    fn drop(&mut self) {
        let mut ledger = self.transit.lock();
        ledger.set(self.key, 0);
        ledger.stakes.remove(self.key);
        ledger.stakes.give_back();
    }
}

impl Ledger {
    /// Makes room for `more` bytes of the stake `own` or of complete data. If a stake is revoked
    /// for it, the caller wakes its owner after releasing the ledger.
    ///
    /// Revoking one stake is enough, because it has at least the requested bytes.
    fn make_room(
        &mut self,
        limit: usize,
        own: Option<usize>,
        more: usize,
    ) -> Result<Option<Arc<Lost>>, Spent> {
        if self.taken.saturating_add(more) <= limit || more == 0 {
            return Ok(None);
        }
        let before = own.map_or(0, |key| self.stakes[key].bytes);
        let wanted = before.saturating_add(more);
        let larger = self
            .stakes
            .iter()
            .filter(|(key, entry)| Some(*key) != own && entry.bytes > 0 && entry.bytes >= wanted);
        // The oldest of equal stakes, because it has had the most time.
        let victim = larger.max_by_key(|(_, entry)| (entry.bytes, Reverse(entry.number)));
        let (key, entry) = victim.ok_or(Spent::All)?;
        let lost = Arc::clone(&entry.lost);
        lost.is_lost.store(true, Ordering::Release);
        self.set(key, 0);
        Ok(Some(lost))
    }

    fn set(&mut self, key: usize, bytes: usize) {
        let entry = &mut self.stakes[key];
        let before = std::mem::replace(&mut entry.bytes, bytes);
        self.taken = self.taken - before + bytes;
        let Some(address) = entry.address.filter(|_| before != bytes) else { return };
        let of_address = self.addresses.entry(address).or_default();
        *of_address = *of_address - before + bytes;
        if *of_address == 0 {
            self.addresses.remove(&address);
            self.addresses.give_back();
        }
    }
}

/// Wakes the owner of a revoked stake.
fn tell(gave_way: Option<Arc<Lost>>) {
    if let Some(lost) = gave_way {
        lost.waker.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicBool);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    fn transit(limit: usize) -> Transit {
        Transit::new(limit, 60)
    }

    fn stake(transit: &Transit, bytes: usize) -> Stake {
        let mut stake = transit.stake(None);
        stake.resize(bytes).unwrap();
        stake
    }

    #[test]
    fn the_largest_stake_is_revoked_and_the_oldest_of_equal_ones() {
        let transit = transit(100);
        let (small, old, young) = (stake(&transit, 20), stake(&transit, 40), stake(&transit, 40));
        let newcomer = stake(&transit, 30);
        assert!(old.is_lost() && !young.is_lost() && !small.is_lost());
        assert_eq!(transit.taken(), 90);
        drop((old, newcomer));
        assert_eq!(transit.taken(), 60);
        let held = transit.hold(41);
        assert!(
            held.is_none() && !young.is_lost(),
            "a stake is revoked only for requests up to its own size"
        );
        assert!(transit.hold(40).is_some() && !young.is_lost());
    }

    #[test]
    fn a_revoked_stake_cannot_grow_and_its_owner_is_woken() {
        let transit = transit(100);
        let mut large = stake(&transit, 100);
        let woken = Arc::<Woken>::default();
        let waker = Arc::clone(&woken).into();
        let mut context = Context::from_waker(&waker);
        assert!(large.poll_lost(&mut context).is_pending());
        let held = transit.hold(10).unwrap();
        assert!(woken.0.load(Ordering::Relaxed));
        assert!(large.poll_lost(&mut context).is_ready());
        assert_eq!(large.resize(1), Err(Spent::Lost));
        assert!(large.into_held().is_none());
        assert_eq!(transit.taken(), 10);
        drop(held);
        assert_eq!(transit.taken(), 0);
    }

    #[test]
    fn a_stake_is_never_revoked_for_itself() {
        let transit = transit(100);
        let mut only = stake(&transit, 90);
        assert_eq!(only.resize(101), Err(Spent::All));
        assert!(!only.is_lost());
        only.resize(100).unwrap();
        only.resize(5).unwrap();
        assert_eq!(transit.taken(), 5);
        let held = only.into_held().unwrap().and(transit.hold(6).unwrap());
        assert_eq!(transit.taken(), 11);
        drop(held);
        assert_eq!(transit.taken(), 0);
    }

    #[test]
    fn connections_leave_half_of_the_memory_to_messages() {
        let transit = transit(100);
        let whole = transit.hold(30).unwrap();
        let connections: Vec<_> = (0..6).map_while(|_| transit.hold_connection(10)).collect();
        assert_eq!((connections.len(), transit.taken()), (5, 80));
        drop(whole);
        assert!(transit.hold_connection(1).is_none() && transit.hold(50).is_some());
        drop(connections);
        assert!(transit.hold_connection(50).is_some());
    }

    #[test]
    fn stakes_of_one_address_are_bounded_together() {
        let transit = transit(1000);
        let [a, b] = [[10, 0, 0, 1], [10, 0, 0, 2]].map(IpAddr::from);
        let (mut first, mut second) = (transit.stake(Some(a)), transit.stake(Some(a)));
        first.resize(40).unwrap();
        assert_eq!(second.resize(21), Err(Spent::Address));
        second.resize(20).unwrap();
        transit.stake(Some(b)).resize(60).unwrap();
        transit.stake(None).resize(900).unwrap();
        let whole = first.into_held();
        second.resize(60).unwrap();
        drop((whole, second));
        assert!(transit.lock().addresses.is_empty());
    }
}
