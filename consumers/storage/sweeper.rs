//! The job that removes old files from a folder.

use std::time::{Duration, Instant};

use super::clock::{Clock, Now};
use super::folder::Folder;
use super::options::Storage;
use super::retention::Retention;
use super::sweep::{Sweep, Swept};

/// Sweeps a folder again and again until the future is dropped. For a bucket it returns
/// immediately.
pub async fn keep_swept(storage: &Storage, retention: &Retention) {
    /// Without a retention a sweep only removes files that a crash has left.
    const WITHOUT: Duration = Duration::from_secs(3600);
    let Storage::Folder(folder) = storage else { return };
    let every = if retention.removes() { retention.every.duration() } else { WITHOUT };
    let clock = Clock::begin();
    let (mut waited, mut set_by) = (false, Duration::ZERO);
    loop {
        let now = clock.now();
        if now.set_by().abs_diff(set_by) >= JUMP {
            set_by = now.set_by();
            let seconds = set_by.as_secs();
            tracing::warn!(
                seconds,
                "the wall clock was set: the ages of pictures follow the time that has passed"
            );
        }
        waited = sweep(folder, retention, now, waited).await;
        tokio::time::sleep(every).await;
    }
}

/// A change of the wall clock of at least this much is logged. Smaller ones are ordinary
/// corrections.
const JUMP: Duration = Duration::from_secs(60);

/// Sweeps once, on a thread that may block, and for at most a quarter of that thread's time.
/// Returns whether the sweep waits for the next one, which it does only once.
async fn sweep(folder: &Folder, retention: &Retention, now: Now, waited: bool) -> bool {
    const REST: u32 = 3;
    let began = Instant::now();
    let mut sweep = Sweep::new(folder, retention, now, waited);
    loop {
        let step = tokio::task::spawn_blocking(move || {
            let began = Instant::now();
            let stepped = sweep.step();
            (sweep, stepped, began.elapsed())
        });
        let stepped = match step.await {
            Ok((same, stepped, took)) => {
                sweep = same;
                tokio::time::sleep(took * REST).await;
                stepped
            }
            // A panic ends this job; its next run starts a new sweep.
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        };
        match stepped {
            Ok(None) => {}
            Ok(Some(swept)) => {
                tell(folder, retention, &swept, began.elapsed());
                return swept.waits;
            }
            Err(error) => {
                let folder = folder.path().display();
                tracing::warn!(%folder, %error, "the folder cannot be swept");
                return false;
            }
        }
    }
}

fn tell(folder: &Folder, retention: &Retention, swept: &Swept, took: Duration) {
    let folder = folder.path().display();
    let Swept { files, bytes, unfinished, failed, error, waits } = swept;
    if files + unfinished > 0 {
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        tracing::info!(%folder, files, bytes, unfinished, took_ms, "old pictures removed");
    }
    if *waits {
        let again = retention.every;
        tracing::warn!(%folder, %again, "more than half of all pictures would be removed: they stay until the next sweep");
    }
    if let Some(error) = error {
        tracing::warn!(%folder, failed, error, "old pictures could not be removed");
    }
}
