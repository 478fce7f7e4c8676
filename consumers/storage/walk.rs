//! All files of a folder, one after the other.

use std::collections::BTreeSet;
use std::fs::{self, DirEntry, ReadDir};
use std::io;
use std::path::PathBuf;

use super::period::{Outer, Period};

/// The files of a folder: first those that lie flat, then those of each period, the oldest period
/// first. Other folders and links are not entered.
#[derive(Debug)]
pub(super) struct Walk {
    folder: PathBuf,
    /// The folder that is being read: that of a period, or the folder of all.
    entries: ReadDir,
    period: Option<Period>,
    /// Whether it has had no entry so far.
    is_empty: bool,
    /// Folders that have not been entered yet.
    outer: BTreeSet<Outer>,
    periods: BTreeSet<Period>,
    /// Earlier periods are skipped.
    from: Option<Period>,
}

/// A result of the walk.
#[derive(Debug)]
pub(super) enum Found {
    /// An entry other than a folder by time, and the period of the folder that contains it.
    Entry(DirEntry, Option<Period>),
    /// An empty folder: that of a period, or an outer folder, whose last period this is.
    Empty(Period),
}

impl Walk {
    /// Begins, and skips the periods before this one.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub(super) fn begin(folder: PathBuf, from: Option<Period>) -> io::Result<Self> {
        Ok(Self {
            entries: fs::read_dir(&folder)?,
            folder,
            period: None,
            is_empty: false,
            outer: BTreeSet::new(),
            periods: BTreeSet::new(),
            from,
        })
    }

    /// Enters the next folder; `None` at the end.
    fn enter(&mut self) -> Option<io::Result<()>> {
        if let Some(period) = self.periods.pop_first() {
            return Some(fs::read_dir(self.folder.join(period.folder())).map(|entries| {
                (self.entries, self.period, self.is_empty) = (entries, Some(period), true);
            }));
        }
        self.outer.pop_first().map(|outer| self.look_into(outer))
    }

    fn look_into(&mut self, outer: Outer) -> io::Result<()> {
        let mut is_empty = true;
        for entry in fs::read_dir(self.folder.join(outer.folder()))? {
            let entry = entry?;
            is_empty = false;
            if let Some(period) = entry.file_name().to_str().and_then(|name| outer.period(name))
                && self.from.is_none_or(|from| from <= period)
                && is_folder(&entry)
            {
                self.periods.insert(period);
            }
        }
        (self.period, self.is_empty) = (Some(outer.last()), is_empty);
        Ok(())
    }
}

impl Iterator for Walk {
    type Item = io::Result<Found>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.entries.next() {
                Some(Ok(entry)) => {
                    self.is_empty = false;
                    if self.period.is_none()
                        && let Some(outer) = entry.file_name().to_str().and_then(Outer::named)
                        && is_folder(&entry)
                    {
                        if self.from.is_none_or(|from| from <= outer.last()) {
                            self.outer.insert(outer);
                        }
                        continue;
                    }
                    return Some(Ok(Found::Entry(entry, self.period)));
                }
                Some(Err(error)) => return Some(Err(error)),
                None => {}
            }
            if let Some(period) = self.period.filter(|_| std::mem::take(&mut self.is_empty)) {
                return Some(Ok(Found::Empty(period)));
            }
            match self.enter()? {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Some(Err(error)),
                // Another process may have removed it already.
                Ok(()) | Err(_) => {}
            }
        }
    }
}

/// Whether it is a folder itself, and not a link to one.
fn is_folder(entry: &DirEntry) -> bool {
    entry.file_type().is_ok_and(|kind| kind.is_dir())
}
