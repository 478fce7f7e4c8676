//! The store for contents of tasks that are too large for the server of their queue.

mod folder;
mod kind;
mod name;

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
#[cfg(all(feature = "cli", feature = "redis"))]
use std::time::Duration;

use bytes::Bytes;

pub(crate) use self::folder::TransitFolder;
pub(crate) use self::kind::StoreKind;
#[cfg(feature = "redis")]
pub(super) use self::name::TransitName;

/// Why a store could not do something. Only the log shows it.
pub type TransitError = Box<dyn StdError + Send + Sync>;

/// The future of a call of a [`TransitStore`].
pub type TransitFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, TransitError>> + Send + 'a>>;

/// A place that all processes of a deployment share. It has the content of each queued task that is
/// larger than `[layer] inline`, from the push until the task is answered.
///
/// The queue chooses the names: 49 lower-case hexadecimal digits and `-`, with 122 random bits. Each
/// name is used once, and a name whose time is over sorts before all others.
pub trait TransitStore: fmt::Debug + Send + Sync + 'static {
    /// The place, for the log: the path of a folder, or the name of a bucket.
    fn place(&self) -> String;

    /// Makes the place ready when the service starts. Default: nothing.
    ///
    /// # Errors
    /// Why nothing can be stored. The service then does not start.
    fn prepare(&self) -> TransitFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    /// Stores a whole object.
    ///
    /// # Errors
    /// If that fails. Then nothing of the object stays.
    fn put<'a>(&'a self, name: &'a str, content: Bytes) -> TransitFuture<'a, ()>;

    /// Reads an object of this length. `None` if it is missing or has another length.
    ///
    /// # Errors
    /// If the place does not say whether there is one, or the object cannot be read.
    fn get<'a>(&'a self, name: &'a str, length: u64) -> TransitFuture<'a, Option<Bytes>>;

    /// Removes an object. An object that is missing is removed already.
    ///
    /// # Errors
    /// If that fails.
    fn remove<'a>(&'a self, name: &'a str) -> TransitFuture<'a, ()>;

    /// At most this number of names: the names that sort first, or at each call the names after those
    /// of the call before. Names of foreign objects may be among them.
    ///
    /// # Errors
    /// If the names cannot be listed.
    fn names(&self, most: usize) -> TransitFuture<'_, Vec<String>>;
}

/// Stores a small object, reads it and removes it again.
///
/// # Errors
/// If one of these fails.
#[cfg(all(feature = "cli", feature = "redis"))]
pub(crate) async fn try_store(store: &dyn TransitStore) -> Result<(), TransitError> {
    const CONTENT: &[u8] = b"a trial";
    // Its time is over: should it stay, a sweep removes it.
    let name = TransitName::new(0, Duration::ZERO).to_string();
    store.prepare().await?;
    store.put(&name, Bytes::from_static(CONTENT)).await?;
    let read = store.get(&name, CONTENT.len() as u64).await?;
    store.remove(&name).await?;
    match read {
        Some(read) if read == CONTENT => Ok(()),
        _ => Err("what was stored is not what is read".into()),
    }
}
