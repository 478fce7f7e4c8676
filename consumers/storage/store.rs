//! A store: where files are kept, and what they are called by those who fetch them.

use std::sync::Arc;

use waterway::Error;

use super::address::Address;
use super::folder::Layout;
use super::{Kept, Storage};

/// Where files are kept, and what they are called by those who fetch them. Clones are the same
/// store.
#[derive(Debug, Clone)]
pub struct Store {
    storage: Storage,
    address: Address,
    public_url: Arc<str>,
    /// How files lie in a folder.
    layout: Layout,
}

impl Store {
    /// A store whose files are seen from outside as its address says; by default, and where the
    /// service serves them itself, as `<public_url>/upload/<name>`.
    pub fn new(storage: Storage, address: Address, public_url: impl Into<Arc<str>>) -> Self {
        let layout = match address {
            // Another server finds the files of the folder by what follows the base.
            Address::Base(_) => Layout::Flat,
            Address::Own | Address::Presigned(_) => Layout::ByTime,
        };
        Self { storage, address, public_url: public_url.into(), layout }
    }

    /// Keeps a file whole or not at all, until what is returned is dropped without having been
    /// [committed](Kept::commit). So neither an error nor a panic nor a client that leaves has a
    /// file stay that no answer names.
    ///
    /// A folder takes it at once, on the calling thread; a bucket is waited for.
    ///
    /// # Errors
    /// `storage` when the disk or the bucket does not take it.
    pub async fn keep(&self, name: impl Into<String>, bytes: &[u8]) -> Result<Kept, Error> {
        let kept = Kept::new(self.storage.clone(), name.into());
        match &self.storage {
            Storage::Folder(folder) => folder.keep(kept.name(), bytes, self.layout)?,
            Storage::S3(bucket) => bucket.keep(kept.name(), bytes).await?,
        }
        Ok(kept)
    }

    /// Says that a file which was kept earlier is answered anew, so that no sweep removes it for
    /// `keep_for`; `false` when it is not there any more and has to be kept again.
    ///
    /// Of a bucket nothing is asked: its lifecycle rules do not know what was answered.
    #[must_use = "what is gone has to be kept again"]
    pub fn touch(&self, name: &str) -> bool {
        match &self.storage {
            Storage::Folder(folder) => folder.touch(name),
            Storage::S3(_) => true,
        }
    }

    /// The address of a file.
    ///
    /// # Errors
    /// `storage` when it has to be signed and the credentials for that cannot be had.
    pub async fn url(&self, name: &str) -> Result<String, Error> {
        match (&self.address, &self.storage) {
            (Address::Presigned(lasts), Storage::S3(bucket)) => {
                bucket.presigned(name, lasts.duration()).await
            }
            (Address::Base(base), _) => Ok([base.as_str(), "/", name].concat()),
            (Address::Own | Address::Presigned(_), _) => {
                Ok([self.public_url.trim_end_matches('/'), "/upload/", name].concat())
            }
        }
    }
}
