//! A folder of this machine that stores files.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use rustix::fs::{Access, IFlags, access, ioctl_getflags, ioctl_setflags};
use uuid::Uuid;
use waterway::Error;
use waterway::setting::Size;

use super::error::failed;
use super::free_space::FreeSpace;
use super::name::{self, Ours};
use super::period::Period;

/// A folder of this machine. Clones are the same folder.
#[derive(Debug, Clone)]
pub struct Folder(Arc<Span>);

#[derive(Debug)]
struct Span {
    path: PathBuf,
    free: FreeSpace,
}

/// The layout of a folder's pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// In folders by time, so that new files are created away from removed ones. ext4 without a
    /// journal does not reuse the inode of a file that was removed within the last minute. For
    /// every new file it looks at each such inode of the folder's block group.
    ByTime,
    /// All in one folder, where another server finds them by name.
    Flat,
}

/// How often a write creates its folder again because a sweep has removed the empty folder.
const TRIES: u32 = 100;

/// Held while a file's age is checked and the file removed, or while it is marked as used: so a
/// file that is in use again is not removed. One lock serves the process, which has few folders.
static AGEING: Mutex<()> = Mutex::new(());

impl Folder {
    /// A folder, and the space that must stay free on its file system. The folder may be missing.
    pub(super) fn new(path: impl Into<PathBuf>, min_free: Option<Size>) -> Self {
        Self(Arc::new(Span { path: path.into(), free: FreeSpace::new(min_free) }))
    }

    /// Its path.
    pub(crate) fn path(&self) -> &Path {
        &self.0.path
    }

    /// Its path from the root of the file system.
    pub(crate) fn absolute(&self) -> PathBuf {
        std::path::absolute(self.path()).unwrap_or_else(|_| self.path().to_owned())
    }

    /// Checks by the permissions whether files can be stored here. Creates nothing.
    ///
    /// # Errors
    /// The reason why they cannot.
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
        let aside = self.path().join(name::aside(Uuid::new_v4()));
        self.write_new(&aside, &[])?;
        fs::remove_file(aside)
    }

    /// The places where a file with this name may be: its folder by time, and then the folder
    /// itself.
    pub(crate) fn places(&self, name: &str) -> [PathBuf; 2] {
        [Layout::ByTime, Layout::Flat].map(|layout| self.place(name, layout))
    }

    /// Stores a whole file or none: it is written under a temporary name that begins with a dot,
    /// then renamed. The temporary file is in the same folder as the file, because a file system
    /// chooses the place of a file by the folder in which it is created.
    ///
    /// # Errors
    /// `storage` if the disk cannot store it, or has too little free space.
    pub(super) fn keep(&self, name: &str, bytes: &[u8], layout: Layout) -> Result<(), Error> {
        let reported = |path: &Path, error: io::Error| {
            failed("the picture could not be stored", format!("{}: {error}", path.display()))
        };
        self.0
            .free
            .take(self.path(), bytes.len() as u64)
            .map_err(|error| reported(self.path(), error))?;
        let file = self.place(name, layout);
        let aside = file.with_file_name(name::aside(Uuid::new_v4()));
        let kept = self.write_new(&aside, bytes).and_then(|()| fs::rename(&aside, &file));
        kept.map_err(|error| {
            // Best effort: a file that stays has a name that is never served, and a sweep removes
            // it.
            let _ = fs::remove_file(&aside);
            reported(&file, error)
        })
    }

    /// Removes a file that no answer will name.
    pub(super) fn forget(&self, name: &str) {
        // If that fails, one file too many stays, and no answer changes.
        let _ = self.places(name).iter().try_for_each(|file| match fs::remove_file(file) {
            Ok(()) => Err(()),
            Err(_) => Ok(()),
        });
    }

    /// Marks a file as used now; `false` if it does not exist.
    pub(super) fn touch(&self, name: &str) -> bool {
        let _ageing = ageing();
        let touch = |file| File::open(file)?.set_modified(SystemTime::now());
        self.places(name).iter().any(|file| touch(file).is_ok())
    }

    /// The place of a file with this name: only pictures have folders by time.
    fn place(&self, name: &str, layout: Layout) -> PathBuf {
        let mut path = self.path().to_owned();
        if let (Layout::ByTime, Some(Ours::Picture(picture))) = (layout, name::ours(name)) {
            path.push(Period::of(picture).folder());
        }
        path.push(name);
        path
    }

    /// Writes a new file, and creates its folder if that is missing.
    fn write_new(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut tries = 0;
        loop {
            match OpenOptions::new().write(true).create_new(true).open(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound && tries < TRIES => {
                    tries += 1;
                }
                file => return file?.write_all(bytes),
            }
            match path.parent().map(|folder| self.create(folder)) {
                Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }

    /// Creates this folder, or a folder by time within it.
    fn create(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        if let Some(outer) = folder.parent().filter(|_| folder != self.path()) {
            // Only ext4 has this flag.
            let _ = spread(outer);
        }
        Ok(())
    }
}

/// Makes ext4 place the folders within this one far from each other (`chattr +T`). By default it
/// places them next to each other, and so new files next to removed ones.
fn spread(folder: &Path) -> io::Result<()> {
    let folder = File::open(folder)?;
    let flags = ioctl_getflags(&folder)?;
    Ok(ioctl_setflags(&folder, flags | IFlags::TOPDIR)?)
}

impl PartialEq for Folder {
    fn eq(&self, other: &Self) -> bool {
        (self.path(), self.0.free.min()) == (other.path(), other.0.free.min())
    }
}

/// Taken to remove files for their age.
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
    fn a_missing_folder_is_created_and_contains_only_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(dir.path().join("a/b"), None);
        folder.keep("one.jpg", b"bytes", Layout::ByTime).unwrap();
        assert_eq!(names(folder.path()), ["one.jpg"]);
        assert_eq!(fs::read(folder.path().join("one.jpg")).unwrap(), b"bytes");
        assert!(folder.touch("one.jpg"));
        folder.forget("one.jpg");
        assert!(names(folder.path()).is_empty());
        assert!(!folder.touch("one.jpg"), "a removed file cannot be used again");
    }

    #[test]
    fn a_picture_lies_in_the_folder_of_its_time_unless_another_server_has_to_find_it() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(dir.path(), None);
        let name = "rb_0193a8e2-2f11-7000-8000-000000000001.jpg";
        for (layout, place) in [(Layout::ByTime, "0193a/8e2"), (Layout::Flat, "")] {
            folder.keep(name, b"bytes", layout).unwrap();
            assert_eq!(fs::read(dir.path().join(place).join(name)).unwrap(), b"bytes");
            assert!(folder.touch(name));
            folder.forget(name);
            assert!(!folder.touch(name));
        }
        // The flag, if the file system has it.
        let flags = |folder: &Path| ioctl_getflags(File::open(folder).unwrap());
        let expected = spread(dir.path()).and_then(|()| Ok(flags(dir.path())?)).is_ok();
        let found = flags(&dir.path().join("0193a"));
        assert_eq!(found.is_ok_and(|flags| flags.contains(IFlags::TOPDIR)), expected);
    }

    #[test]
    fn a_folder_that_a_sweep_removes_meanwhile_is_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(dir.path(), None);
        let name = "0193a8e2-2f11-7000-8000-000000000001.jpg";
        let [file, _] = folder.places(name);
        let outer = dir.path().join("0193a");
        // How many more times the folders are removed while a file is stored; `None` at the end.
        let removals = Mutex::new(Some(0));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while let Some(left) = { *removals.lock().unwrap() } {
                    if left == 0 {
                        std::thread::yield_now();
                        continue;
                    }
                    let _ = fs::remove_dir(file.parent().unwrap());
                    let _ = fs::remove_dir(&outer);
                    let mut removals = removals.lock().unwrap();
                    *removals = removals.map(|left: u32| left.saturating_sub(1));
                }
            });
            let mut lost = None;
            for _ in 0..500 {
                *removals.lock().unwrap() = Some(TRIES / 4);
                lost = folder.keep(name, b"bytes", Layout::ByTime).err();
                if lost.is_some() {
                    break;
                }
                folder.forget(name);
            }
            *removals.lock().unwrap() = None;
            assert!(lost.is_none(), "{lost:?}");
        });
    }

    #[test]
    fn a_folder_that_cannot_be_written_fails_the_check_and_the_trial() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(dir.path().join("a/b"), None);
        folder.writable().unwrap();
        assert!(names(dir.path()).is_empty(), "a check creates nothing");
        folder.prepare().unwrap();
        assert!(names(folder.path()).is_empty(), "a trial leaves nothing");

        fs::write(dir.path().join("file"), "").unwrap();
        for path in ["file", "file/folder"] {
            let folder = Folder::new(dir.path().join(path), None);
            assert_eq!(folder.writable().unwrap_err().kind(), io::ErrorKind::NotADirectory);
            assert!(folder.prepare().is_err(), "{path}");
        }
    }

    #[test]
    fn a_failed_write_is_a_storage_error_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(dir.path(), None);
        // A folder with the file's name: the file is written, and its rename fails.
        fs::create_dir_all(dir.path().join("one.jpg/full")).unwrap();
        let error = folder.keep("one.jpg", b"bytes", Layout::ByTime).unwrap_err();
        assert_eq!(error.code(), "storage");
        let file = dir.path().join("one.jpg").display().to_string();
        assert!(error.to_string().contains(&file), "the log names the file: {error}");
        assert!(
            !error.to_json().to_string().contains(&file),
            "clients do not get its name: {error:?}"
        );
        assert_eq!(error.field("retry_after_ms"), Some(&super::super::error::RETRY_MS.into()));
        assert_eq!(names(dir.path()), ["one.jpg"]);

        let folder = Folder::new(dir.path(), Some(Size::new(u64::MAX)));
        let error = folder.keep("two.jpg", b"bytes", Layout::ByTime).unwrap_err();
        assert_eq!(error.code(), "storage");
        let path = dir.path().display().to_string();
        assert!(error.to_string().contains(&path) && error.to_string().contains("min_free"));
        assert_eq!(names(dir.path()), ["one.jpg"]);

        let folder = Folder::new("/dev/null/media", None);
        assert_eq!(folder.keep("one.jpg", b"bytes", Layout::ByTime).unwrap_err().code(), "storage");
    }
}
