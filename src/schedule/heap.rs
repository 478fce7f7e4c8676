//! An indexed 4-ary min-heap: an element can be removed or get another key by its handle.

use slab::Slab;

use crate::spare::GiveBack;

/// Four children for each node: the tree is shallower than with two, and the children are adjacent
/// in memory.
const ARITY: usize = 4;

/// Identifies an element until it leaves the heap, wherever it moves within the heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Handle(usize);

/// The smallest key is first. Equal keys have an arbitrary order: add a number to the key if the
/// order matters.
#[derive(Debug)]
pub(super) struct Heap<K, V> {
    /// Heap order: `nodes[i].key >= nodes[(i - 1) / ARITY].key`.
    nodes: Vec<Node<K, V>>,
    /// The index in `nodes` for each handle. Handles are slots that are reused, so no lookup
    /// hashes.
    positions: Slab<usize>,
}

#[derive(Clone, Copy, Debug)]
struct Node<K, V> {
    key: K,
    value: V,
    handle: Handle,
}

impl<K, V> Default for Heap<K, V> {
    fn default() -> Self {
        Self { nodes: Vec::new(), positions: Slab::new() }
    }
}

impl<K: Ord + Copy, V: Copy> Heap<K, V> {
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn push(&mut self, key: K, value: V) -> Handle {
        let at = self.nodes.len();
        let handle = Handle(self.positions.insert(at));
        self.nodes.push(Node { key, value, handle });
        self.rise(at);
        handle
    }

    pub(super) fn peek(&self) -> Option<(K, V)> {
        self.nodes.first().map(|node| (node.key, node.value))
    }

    pub(super) fn pop(&mut self) -> Option<(K, V)> {
        let handle = self.nodes.first()?.handle;
        self.remove(handle)
    }

    #[cfg(test)]
    pub(super) fn key(&self, handle: Handle) -> Option<K> {
        self.positions.get(handle.0).map(|&at| self.nodes[at].key)
    }

    /// Removes an element, wherever it is. An unknown handle is ignored.
    pub(super) fn remove(&mut self, handle: Handle) -> Option<(K, V)> {
        let at = self.positions.try_remove(handle.0)?;
        let removed = self.nodes.swap_remove(at);
        self.positions.give_back();
        self.nodes.give_back();
        if at < self.nodes.len() {
            // The last leaf, which took the removed node's place, may have to move up or down.
            self.restore(at);
        }
        Some((removed.key, removed.value))
    }

    /// Gives an element another key. An unknown handle is ignored.
    pub(super) fn rekey(&mut self, handle: Handle, key: K) {
        if let Some(&at) = self.positions.get(handle.0) {
            self.nodes[at].key = key;
            self.restore(at);
        }
    }

    /// Gives every element the key that `key` computes, in linear time.
    pub(super) fn rekey_all(&mut self, mut key: impl FnMut(K, V) -> K) {
        for node in &mut self.nodes {
            node.key = key(node.key, node.value);
        }
        let parents = self.nodes.len().saturating_sub(1).div_ceil(ARITY);
        for at in (0..parents).rev() {
            self.sink(at);
        }
    }

    /// The capacity in elements.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.nodes.capacity().max(self.positions.capacity())
    }

    #[cfg(test)]
    pub(super) fn iter(&self) -> impl Iterator<Item = (K, V)> + '_ {
        self.nodes.iter().map(|node| (node.key, node.value))
    }

    fn restore(&mut self, at: usize) {
        if self.rise(at) == at {
            self.sink(at);
        }
    }

    fn rise(&mut self, mut at: usize) -> usize {
        let node = self.nodes[at];
        while at > 0 {
            let parent = (at - 1) / ARITY;
            if self.nodes[parent].key <= node.key {
                break;
            }
            self.settle(at, self.nodes[parent]);
            at = parent;
        }
        self.settle(at, node);
        at
    }

    fn sink(&mut self, mut at: usize) {
        let node = self.nodes[at];
        loop {
            let first = at * ARITY + 1;
            let children = first..(first + ARITY).min(self.nodes.len());
            let Some(least) = children.min_by_key(|&child| self.nodes[child].key) else { break };
            if node.key <= self.nodes[least].key {
                break;
            }
            self.settle(at, self.nodes[least]);
            at = least;
        }
        self.settle(at, node);
    }

    fn settle(&mut self, at: usize, node: Node<K, V>) {
        self.nodes[at] = node;
        self.positions[node.handle.0] = at;
    }

    #[cfg(test)]
    pub(super) fn check_invariants(&self) {
        assert_eq!(self.nodes.len(), self.positions.len());
        for (at, node) in self.nodes.iter().enumerate() {
            assert_eq!(self.positions[node.handle.0], at, "every handle names its own node");
            assert!(at == 0 || self.nodes[(at - 1) / ARITY].key <= node.key, "parents come first");
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Push(u8),
        Pop,
        Remove(usize),
        Rekey(usize, u8),
        RekeyAll(u8),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            3 => any::<u8>().prop_map(Step::Push),
            1 => Just(Step::Pop),
            1 => any::<usize>().prop_map(Step::Remove),
            1 => (any::<usize>(), any::<u8>()).prop_map(|(which, key)| Step::Rekey(which, key)),
            1 => any::<u8>().prop_map(Step::RekeyAll),
        ];
        prop::collection::vec(step, 0..200)
    }

    proptest! {
           #[test]
           fn any_sequence_of_steps_gives_the_same_elements_as_a_sorted_list(steps in steps()) {
               let mut heap = Heap::default();
               // Each key and value, with the handle that the heap returned.
               let mut list: Vec<((u8, usize), Handle)> = Vec::new();
               for (value, step) in steps.into_iter().enumerate() {
                   match step {
                       Step::Push(key) => list.push(((key, value), heap.push((key, value), value))),
                       Step::Pop => {
                           list.sort_by_key(|&(key, _)| key);
                           let least = (!list.is_empty()).then(|| list.remove(0).0);
                           prop_assert_eq!(heap.pop(), least.map(|key| (key, key.1)));
                       }
                       Step::Remove(which) if !list.is_empty() => {
                           let (key, handle) = list.swap_remove(which % list.len());
                           prop_assert_eq!(heap.remove(handle), Some((key, key.1)));
                           prop_assert_eq!(heap.remove(handle), None);
                       }
                       Step::Rekey(which, key) if !list.is_empty() => {
                           let which = which % list.len();
                           list[which].0.0 = key;
                           heap.rekey(list[which].1, list[which].0);
                       }
                       Step::RekeyAll(mask) => {
                           heap.rekey_all(|(key, value), _| (key ^ mask, value));
                           for (key, _) in &mut list {
    key.0 ^= mask;
    }
                       }
                       Step::Remove(_) | Step::Rekey(..) => {}
                   }
                   heap.check_invariants();
                   prop_assert_eq!(heap.peek().map(|(key, _)| key), list.iter().map(|l| l.0).min());
                   prop_assert!(list.iter().all(|&(key, handle)| heap.key(handle) == Some(key)));
                   prop_assert_eq!(heap.len(), list.len());
               }
           }
       }
}
