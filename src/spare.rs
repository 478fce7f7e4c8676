//! Collections release memory when their capacity far exceeds their number of elements.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::Hash;

use slab::Slab;

/// A collection with a capacity up to this number of elements is never shrunk.
const ALWAYS: usize = 64;

/// The most capacity for each element, in larger collections.
const FACTOR: usize = 4;

/// A collection that can release capacity that it no longer needs.
pub(crate) trait GiveBack {
    /// Shrinks the collection if it is [far too large](is_far_too_large). If it is called after
    /// each removal, it takes constant time on average, because half of the remaining capacity is
    /// empty.
    fn give_back(&mut self);
}

/// Whether a collection has a capacity of more than [`ALWAYS`] elements and of more than [`FACTOR`]
/// times its length.
pub(crate) fn is_far_too_large(length: usize, capacity: usize) -> bool {
    capacity > ALWAYS && capacity / FACTOR > length
}

macro_rules! give_back {
    ($([$($generics:tt)+] $collection:ty;)+) => {
        $(impl<$($generics)+> GiveBack for $collection {
            fn give_back(&mut self) {
                if is_far_too_large(self.len(), self.capacity()) {
                    self.shrink_to(2 * self.len());
                }
            }
        })+
    };
}

give_back! {
    [T] Vec<T>;
    [T] VecDeque<T>;
    [T: Eq + Hash] HashSet<T>;
    [K: Eq + Hash, V] HashMap<K, V>;
}

impl<T> GiveBack for Slab<T> {
    /// Only the empty slots after the last element can be released, which takes a walk through all
    /// slots. So it is tried only when the number of elements is a power of two, or zero.
    fn give_back(&mut self) {
        let length = self.len();
        let seldom = length & length.wrapping_sub(1) == 0;
        if seldom && is_far_too_large(length, self.capacity()) {
            self.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet, VecDeque};

    use slab::Slab;

    use super::GiveBack;

    /// Removes the elements one by one, and checks the capacity after each removal.
    fn check<C: GiveBack>(
        mut collection: C,
        take: impl Fn(&mut C) -> bool,
        capacity: impl Fn(&C) -> usize,
    ) {
        let mut length = 5000_usize;
        let (mut before, mut moves) = (capacity(&collection), 0);
        assert!(before >= length, "it is full");
        while take(&mut collection) {
            length -= 1;
            collection.give_back();
            let now = capacity(&collection);
            assert!(now <= 64 || now / 4 <= length.next_power_of_two(), "{now} for {length}");
            moves += u32::from(now < before / 4 * 3);
            before = now;
        }
        assert!(length == 0 && before <= 64, "room for {before} when {length} are left");
        assert!(moves < 16, "what is left was moved {moves} times");
    }

    #[test]
    fn a_collection_shrinks_with_its_elements_and_rarely_moves_them() {
        let numbers = 0..5000_usize;
        check(numbers.clone().collect::<Vec<_>>(), |full| full.pop().is_some(), Vec::capacity);
        check(
            numbers.clone().collect::<VecDeque<_>>(),
            |full| full.pop_front().is_some(),
            VecDeque::capacity,
        );
        check(
            numbers.clone().collect::<HashSet<_>>(),
            |full: &mut HashSet<usize>| {
                let first = full.iter().next().copied();
                first.is_some_and(|first| full.remove(&first))
            },
            HashSet::capacity,
        );
        check(
            numbers.clone().map(|number| (number, number)).collect(),
            |full: &mut HashMap<usize, usize>| {
                let first = full.keys().next().copied();
                first.is_some_and(|first| full.remove(&first).is_some())
            },
            HashMap::capacity,
        );
        check(
            numbers.map(|number| (number, number)).collect(),
            |full: &mut Slab<usize>| {
                let last = full.iter().map(|(key, _)| key).next_back();
                last.is_some_and(|last| full.try_remove(last).is_some())
            },
            Slab::capacity,
        );
    }
}
