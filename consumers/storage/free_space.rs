//! The free space that must stay on a folder's file system.

use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use waterway::setting::Size;

/// The most that must stay free by default.
const DEFAULT_MOST: u64 = 1 << 30;
/// The part of the file system that must stay free by default if that is less: one twentieth, 5 %.
const DEFAULT_PART: u64 = 20;
/// How long one reading of the file system is used.
const LOOK: Duration = Duration::from_secs(1);

/// The room on a folder's file system above the free space that must stay.
#[derive(Debug)]
pub(super) struct FreeSpace {
    /// The free space that must stay, from the table. `None` means the default.
    min: Option<Size>,
    seen: Mutex<Seen>,
}

#[derive(Debug)]
struct Seen {
    at: Option<Instant>,
    /// The free space that must stay, in bytes.
    least: u64,
    /// How many bytes may be written until the next reading.
    left: u64,
}

impl FreeSpace {
    pub(super) fn new(min: Option<Size>) -> Self {
        // Other threads may write during the first reading.
        Self { min, seen: Mutex::new(Seen { at: None, least: 0, left: u64::MAX }) }
    }

    /// The free space that must stay, as the table gives it.
    pub(super) fn min(&self) -> Option<Size> {
        self.min
    }

    /// Takes room for a file of this size in bytes. Asks the file system at most once a second, and
    /// counts the bytes that are written in between.
    ///
    /// # Errors
    /// When the file would leave too little free space.
    pub(super) fn take(&self, folder: &Path, bytes: u64) -> io::Result<()> {
        if self.min == Some(Size::default()) {
            return Ok(());
        }
        let now = Instant::now();
        let mut seen = self.seen();
        let is_due = seen.at.is_none_or(|at| now.duration_since(at) >= LOOK);
        if is_due {
            seen.at = Some(now);
            // The lock is released meanwhile: a network file system may answer slowly.
            drop(seen);
            let (least, left) = self.look(folder);
            seen = self.seen();
            (seen.least, seen.left) = (least, left);
        }
        match seen.left.checked_sub(bytes) {
            Some(left) => {
                seen.left = left;
                Ok(())
            }
            None => Err(io::Error::new(
                io::ErrorKind::StorageFull,
                format!("less than {} would stay free (storage.min_free)", Size::new(seen.least)),
            )),
        }
    }

    /// The free space that must stay, and how many bytes may be written. If the system cannot tell,
    /// for instance because the folder does not exist yet, any number of bytes may be written.
    fn look(&self, folder: &Path) -> (u64, u64) {
        match rustix::fs::statvfs(folder) {
            Ok(found) if found.f_blocks > 0 => {
                let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
                let least = least(self.min, bytes(found.f_blocks));
                (least, bytes(found.f_bavail).saturating_sub(least))
            }
            _ => (0, u64::MAX),
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The free space that must stay on a file system of this many bytes.
fn least(min: Option<Size>, whole: u64) -> u64 {
    min.map_or((whole / DEFAULT_PART).min(DEFAULT_MOST), Size::bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    #[test]
    fn by_default_the_smaller_of_a_gib_and_a_twentieth_stays_free() {
        for (min, whole, expected) in [
            (None, 1000 * GIB, GIB),
            (None, 20 * GIB, GIB),
            (None, 10 * GIB, GIB / 2),
            (Some(Size::new(0)), 10 * GIB, 0),
            (Some(Size::new(5)), 10 * GIB, 5),
        ] {
            assert_eq!(least(min, whole), expected, "{min:?} of {whole}");
        }
    }

    #[test]
    fn a_file_is_taken_while_enough_stays_free() {
        let dir = tempfile::tempdir().unwrap();
        let take = |min: Option<u64>, bytes| {
            FreeSpace::new(min.map(Size::new)).take(dir.path(), bytes).is_ok()
        };
        assert!(take(Some(1), 1));
        assert!(!take(Some(u64::MAX), 1));
        assert!(!take(Some(1), u64::MAX), "the file's own size counts");
        assert!(take(Some(0), u64::MAX), "off");
        let nowhere = FreeSpace::new(Some(Size::new(u64::MAX)));
        assert!(nowhere.take(&dir.path().join("not/made/yet"), 1).is_ok());
    }

    #[test]
    fn bytes_written_between_two_readings_are_counted() {
        let dir = tempfile::tempdir().unwrap();
        let space = FreeSpace::new(Some(Size::new(1)));
        space.take(dir.path(), 0).unwrap();
        space.seen().left = 100;
        // The next reading is a second away.
        space.seen().at = Some(Instant::now() + LOOK);
        assert!(space.take(dir.path(), 60).is_ok());
        assert!(space.take(dir.path(), 60).is_err());
        assert!(space.take(dir.path(), 40).is_ok());
        space.seen().at = None;
        assert!(space.take(dir.path(), 60).is_ok(), "the file system is read again");
    }
}
