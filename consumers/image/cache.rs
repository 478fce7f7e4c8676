//! A cache of results, found by the content of their pictures.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use waterway::setting::Size;

#[cfg(test)]
mod tests;

/// Results by picture and by `W`, everything else that they depend on. The cache is bounded in
/// bytes, and the least recently used results are removed first.
///
/// It stores `T`, the result of a job, and not the picture. A result is only valid while the files
/// that it names exist, so the caller checks that.
#[derive(Debug)]
pub struct Cache<W, T> {
    limit: u64,
    kept: Mutex<Kept<W, T>>,
}

/// A picture by its content, and the work on it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key<W> {
    /// A BLAKE3 hash: it is infeasible to make two files with the same hash.
    content: [u8; 32],
    work: W,
}

#[derive(Debug)]
struct Kept<W, T> {
    results: HashMap<Key<W>, Entry<T>>,
    /// By the number of their last use, which is unique.
    by_use: BTreeMap<u64, Key<W>>,
    uses: u64,
    bytes: u64,
}

#[derive(Debug)]
struct Entry<T> {
    result: T,
    bytes: u64,
    used: u64,
}

/// The memory of a result in addition to its own bytes: its key, which is stored twice, its entry,
/// and its part of the empty room of both maps.
const OVERHEAD: u64 = 1024;

/// The map of results shrinks when it has room for this many times the results that it holds.
const SPARE: usize = 16;

impl<W: Hash + Eq + Clone, T: Clone> Cache<W, T> {
    /// A cache of this many bytes; with 0 it is off.
    #[must_use]
    pub fn new(limit: Size) -> Self {
        let kept = Kept { results: HashMap::new(), by_use: BTreeMap::new(), uses: 0, bytes: 0 };
        Self { limit: limit.bytes(), kept: Mutex::new(kept) }
    }

    /// The key of this work on this file; `None` if the cache is off, and then the file is not
    /// read.
    #[must_use]
    pub fn key(&self, file: &[u8], work: W) -> Option<Key<W>> {
        (self.limit > 0).then(|| Key { content: *blake3::hash(file).as_bytes(), work })
    }

    /// The result, if there is one and `is_there` says that its files still exist; otherwise the
    /// result is removed.
    pub async fn find<F: Future<Output = bool>>(
        &self,
        key: &Key<W>,
        is_there: impl FnOnce(T) -> F,
    ) -> Option<T> {
        let (result, used) = self.kept().touch(key)?;
        if is_there(result.clone()).await {
            return Some(result);
        }
        let mut kept = self.kept();
        // Another caller may have stored a new result meanwhile.
        let same = kept.results.get(key).is_some_and(|entry| entry.used == used);
        let forgotten = if same { kept.remove(key) } else { None };
        drop(kept);
        drop(forgotten);
        None
    }

    /// Stores a result that takes this many bytes in memory, unless it is larger than the whole
    /// cache.
    pub fn keep(&self, key: Key<W>, result: T, bytes: u64) {
        let bytes = bytes.saturating_add(OVERHEAD);
        if bytes > self.limit {
            return;
        }
        let mut kept = self.kept();
        let mut gone = Vec::from_iter(kept.remove(&key));
        while kept.bytes > self.limit - bytes {
            let Some(oldest) = kept.by_use.first_key_value().map(|(_, key)| key.clone()) else {
                break;
            };
            gone.extend(kept.remove(&oldest));
        }
        kept.insert(key, result, bytes);
        drop(kept);
        // Freed once the lock is released.
        drop(gone);
    }

    /// The size of the stored results in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.kept().bytes
    }

    fn kept(&self) -> MutexGuard<'_, Kept<W, T>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W: Hash + Eq + Clone, T: Clone> Kept<W, T> {
    fn insert(&mut self, key: Key<W>, result: T, bytes: u64) {
        self.uses += 1;
        self.bytes += bytes;
        self.by_use.insert(self.uses, key.clone());
        self.results.insert(key, Entry { result, bytes, used: self.uses });
    }

    /// The result, marked as used now, and the number of this use.
    fn touch(&mut self, key: &Key<W>) -> Option<(T, u64)> {
        let entry = self.results.get_mut(key)?;
        self.uses += 1;
        if let Some(key) = self.by_use.remove(&entry.used) {
            self.by_use.insert(self.uses, key);
        }
        entry.used = self.uses;
        Some((entry.result.clone(), entry.used))
    }

    fn remove(&mut self, key: &Key<W>) -> Option<T> {
        let entry = self.results.remove(key)?;
        self.by_use.remove(&entry.used);
        self.bytes -= entry.bytes;
        if self.results.len() < self.results.capacity() / SPARE {
            self.results.shrink_to(2 * self.results.len());
        }
        Some(entry.result)
    }
}
