//! A folder that all processes share, as the store for contents of tasks.

use std::fs::{self, File, OpenOptions, ReadDir};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
#[cfg(feature = "cli")]
use rustix::fs::{Access, access};

use super::name::TransitName;
use super::{TransitError, TransitFuture, TransitStore};

/// A folder that all processes share. Its files lie flat.
#[derive(Debug)]
pub(crate) struct TransitFolder(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    /// The entries that [`names`](TransitStore::names) gives next.
    walk: Mutex<Option<ReadDir>>,
}

impl TransitFolder {
    /// The folder of this path, which may be missing.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self(Arc::new(Inner { path, walk: Mutex::default() }))
    }

    /// Checks by the permissions whether files can be stored here. Creates nothing.
    ///
    /// # Errors
    /// The reason why they cannot.
    #[cfg(feature = "cli")]
    pub(crate) fn writable(path: &Path) -> io::Result<()> {
        let absolute = std::path::absolute(path)?;
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

    /// Does something with the folder on a thread that may block.
    fn blocking<T: Send + 'static>(
        &self,
        what: impl FnOnce(&Inner) -> io::Result<T> + Send + 'static,
    ) -> TransitFuture<'static, T> {
        let inner = Arc::clone(&self.0);
        Box::pin(async move {
            let done = tokio::task::spawn_blocking(move || what(&inner)).await;
            done.map_err(TransitError::from)?.map_err(TransitError::from)
        })
    }
}

impl TransitStore for TransitFolder {
    fn place(&self) -> String {
        let path = &self.0.path;
        std::path::absolute(path).unwrap_or_else(|_| path.clone()).display().to_string()
    }

    fn prepare(&self) -> TransitFuture<'_, ()> {
        self.blocking(|folder| {
            // Should the process end before it is removed, a sweep removes it.
            let file = folder.path.join(TransitName::new(0, Duration::ZERO).to_string());
            folder.write(&file, &[])?;
            fs::remove_file(file)
        })
    }

    fn put<'a>(&'a self, name: &'a str, content: Bytes) -> TransitFuture<'a, ()> {
        let name = name.to_owned();
        self.blocking(move |folder| {
            let file = folder.path.join(name);
            folder.write(&file, &content).inspect_err(|_| {
                // Best effort: a sweep removes a file that stays.
                let _ = fs::remove_file(&file);
            })
        })
    }

    fn get<'a>(&'a self, name: &'a str, length: u64) -> TransitFuture<'a, Option<Bytes>> {
        let name = name.to_owned();
        self.blocking(move |folder| {
            let file = match File::open(folder.path.join(name)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                file => file?,
            };
            if file.metadata()?.len() != length {
                return Ok(None);
            }
            let mut content = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
            file.take(length).read_to_end(&mut content)?;
            Ok((content.len() as u64 == length).then(|| content.into()))
        })
    }

    fn remove<'a>(&'a self, name: &'a str) -> TransitFuture<'a, ()> {
        let name = name.to_owned();
        self.blocking(move |folder| match fs::remove_file(folder.path.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        })
    }

    fn names(&self, most: usize) -> TransitFuture<'_, Vec<String>> {
        self.blocking(move |folder| {
            // No code panics while it is locked.
            let mut walk = folder.walk.lock().unwrap_or_else(PoisonError::into_inner);
            let mut entries = match walk.take() {
                Some(entries) => entries,
                None => match fs::read_dir(&folder.path) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
                    entries => entries?,
                },
            };
            let mut names = Vec::new();
            for _ in 0..most {
                let Some(entry) = entries.next() else { return Ok(names) };
                names.extend(entry?.file_name().into_string());
            }
            *walk = Some(entries);
            Ok(names)
        })
    }
}

impl Inner {
    /// Writes a new file, and creates the folder if it is missing.
    fn write(&self, file: &Path, content: &[u8]) -> io::Result<()> {
        let open = || OpenOptions::new().write(true).create_new(true).open(file);
        let mut file = match open() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(&self.path)?;
                open()?
            }
            file => file?,
        };
        file.write_all(content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_folder_has_what_was_put_until_it_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let folder = TransitFolder::new(dir.path().join("a/b"));
        assert!(folder.names(9).await.unwrap().is_empty(), "it is missing");
        folder.put("one", Bytes::from_static(b"1")).await.unwrap();
        assert_eq!(folder.get("one", 1).await.unwrap().unwrap(), "1");
        assert_eq!(folder.get("one", 2).await.unwrap(), None, "another length");
        assert_eq!(folder.get("two", 1).await.unwrap(), None);
        for _ in 0..2 {
            folder.remove("one").await.unwrap();
            assert_eq!(folder.get("one", 1).await.unwrap(), None);
        }
    }

    #[tokio::test]
    async fn all_names_are_given_in_parts_again_and_again() {
        let dir = tempfile::tempdir().unwrap();
        let folder = TransitFolder::new(dir.path().to_owned());
        for name in ["a", "b", "c"] {
            folder.put(name, Bytes::new()).await.unwrap();
        }
        for _ in 0..3 {
            let mut names = folder.names(2).await.unwrap();
            assert_eq!(names.len(), 2);
            names.extend(folder.names(2).await.unwrap());
            names.sort();
            assert_eq!(names, ["a", "b", "c"]);
        }
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_written_says_so_and_keeps_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let folder = TransitFolder::new(dir.path().join("new"));
        folder.prepare().await.unwrap();
        assert!(folder.names(9).await.unwrap().is_empty(), "a trial leaves nothing");
        fs::write(dir.path().join("file"), "").unwrap();
        for path in ["file", "file/folder"] {
            let folder = TransitFolder::new(dir.path().join(path));
            assert!(folder.prepare().await.is_err(), "{path}");
            assert!(folder.put("one", Bytes::new()).await.is_err(), "{path}");
            #[cfg(feature = "cli")]
            TransitFolder::writable(&dir.path().join(path)).unwrap_err();
        }
        assert_eq!(fs::read(dir.path().join("file")).unwrap(), b"");
    }
}
