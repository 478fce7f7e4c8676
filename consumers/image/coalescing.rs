//! Coalescing: equal work in flight is done once, and its outcome goes to all callers.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use foldhash::quality::RandomState;
use tokio::sync::OnceCell;
use waterway::{Cancellation, Error, code};

#[cfg(test)]
mod tests;

/// Work in flight, so that callers who ask for equal work wait for it instead of doing it again.
/// Work is equal if the files are equal, byte by byte, and `W` is equal: everything else that the
/// result depends on.
///
/// Nothing is kept: once the work is done, the next caller does it again.
#[derive(Debug)]
pub struct Coalescing<W, T> {
    /// It has at most one entry for each caller of [`work`](Self::work).
    in_flight_map: Mutex<HashMap<Key<W>, InFlight<T>>>,
    /// With a random key of this process, so that clients cannot send files with equal
    /// fingerprints.
    hasher: RandomState,
}

/// The map shrinks when it has room for this many times its entries.
const SPARE: usize = 16;

/// A file, and the work on it.
#[derive(Debug, Clone)]
struct Key<W> {
    file: Arc<File>,
    work: W,
}

#[derive(Debug)]
struct File {
    bytes: Bytes,
    /// Computed when there is another file of the same length, because reading a whole file takes
    /// longer than the rest of the comparison.
    fingerprint: OnceLock<u64>,
    hasher: RandomState,
}

#[derive(Debug)]
struct InFlight<T> {
    outcome: Outcome<T>,
    /// How many callers wait for it.
    waiters: usize,
}

/// The first caller works, and the others wait for the outcome; if the first gives up, the next one
/// works.
type Outcome<T> = Arc<OnceCell<Result<T, SharedError>>>;

/// An error that several callers get.
#[derive(Debug)]
struct SharedError(Error);

/// One caller's share in work in flight.
struct Waiter<'a, W: Hash + Eq, T> {
    coalescing: &'a Coalescing<W, T>,
    key: Key<W>,
    outcome: Outcome<T>,
}

impl<W: Hash + Eq + Clone, T: Clone> Coalescing<W, T> {
    /// Without any work.
    #[must_use]
    pub fn new() -> Self {
        Self { in_flight_map: Mutex::default(), hasher: RandomState::default() }
    }

    /// The outcome of this work on this file: that of `make`, or of equal work in flight. In the
    /// second case `make` is dropped without having begun.
    ///
    /// When the caller that works gives up, one of the waiting callers works in its place, with its
    /// own `make`. A caller gives up when its future is dropped or panics, and when `make` fails
    /// because its `cancellation` was cancelled or its client has left. Any other failure is a
    /// failure of the work, and all callers get it.
    ///
    /// # Errors
    /// The errors of the work. The cause of another caller's error is passed on as text.
    pub async fn work(
        &self,
        file: &Bytes,
        work: W,
        cancellation: &Cancellation,
        make: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let waiter = self.waiter(file, work);
        let mut own = None;
        let outcome = waiter.outcome.get_or_try_init(|| async {
            let error = match make.await {
                Ok(result) => return Ok(Ok(result)),
                Err(error) => error,
            };
            if cancellation.is_cancelled() || error.code() == code::GONE {
                return Err(error);
            }
            let shared = SharedError::new(&error);
            own = Some(error);
            Ok(Err(shared))
        });
        let outcome = outcome.await?;
        // Later callers start new work.
        waiter.close();
        match (outcome, own) {
            (Ok(result), _) => Ok(result.clone()),
            (Err(_), Some(error)) => Err(error),
            (Err(shared), None) => Err(shared.to_error()),
        }
    }

    /// How many different pieces of work are in flight.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.in_flight_map().len()
    }

    fn waiter(&self, file: &Bytes, work: W) -> Waiter<'_, W, T> {
        let (bytes, hasher) = (file.clone(), self.hasher.clone());
        let file = Arc::new(File { bytes, fingerprint: OnceLock::new(), hasher });
        let in_flight_map = self.in_flight_map();
        let files = in_flight_map.keys().map(|key| &key.file);
        let others: Vec<_> = files.filter(|other| other.is_as_long(&file)).cloned().collect();
        drop(in_flight_map);
        // Files are compared without the lock, so that other callers can go on, except for files
        // that were added meanwhile.
        for other in others {
            other.fingerprint();
            file.fingerprint();
        }
        let key = Key { file, work };
        let mut in_flight_map = self.in_flight_map();
        let in_flight_entry = in_flight_map.entry(key.clone());
        let in_flight_entry =
            in_flight_entry.or_insert_with(|| InFlight { outcome: Arc::default(), waiters: 0 });
        in_flight_entry.waiters += 1;
        let outcome = Arc::clone(&in_flight_entry.outcome);
        drop(in_flight_map);
        Waiter { coalescing: self, key, outcome }
    }
}

impl<W: Hash + Eq, T> Coalescing<W, T> {
    fn in_flight_map(&self) -> MutexGuard<'_, HashMap<Key<W>, InFlight<T>>> {
        // The only code of callers that runs under the lock is `W`'s hash and comparison; a file is
        // read at most once under it.
        self.in_flight_map.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W: Hash + Eq + Clone, T: Clone> Default for Coalescing<W, T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<W: Hash + Eq, T> Waiter<'_, W, T> {
    /// Lets no further caller join.
    fn close(&self) {
        self.forget_if(|_| true);
    }

    /// Removes the entry, unless another one has taken its place.
    fn forget_if(&self, options: impl FnOnce(&mut InFlight<T>) -> bool) {
        let mut in_flight_map = self.coalescing.in_flight_map();
        let in_flight_entry = in_flight_map.get_mut(&self.key);
        let own = in_flight_entry
            .filter(|in_flight_entry| Arc::ptr_eq(&in_flight_entry.outcome, &self.outcome));
        let forgotten =
            if own.is_some_and(options) { in_flight_map.remove_entry(&self.key) } else { None };
        if in_flight_map.len() < in_flight_map.capacity() / SPARE {
            let most = 2 * in_flight_map.len();
            in_flight_map.shrink_to(most);
        }
        drop(in_flight_map);
        // Dropping it may free a file, which must not happen under the lock.
        drop(forgotten);
    }
}

impl<W: Hash + Eq, T> Drop for Waiter<'_, W, T> {
    fn drop(&mut self) {
        self.forget_if(|in_flight_entry| {
            in_flight_entry.waiters -= 1;
            in_flight_entry.waiters == 0
        });
    }
}

impl<W: Hash> Hash for Key<W> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.file.bytes.len().hash(state);
        self.work.hash(state);
    }
}

impl<W: Eq> PartialEq for Key<W> {
    fn eq(&self, other: &Self) -> bool {
        self.work == other.work
            && (Arc::ptr_eq(&self.file, &other.file) || self.file.is_equal(&other.file))
    }
}

impl File {
    fn is_as_long(&self, other: &Self) -> bool {
        self.bytes.len() == other.bytes.len()
    }

    /// Compares the bytes last: that is one pass over them, and only if all else is equal.
    fn is_equal(&self, other: &Self) -> bool {
        self.is_as_long(other)
            && self.fingerprint() == other.fingerprint()
            && self.bytes == other.bytes
    }

    fn fingerprint(&self) -> u64 {
        *self.fingerprint.get_or_init(|| {
            let mut hasher = self.hasher.build_hasher();
            hasher.write(&self.bytes);
            hasher.finish()
        })
    }
}

impl<W: Eq> Eq for Key<W> {}

impl SharedError {
    fn new(error: &Error) -> Self {
        let mut copy = Error::new(error.code().to_owned(), error.message().to_owned());
        if let serde_json::Value::Object(fields) = error.to_json() {
            let own = fields.into_iter().filter(|(name, _)| name != "error" && name != "code");
            for (name, value) in own {
                copy = copy.with(&name, value);
            }
        }
        match error.source() {
            Some(source) => Self(copy.because(source.to_string())),
            None => Self(copy),
        }
    }

    fn to_error(&self) -> Error {
        Self::new(&self.0).0
    }
}
