//! Keeps pictures as files.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use uuid::Uuid;
use waterway::{Error, code};

/// A folder of pictures and the address that it is served under.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
    public_url: String,
}

impl Store {
    /// A store that keeps files in this folder, which need not be there yet, and that is seen from
    /// outside as `<public_url>/upload/`.
    pub fn new(folder: impl Into<PathBuf>, public_url: impl AsRef<str>) -> Self {
        let public_url = public_url.as_ref().trim_end_matches('/').to_owned();
        Self { folder: folder.into(), public_url }
    }

    /// Where the files are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The address of a file.
    #[must_use]
    pub fn url(&self, name: &str) -> String {
        format!("{}/upload/{name}", self.public_url)
    }

    /// Keeps a file whole or not at all: it is written aside, under a name that begins with a dot,
    /// then renamed.
    ///
    /// # Errors
    /// `storage` when the disk does not take it.
    pub fn keep(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let aside = self.folder.join(format!(".{}.part", Uuid::new_v4().simple()));
        let kept =
            self.write_new(&aside, bytes).and_then(|()| fs::rename(&aside, self.folder.join(name)));
        kept.map_err(|error| {
            // Best effort: what is left over bears a name that is never served.
            let _ = fs::remove_file(&aside);
            Error::new(code::STORAGE, "the picture could not be stored").because(error)
        })
    }

    /// Forgets a file that no answer will name.
    pub fn forget(&self, name: &str) {
        // If it cannot be removed it is one file too many, and nobody's answer is worse for it.
        let _ = fs::remove_file(self.folder.join(name));
    }

    fn write_new(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let create = || OpenOptions::new().write(true).create_new(true).open(path);
        let mut file = match create() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(&self.folder)?;
                create()?
            }
            other => other?,
        };
        file.write_all(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[test]
    fn a_missing_folder_is_made_and_nothing_is_left_beside_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path().join("a/b"), "http://x/");
        store.keep("one.jpg", b"bytes").unwrap();
        assert_eq!(names(store.folder()), ["one.jpg"]);
        assert_eq!(fs::read(store.folder().join("one.jpg")).unwrap(), b"bytes");
        assert_eq!(store.url("one.jpg"), "http://x/upload/one.jpg");
        store.forget("one.jpg");
        assert!(names(store.folder()).is_empty());
    }

    #[test]
    fn what_the_disk_does_not_take_is_a_storage_error_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path(), "http://x");
        // A folder of the name that the file should get: the rename fails, the writing does not.
        fs::create_dir_all(dir.path().join("one.jpg/full")).unwrap();
        let error = store.keep("one.jpg", b"bytes").unwrap_err();
        assert_eq!(error.code(), "storage");
        assert!(error.source().is_some());
        assert_eq!(names(dir.path()), ["one.jpg"]);

        let store = Store::new("/dev/null/media", "http://x");
        assert_eq!(store.keep("one.jpg", b"bytes").unwrap_err().code(), "storage");
    }
}
