//! Equal work in flight is done once, and answered to all who asked for it.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use foldhash::quality::RandomState;
use tokio::sync::OnceCell;
use waterway::{Cancellation, Error, code};

#[cfg(test)]
mod tests;

/// Work that is under way, so that those who ask for the same wait for it instead of doing it
/// again. Two ask for the same when their files are equal, byte by byte, and so is `W`: all else
/// that the result depends on.
///
/// It keeps nothing: once work is done, who asks has it done again.
#[derive(Debug)]
pub struct Folding<W, T> {
    /// No more than there are callers of [`work`](Self::work).
    flights: Mutex<HashMap<Key<W>, Flight<T>>>,
    /// Of the process's own making, so that nobody can send files whose fingerprints are equal.
    hasher: RandomState,
}

/// The map of flights shrinks when it has room for this many times the flights that it holds.
const SPARE: usize = 16;

/// What is worked on, and how.
#[derive(Debug, Clone)]
struct Key<W> {
    file: Arc<File>,
    work: W,
}

#[derive(Debug)]
struct File {
    bytes: Bytes,
    /// Made when there is another file of the same length: reading all of one takes longer than
    /// the rest of the comparison.
    fingerprint: OnceLock<u64>,
    hasher: RandomState,
}

#[derive(Debug)]
struct Flight<T> {
    outcome: Outcome<T>,
    /// How many callers are in it.
    seats: usize,
}

/// The first who gets it works, and the others wait for its outcome; if it gives up, the next one
/// works.
type Outcome<T> = Arc<OnceCell<Result<T, Shared>>>;

/// An error that is told to several.
#[derive(Debug)]
struct Shared(Error);

/// One caller's place in a flight.
struct Seat<'a, W: Hash + Eq, T> {
    folding: &'a Folding<W, T>,
    key: Key<W>,
    outcome: Outcome<T>,
}

impl<W: Hash + Eq + Clone, T: Clone> Folding<W, T> {
    /// With nothing under way.
    #[must_use]
    pub fn new() -> Self {
        Self { flights: Mutex::default(), hasher: RandomState::default() }
    }

    /// The outcome of this work on this file: of `make`, unless equal work is under way; then
    /// `make` is dropped without having begun.
    ///
    /// When who works gives up, one of those who wait works in its place, with its own `make`: when
    /// the future is dropped or panics, and when `make` fails because this `cancellation` was
    /// given or its client has left. Any other failure is that of the work, and told to all.
    ///
    /// # Errors
    /// Those of the work. The cause of another's is told as text.
    pub async fn work(
        &self,
        file: &Bytes,
        work: W,
        cancellation: &Cancellation,
        make: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let seat = self.seat(file, work);
        let mut own = None;
        let outcome = seat.outcome.get_or_try_init(|| async {
            let error = match make.await {
                Ok(result) => return Ok(Ok(result)),
                Err(error) => error,
            };
            if cancellation.is_cancelled() || error.code() == code::GONE {
                return Err(error);
            }
            let shared = Shared::new(&error);
            own = Some(error);
            Ok(Err(shared))
        });
        let outcome = outcome.await?;
        // Who asks from now on asks for new work.
        seat.close();
        match (outcome, own) {
            (Ok(result), _) => Ok(result.clone()),
            (Err(_), Some(error)) => Err(error),
            (Err(shared), None) => Err(shared.told()),
        }
    }

    /// How many different works are under way.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.flights().len()
    }

    fn seat(&self, file: &Bytes, work: W) -> Seat<'_, W, T> {
        let (bytes, hasher) = (file.clone(), self.hasher.clone());
        let file = Arc::new(File { bytes, fingerprint: OnceLock::new(), hasher });
        let flights = self.flights();
        let files = flights.keys().map(|key| &key.file);
        let others: Vec<_> = files.filter(|other| other.is_as_long(&file)).cloned().collect();
        drop(flights);
        // Not under the lock, where it would keep others from their work; but for a file that
        // comes in between.
        for other in others {
            other.fingerprint();
            file.fingerprint();
        }
        let key = Key { file, work };
        let mut flights = self.flights();
        let flight = flights.entry(key.clone());
        let flight = flight.or_insert_with(|| Flight { outcome: Arc::default(), seats: 0 });
        flight.seats += 1;
        let outcome = Arc::clone(&flight.outcome);
        drop(flights);
        Seat { folding: self, key, outcome }
    }
}

impl<W: Hash + Eq, T> Folding<W, T> {
    fn flights(&self) -> MutexGuard<'_, HashMap<Key<W>, Flight<T>>> {
        // Nothing of a caller's runs under it but `W`'s hash and comparison, and reading files once.
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W: Hash + Eq + Clone, T: Clone> Default for Folding<W, T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<W: Hash + Eq, T> Seat<'_, W, T> {
    /// Nobody else gets into the flight.
    fn close(&self) {
        self.forget_if(|_| true);
    }

    /// Forgets the flight, unless it is another one already.
    fn forget_if(&self, wanted: impl FnOnce(&mut Flight<T>) -> bool) {
        let mut flights = self.folding.flights();
        let flight = flights.get_mut(&self.key);
        let own = flight.filter(|flight| Arc::ptr_eq(&flight.outcome, &self.outcome));
        let forgotten =
            if own.is_some_and(wanted) { flights.remove_entry(&self.key) } else { None };
        if flights.len() < flights.capacity() / SPARE {
            let most = 2 * flights.len();
            flights.shrink_to(most);
        }
        drop(flights);
        // A file may be freed with it, and not under the lock.
        drop(forgotten);
    }
}

impl<W: Hash + Eq, T> Drop for Seat<'_, W, T> {
    fn drop(&mut self) {
        self.forget_if(|flight| {
            flight.seats -= 1;
            flight.seats == 0
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

    /// The bytes last: that is one pass over them, and only where they are as good as equal.
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

impl Shared {
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

    fn told(&self) -> Error {
        Self::new(&self.0).0
    }
}
