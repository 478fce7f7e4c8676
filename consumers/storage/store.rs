//! A store: where files are stored, and the addresses under which clients fetch them.

use std::sync::Arc;

use waterway::Error;

use super::address::Address;
use super::folder::Layout;
use super::kept::Kept;
use super::options::Storage;

/// Where files are stored, and the addresses under which clients fetch them. Clones are the same
/// store.
#[derive(Debug, Clone)]
pub struct Store {
    storage: Storage,
    address: Address,
    public_url: Arc<str>,
    /// The layout of files in a folder.
    layout: Layout,
}

impl Store {
    /// A store with these addresses; where the service serves the files itself, they are
    /// `<public_url>/upload/<name>`.
    pub fn new(storage: Storage, address: Address, public_url: impl Into<Arc<str>>) -> Self {
        let layout = match address {
            // Another server finds a file of the folder by the name after the base.
            Address::Base(_) => Layout::Flat,
            Address::Own | Address::Presigned(_) => Layout::ByTime,
        };
        Self { storage, address, public_url: public_url.into(), layout }
    }

    /// Stores a whole file or none. The file is removed if the returned value is dropped without
    /// being [committed](Kept::commit). So after an error, a panic or a client's leaving, no file
    /// stays that no answer names.
    ///
    /// A folder stores it at once, on the calling thread; a bucket is awaited.
    ///
    /// # Errors
    /// `storage` if the disk or the bucket cannot store it.
    pub async fn keep(&self, name: impl Into<String>, bytes: &[u8]) -> Result<Kept, Error> {
        let kept = Kept::new(self.storage.clone(), name.into());
        match &self.storage {
            Storage::Folder(folder) => folder.keep(kept.name(), bytes, self.layout)?,
            Storage::S3(bucket) => bucket.keep(kept.name(), bytes).await?,
        }
        Ok(kept)
    }

    /// Marks a stored file as answered again, so that no sweep removes it for `keep_for`; `false`
    /// if the file is gone and must be stored again.
    ///
    /// A bucket is not asked: its lifecycle rules do not know when a file was answered.
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
    /// `storage` if the address must be signed and the credentials are not available.
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
