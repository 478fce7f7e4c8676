//! A stored file whose answer is not yet sent.

use super::options::Storage;

/// A stored file whose answer is not yet sent. If it is dropped before it is committed, because the
/// work failed, panicked or was cancelled, the file is removed: from a folder at once, from a
/// bucket soon after.
#[must_use = "a file that is not committed is forgotten at once"]
#[derive(Debug)]
pub struct Kept {
    storage: Storage,
    name: String,
    committed: bool,
}

impl Kept {
    pub(super) fn new(storage: Storage, name: String) -> Self {
        Self { storage, name, committed: false }
    }

    /// The file's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Lets the file stay, because an answer names it or takes its place.
    pub fn commit(mut self) {
        self.committed = true;
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if self.committed {
            return;
        }
        match &self.storage {
            Storage::Folder(folder) => folder.forget(&self.name),
            Storage::S3(bucket) => bucket.forget(std::mem::take(&mut self.name)),
        }
    }
}
