//! A folder of this machine, as a place for files.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use rustix::fs::{Access, access};
use uuid::Uuid;
use waterway::{Error, Size};

use super::free_space::FreeSpace;
use super::{failed, name};

/// A folder of this machine. Clones are the same folder.
#[derive(Debug, Clone)]
pub struct Folder(Arc<Place>);

#[derive(Debug)]
struct Place {
    path: PathBuf,
    free: FreeSpace,
}

/// Held while a file is looked at and removed for its age, or said to be in use again: so that
/// nothing is removed between the two. One for the process, whose folders are few.
static AGEING: Mutex<()> = Mutex::new(());

impl Folder {
    /// A folder, which need not exist yet, and the space of its file system that has to stay free.
    pub(super) fn new(path: impl Into<PathBuf>, min_free: Option<Size>) -> Self {
        Self(Arc::new(Place { path: path.into(), free: FreeSpace::new(min_free) }))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0.path
    }

    /// Where it is, from the root of the file system.
    pub(crate) fn absolute(&self) -> PathBuf {
        std::path::absolute(self.path()).unwrap_or_else(|_| self.path().to_owned())
    }

    /// Checks by the permissions whether files can be kept here; creates nothing.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn writable(&self) -> io::Result<()> {
        let absolute = self.absolute();
        for folder in absolute.ancestors() {
            match fs::metadata(folder) {
                Ok(found) if !found.is_dir() => return Err(io::ErrorKind::NotADirectory.into()),
                Ok(_) => return Ok(access(folder, Access::WRITE_OK | Access::EXEC_OK)?),
                // The folder would be created in its parent.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Creates the folder if it is missing, and tries to write a file to it.
    ///
    /// # Errors
    /// When that fails.
    pub(crate) fn prepare(&self) -> io::Result<()> {
        let aside = self.file(&name::aside(Uuid::new_v4()));
        self.write_new(&aside, &[])?;
        fs::remove_file(aside)
    }

    /// Keeps a file whole or not at all: it is written aside, under a name that begins with a dot,
    /// then renamed.
    ///
    /// # Errors
    /// `storage` when the disk does not take it, or has too little room for it.
    pub(super) fn keep(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let told = |path: &Path, error: io::Error| {
            failed("the picture could not be stored", format!("{}: {error}", path.display()))
        };
        self.0
            .free
            .take(self.path(), bytes.len() as u64)
            .map_err(|error| told(self.path(), error))?;
        let aside = self.file(&name::aside(Uuid::new_v4()));
        let file = self.file(name);
        let kept = self.write_new(&aside, bytes).and_then(|()| fs::rename(&aside, &file));
        kept.map_err(|error| {
            // Best effort: what is left over bears a name that is never served, and is swept.
            let _ = fs::remove_file(&aside);
            told(&file, error)
        })
    }

    /// Forgets a file that no answer will name.
    pub(super) fn forget(&self, name: &str) {
        // If it cannot be removed it is one file too many, and nobody's answer is worse for it.
        let _ = fs::remove_file(self.file(name));
    }

    /// Marks a file as used now; `false` when it is not there.
    pub(super) fn touch(&self, name: &str) -> bool {
        let _ageing = ageing();
        let file = File::open(self.file(name));
        file.and_then(|file| file.set_modified(SystemTime::now())).is_ok()
    }

    /// Where a file is: as `join` has it, which makes room three times.
    fn file(&self, name: &str) -> PathBuf {
        let mut path = PathBuf::with_capacity(self.path().as_os_str().len() + 1 + name.len());
        path.push(self.path());
        path.push(name);
        path
    }

    fn write_new(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let create = || OpenOptions::new().write(true).create_new(true).open(path);
        let mut file = match create() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(self.path())?;
                create()?
            }
            other => other?,
        };
        file.write_all(bytes)
    }
}

impl PartialEq for Folder {
    fn eq(&self, other: &Self) -> bool {
        (self.path(), self.0.free.min()) == (other.path(), other.0.free.min())
    }
}

/// Taken by whoever removes files for their age.
pub(super) fn ageing() -> MutexGuard<'static, ()> {
    AGEING.lock().unwrap_or_else(PoisonError::into_inner)
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
        let folder = Folder::new(dir.path().join("a/b"), None);
        folder.keep("one.jpg", b"bytes").unwrap();
        assert_eq!(names(folder.path()), ["one.jpg"]);
        assert_eq!(fs::read(folder.path().join("one.jpg")).unwrap(), b"bytes");
        assert!(folder.touch("one.jpg"));
        folder.forget("one.jpg");
        assert!(names(folder.path()).is_empty());
        assert!(!folder.touch("one.jpg"), "what is gone cannot be used again");
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_known_before_and_when_it_is_tried() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(dir.path().join("a/b"), None);
        folder.writable().unwrap();
        assert!(names(dir.path()).is_empty(), "a question makes nothing");
        folder.prepare().unwrap();
        assert!(names(folder.path()).is_empty(), "and a trial leaves nothing");

        fs::write(dir.path().join("file"), "").unwrap();
        for path in ["file", "file/folder"] {
            let folder = Folder::new(dir.path().join(path), None);
            assert_eq!(folder.writable().unwrap_err().kind(), io::ErrorKind::NotADirectory);
            assert!(folder.prepare().is_err(), "{path}");
        }
    }

    #[test]
    fn what_the_disk_does_not_take_is_a_storage_error_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(dir.path(), None);
        // A folder of the name that the file should get: the rename fails, the writing does not.
        fs::create_dir_all(dir.path().join("one.jpg/full")).unwrap();
        let error = folder.keep("one.jpg", b"bytes").unwrap_err();
        assert_eq!(error.code(), "storage");
        let file = dir.path().join("one.jpg").display().to_string();
        assert!(error.to_string().contains(&file), "the log is told which file: {error}");
        assert!(!error.to_json().to_string().contains(&file), "clients are not: {error:?}");
        assert_eq!(error.field("retry_after_ms"), Some(&super::super::RETRY_MS.into()));
        assert_eq!(names(dir.path()), ["one.jpg"]);

        let folder = Folder::new(dir.path(), Some(Size::new(u64::MAX)));
        let error = folder.keep("two.jpg", b"bytes").unwrap_err();
        assert_eq!(error.code(), "storage");
        let path = dir.path().display().to_string();
        assert!(error.to_string().contains(&path) && error.to_string().contains("min_free"));
        assert_eq!(names(dir.path()), ["one.jpg"]);

        let folder = Folder::new("/dev/null/media", None);
        assert_eq!(folder.keep("one.jpg", b"bytes").unwrap_err().code(), "storage");
    }
}
