//! One sweep of a folder: it removes pictures that are too old, or that make the folder too large.

use std::collections::{BTreeMap, btree_map};
use std::fs::{self, DirEntry};
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use uuid::Uuid;

use super::clock::Now;
use super::folder::Folder;
use super::folder::ageing;
use super::name::{self, Ours};
use super::period::Period;
use super::retention::Retention;
use super::walk::{Found, Walk};

#[cfg(test)]
mod tests;

/// A sweep in progress. It proceeds in steps, so that it can be paced and stopped, and in passes.
/// Each pass reads the folder's names and keeps the oldest of the remaining pictures in memory; so
/// memory does not grow with the folder. Passes after the first read only the periods that they
/// need.
#[derive(Debug)]
pub(super) struct Sweep {
    folder: PathBuf,
    retention: Retention,
    now: Now,
    bounds: Bounds,
    stage: Stage,
    /// While this is set, nothing is removed: the sweep first counts whether it would remove more
    /// than half of all.
    counting: Option<Counted>,
    /// Bytes of all pictures, if the size counts; the first pass finds it.
    total: u64,
    /// The period of the last removed picture: its folder may be empty now.
    left: Option<Period>,
    swept: Swept,
}

/// The result of a sweep.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Swept {
    /// How many files of pictures were removed.
    pub(super) files: u64,
    /// Their bytes.
    pub(super) bytes: u64,
    /// How many half-written files were removed.
    pub(super) unfinished: u64,
    /// How many files could not be removed.
    pub(super) failed: u64,
    /// The reason for the last of these.
    pub(super) error: Option<String>,
    /// Whether nothing was removed, because it would have been more than half of all files.
    pub(super) waits: bool,
}

/// Numbers of files of pictures.
#[derive(Debug, Default)]
struct Counted {
    all: u64,
    /// Files that are too old by their names. No other file can turn out to be too old.
    too_old: u64,
    would_go: u64,
}

impl Counted {
    fn is_most(&self, files: u64) -> bool {
        files > self.all / 2
    }
}

/// The most that is done at a time.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    /// Names that are read in one step.
    names: usize,
    /// Pictures that are looked at, and may be removed, in one step: the disk is slow.
    removals: usize,
    /// Pictures whose names are in memory; some 200 bytes each.
    pictures: usize,
}

const BOUNDS: Bounds = Bounds { names: 1000, removals: 50, pictures: 1 << 16 };

/// How long a file may be half written: far longer than any write takes.
const UNFINISHED_FOR: Duration = Duration::from_secs(3600);

#[derive(Debug)]
enum Stage {
    /// Before each pass: the last picture that the previous pass looked at.
    Begin(Option<Uuid>),
    Reading(Reading),
    Removing(Removing),
    Done,
}

/// The files of each picture by their paths within the folder, the oldest picture first.
type Pictures = BTreeMap<Uuid, Vec<Box<str>>>;

#[derive(Debug)]
struct Reading {
    walk: Walk,
    after: Option<Uuid>,
    /// The oldest pictures after `after`. Pictures that are left out are newer than all of them, so
    /// a picture is here with all its files or not at all.
    oldest: Pictures,
    left_out: bool,
}

#[derive(Debug)]
struct Removing {
    oldest: btree_map::IntoIter<Uuid, Vec<Box<str>>>,
    /// The last picture that was looked at.
    last: Option<Uuid>,
    left_out: bool,
}

impl Reading {
    /// Whether a pass after the first can skip this period, because memory is full of older
    /// pictures. (The first pass counts all.)
    fn has_all_before(&self, period: Option<Period>) -> bool {
        let newest = self.oldest.last_key_value().map(|(newest, _)| Period::of(*newest));
        self.after.is_some() && self.left_out && period > newest && newest.is_some()
    }
}

impl Sweep {
    /// A sweep that would remove more than half of all pictures removes none, unless the sweep
    /// before it has waited already. So a wrong clock or a mistyped size can be corrected
    /// meanwhile.
    pub(super) fn new(folder: &Folder, retention: &Retention, now: Now, waited: bool) -> Self {
        Self {
            folder: folder.path().to_owned(),
            retention: retention.clone(),
            now,
            bounds: BOUNDS,
            stage: Stage::Begin(None),
            counting: (!waited).then(Counted::default),
            total: 0,
            left: None,
            swept: Swept::default(),
        }
    }

    /// Works for a few milliseconds; returns the result once the sweep is done.
    ///
    /// # Errors
    /// When the folder's names cannot be read. A missing folder is not an error.
    pub(super) fn step(&mut self) -> io::Result<Option<Swept>> {
        self.stage = match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Begin(after) => match Walk::begin(self.folder.clone(), after.map(Period::of)) {
                Ok(walk) => {
                    let (oldest, left_out) = (Pictures::new(), false);
                    Stage::Reading(Reading { walk, after, oldest, left_out })
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => Stage::Done,
                Err(error) => return Err(error),
            },
            Stage::Reading(reading) => self.read(reading),
            Stage::Removing(removing) => self.remove_some(removing),
            Stage::Done => {
                self.leave(None);
                return Ok(Some(std::mem::take(&mut self.swept)));
            }
        };
        Ok(None)
    }

    fn read(&mut self, mut reading: Reading) -> Stage {
        for _ in 0..self.bounds.names {
            let (entry, period) = match reading.walk.next() {
                Some(Ok(Found::Entry(entry, period))) => (entry, period),
                Some(Ok(Found::Empty(period))) => {
                    self.remove_empty(period);
                    continue;
                }
                Some(Err(error)) => {
                    self.could_not(&error);
                    continue;
                }
                None => return self.have_read(reading),
            };
            if reading.has_all_before(period) {
                return self.have_read(reading);
            }
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            match name::ours(name) {
                // A picture in the folder of another period was put there by someone else.
                Some(Ours::Picture(picture))
                    if period.is_none_or(|of| of == Period::of(picture)) =>
                {
                    self.consider(picture, name, period, &entry, &mut reading);
                }
                Some(Ours::Aside) => self.remove_unfinished(&entry),
                Some(Ours::Picture(_)) | None => {}
            }
        }
        Stage::Reading(reading)
    }

    fn have_read(&mut self, reading: Reading) -> Stage {
        // Usually the first pass shows that fewer than half of all files are too old.
        let is_clear = reading.after.is_none() && !self.is_too_much();
        self.counting.take_if(|counted| is_clear && !counted.is_most(counted.too_old));
        let (oldest, left_out) = (reading.oldest.into_iter(), reading.left_out);
        Stage::Removing(Removing { oldest, last: None, left_out })
    }

    fn consider(
        &mut self,
        picture: Uuid,
        name: &str,
        period: Option<Period>,
        entry: &DirEntry,
        reading: &mut Reading,
    ) {
        // A directory or a link is not ours, whatever its name.
        if !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            return;
        }
        if reading.after.is_none() {
            if self.retention.size.is_some() {
                self.total += entry.metadata().map_or(0, |metadata| metadata.len());
            }
            let is_too_old = self.is_too_old(self.now.since(name::came(picture)));
            if let Some(counted) = &mut self.counting {
                counted.all += 1;
                counted.too_old += u64::from(is_too_old);
            }
        }
        if reading.after.is_some_and(|after| picture <= after) || !self.may_go(picture) {
            return;
        }
        let path = match period {
            Some(period) => format!("{}/{name}", period.folder().display()).into(),
            None => name.into(),
        };
        reading.oldest.entry(picture).or_default().push(path);
        if reading.oldest.len() > self.bounds.pictures {
            reading.oldest.pop_last();
            reading.left_out = true;
        }
    }

    /// Whether a picture may be removed, as far as its name and the totals tell.
    fn may_go(&self, picture: Uuid) -> bool {
        let rested = self.now.since(name::came(picture));
        self.is_too_old(rested)
            || self.retention.size.is_some() && rested >= self.retention.keep_for.duration()
    }

    fn remove_some(&mut self, mut removing: Removing) -> Stage {
        for _ in 0..self.bounds.removals {
            if self.counting.as_ref().is_some_and(|counted| counted.is_most(counted.would_go)) {
                self.swept.waits = true;
                return Stage::Done;
            }
            let Some((picture, names)) = removing.oldest.next() else {
                return match removing.last.filter(|_| removing.left_out) {
                    Some(last) => Stage::Begin(Some(last)),
                    None => self.passed(),
                };
            };
            // The oldest picture is first: if a picture is neither too old nor one too many, then
            // no later one is.
            let rested = self.now.since(name::came(picture));
            if !self.is_too_old(rested) && !self.is_too_much() {
                return self.passed();
            }
            self.remove_if_rested(picture, &names);
            removing.last = Some(picture);
        }
        Stage::Removing(removing)
    }

    /// Ends a pass, after all files that may be removed have been looked at. A pass that only
    /// counted is then complete.
    fn passed(&mut self) -> Stage {
        if self.counting.take().is_none() {
            return Stage::Done;
        }
        self.total = 0;
        Stage::Begin(None)
    }

    fn is_too_old(&self, rested: Duration) -> bool {
        self.retention.age.is_some_and(|age| rested >= age.duration())
    }

    fn is_too_much(&self) -> bool {
        self.retention.size.is_some_and(|size| self.total > size.bytes())
    }

    /// Removes the files of one picture, unless one of them was answered too recently.
    fn remove_if_rested(&mut self, picture: Uuid, names: &[Box<str>]) {
        let _ageing = ageing();
        let found: Vec<_> = names
            .iter()
            .map(|name| self.folder.join(&**name))
            .filter_map(|path| path.symlink_metadata().ok().map(|metadata| (path, metadata)))
            .collect();
        let touched = found.iter().filter_map(|(_, metadata)| metadata.modified().ok()).max();
        let rested = touched.map_or(Duration::ZERO, |touched| self.now.since(touched));
        let too_much = self.is_too_much() && rested >= self.retention.keep_for.duration();
        if !self.is_too_old(rested) && !too_much {
            return;
        }
        if let Some(counted) = &mut self.counting {
            counted.would_go += found.len() as u64;
            let bytes: u64 = found.iter().map(|(_, metadata)| metadata.len()).sum();
            self.total = self.total.saturating_sub(bytes);
            return;
        }
        for (path, metadata) in found {
            match fs::remove_file(path) {
                Ok(()) => {
                    self.leave(Some(Period::of(picture)));
                    self.swept.files += 1;
                    self.swept.bytes += metadata.len();
                    self.total = self.total.saturating_sub(metadata.len());
                }
                Err(error) => self.could_not(&error),
            }
        }
    }

    /// Called with each picture's period. When the period changes, removes the folder of the last
    /// one if it is empty.
    fn leave(&mut self, next: Option<Period>) {
        if self.left != next
            && let Some(left) = std::mem::replace(&mut self.left, next)
        {
            self.remove_folder(left);
        }
    }

    /// Removes an empty folder, unless a worker may be about to use it.
    fn remove_empty(&self, period: Period) {
        if self.now.since(period.end()) >= UNFINISHED_FOR {
            self.remove_folder(period);
        }
    }

    fn remove_folder(&self, period: Period) {
        // The system refuses to remove a folder that is not empty.
        let folder = self.folder.join(period.folder());
        let _ = fs::remove_dir(&folder);
        let _ = folder.parent().map(fs::remove_dir);
    }

    fn remove_unfinished(&mut self, entry: &DirEntry) {
        let written = entry.metadata().ok().filter(fs::Metadata::is_file);
        let written = written.and_then(|metadata| metadata.modified().ok());
        if written.is_none_or(|written| self.now.since(written) < UNFINISHED_FOR) {
            return;
        }
        match fs::remove_file(entry.path()) {
            Ok(()) => self.swept.unfinished += 1,
            Err(error) => self.could_not(&error),
        }
    }

    fn could_not(&mut self, error: &io::Error) {
        // Another process may have removed it already.
        if error.kind() != io::ErrorKind::NotFound {
            self.swept.failed += 1;
            self.swept.error = Some(error.to_string());
        }
    }
}
