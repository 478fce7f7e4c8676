//! Watches the files of the table and of its consumers, and asks for a reload when they change.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio::time::sleep;

use super::reload::{Files, Known};
use crate::config::{self, ReloadOn};
use crate::contents::digest;
use crate::routing::Router;
use crate::service::{Service, Trigger};

/// How often the files are looked at. A look takes one system call for each file.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How long the files must stay the same before they are read, so that files that an editor writes
/// in several steps are read once and whole.
const SETTLE: Duration = Duration::from_millis(100);

/// How often they are looked at until they stay the same. Files that change for longer are read
/// nevertheless.
const SETTLE_LOOKS: u32 = 20;

/// How many looks a file may be missing before it counts as removed: some editors remove a file and
/// write it again.
const MISSING_LOOKS: u32 = 5;

/// How long after a change the content of a file is compared too. Two changes in short succession
/// may leave the same time and length: file systems count time in steps, of two seconds at most.
const YOUNG: Duration = Duration::from_secs(3);

/// Watches the files of a service's table.
pub(super) struct Watch {
    pub(super) service: Service,
    /// The file of the table; `None` if the table is built in.
    pub(super) table: Option<PathBuf>,
    /// Whether the table's files are watched whatever the table says.
    pub(super) always: bool,
    pub(super) files: Files,
}

/// The kind and the identity of each file. A file without an identity is missing.
type Seen = BTreeMap<PathBuf, (Kind, Option<Identity>)>;

#[derive(Debug, Clone, Copy)]
enum Kind {
    OfTable,
    OfConsumer,
}

/// What tells a file from its former version, without reading it.
#[derive(Debug, Clone)]
struct Identity {
    /// Device, inode, length, and the times of the last changes of its content and of its
    /// attributes. They belong to the file at the end of symbolic links.
    status: [i128; 5],
    is_young: bool,
    /// A digest of the content while it is young.
    digest: Option<u64>,
}

impl Watch {
    /// Watches for as long as the service's table is reloaded.
    pub(super) async fn run(self) {
        let mut seen = self.look(Seen::new()).await;
        // The files may have changed since the service has read them.
        let mut changed = difference(&Seen::new(), &seen);
        loop {
            if let Some(trigger) = changed
                && self.service.reloads().reload(trigger).await.is_none()
            {
                return;
            }
            sleep(LOOK_EVERY).await;
            let now = self.look(seen.clone()).await;
            changed = difference(&seen, &now);
            seen = if changed.is_some() { self.settled(&seen, now).await } else { now };
        }
    }

    /// Waits until the files stay the same. `before` is how they were before they changed.
    async fn settled(&self, before: &Seen, mut seen: Seen) -> Seen {
        let mut same = 0;
        for _ in 0..SETTLE_LOOKS {
            sleep(SETTLE).await;
            let now = self.look(seen.clone()).await;
            same = if difference(&seen, &now).is_none() { same + 1 } else { 0 };
            seen = now;
            let is_there = |seen: &Seen, file: &PathBuf| {
                seen.get(file).is_some_and(|(_, identity)| identity.is_some())
            };
            // A file that patterns match is no longer looked at when it is missing.
            let is_missing =
                before.keys().any(|file| is_there(before, file) && !is_there(&seen, file));
            if same >= if is_missing { MISSING_LOOKS } else { 1 } {
                break;
            }
        }
        seen
    }

    /// Looks at the files, without blocking the caller's thread: they may be on another machine.
    async fn look(&self, before: Seen) -> Seen {
        let is_watched = self.always || self.service.router().server().reload == ReloadOn::Watch;
        let table = self.table.clone().filter(|_| is_watched);
        let Known { includes, mut of_consumers, by_patterns } = self.files.known();
        of_consumers.retain(|_, own| *own || is_watched);
        if table.is_none() && of_consumers.is_empty() && by_patterns.is_none() {
            return Seen::new();
        }
        let look = move || {
            let of_table = table.map(|table| config::files(&table, &includes)).unwrap_or_default();
            let of_table = of_table.into_iter().map(|file| (file, Kind::OfTable));
            let by_patterns = by_patterns.iter().flat_map(Router::files_by_patterns);
            let of_consumers = of_consumers.into_keys().chain(by_patterns);
            let of_consumers = of_consumers.map(|file| (file, Kind::OfConsumer));
            // A file of both kinds counts as one of the table.
            let files = of_consumers.chain(of_table).map(|(file, kind)| {
                let before = before.get(&file).and_then(|(_, identity)| identity.as_ref());
                let identity = Identity::of(&file, before);
                (file, (kind, identity))
            });
            files.collect()
        };
        // Without a result, the runtime is at its end.
        tokio::task::spawn_blocking(look).await.unwrap_or_default()
    }
}

/// The reload that a change of files needs, if they have changed.
fn difference(before: &Seen, now: &Seen) -> Option<Trigger> {
    let identity =
        |seen: &Seen, file: &PathBuf| seen.get(file).and_then(|(_, identity)| identity.clone());
    let is_same = |file: &PathBuf| match (identity(before, file), identity(now, file)) {
        (Some(before), Some(now)) => before.is_same(&now),
        (before, now) => before.is_none() && now.is_none(),
    };
    let differing = before.iter().chain(now).filter(|(file, _)| !is_same(file));
    let trigger = differing.map(|(_, (kind, _))| match kind {
        Kind::OfTable => Trigger::Watch,
        Kind::OfConsumer => Trigger::Consumer,
    });
    trigger.max()
}

impl Identity {
    /// `before` is the identity of the file at the last look.
    fn of(file: &Path, before: Option<&Self>) -> Option<Self> {
        let status = fs::metadata(file).ok()?;
        let modified = status.modified().ok();
        let age = modified.and_then(|modified| SystemTime::now().duration_since(modified).ok());
        let is_young = age.is_some_and(|age| age < YOUNG);
        let nanos =
            |seconds: i64, nanos: i64| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
        Some(Self {
            status: [
                status.dev().into(),
                status.ino().into(),
                status.size().into(),
                nanos(status.mtime(), status.mtime_nsec()),
                nanos(status.ctime(), status.ctime_nsec()),
            ],
            is_young,
            digest: if is_young || before.is_some_and(|before| before.is_young) {
                digest(file).ok()
            } else {
                None
            },
        })
    }

    fn is_same(&self, other: &Self) -> bool {
        let digests = self.digest.zip(other.digest);
        self.status == other.status && digests.is_none_or(|(one, other)| one == other)
    }
}
