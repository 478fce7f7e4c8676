//! How long files stay in a folder: the option `retention`, and the job that sees to it.

use std::time::{Duration, Instant};

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use waterway::{Size, Time};

use super::clock::{Clock, Now};
use super::sweep::{Sweep, Swept};
use super::{Folder, Storage};

/// How long files stay in a folder. By default all stay; what a crash left half written goes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, remote = "Self")]
pub struct Retention {
    /// Pictures that were last answered longer ago than this go; none does for its age by default.
    pub age: Option<Time>,
    /// When all files together are larger than this, the oldest go; none does by default.
    pub size: Option<Size>,
    /// Nothing goes that was answered less than this ago; `"1h"` by default.
    pub keep_for: Time,
    /// How often to look; `"10m"` by default, at least `"1s"`.
    pub every: Time,
}

impl Retention {
    /// Whether anything goes but what was left half written.
    #[must_use]
    pub fn removes(&self) -> bool {
        self.age.is_some() || self.size.is_some()
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self { age: None, size: None, keep_for: Time::from_secs(3600), every: Time::from_secs(600) }
    }
}

/// Key by key, and then what keys say together.
impl<'de> Deserialize<'de> for Retention {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let retention = Self::deserialize(deserializer)?;
        let Self { age, keep_for, every, .. } = retention;
        if let Some(age) = age.filter(|age| *age < keep_for) {
            return Err(D::Error::custom(format_args!(
                "an age of {age} is less than the {keep_for} of keep_for\n\
                 what was answered less than keep_for ago stays: give a longer age or a shorter keep_for"
            )));
        }
        for (key, time) in [("keep_for", keep_for), ("every", every)] {
            if time < Time::from_secs(1) {
                let text = format!("{time} is too short for {key}\ngive at least \"1s\"");
                return Err(D::Error::custom(text));
            }
        }
        if !retention.removes() {
            return Err(D::Error::custom(
                "this retention removes nothing\ngive age, size or both, such as age = \"30d\"",
            ));
        }
        Ok(retention)
    }
}

/// Sweeps a folder now and then, for as long as it is let. Of a bucket it does nothing.
pub async fn keep_swept(storage: &Storage, retention: &Retention) {
    /// Without a retention there is only what a crash has left.
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
                "the wall clock was set: pictures are as old as the time that has passed"
            );
        }
        waited = sweep(folder, retention, now, waited).await;
        tokio::time::sleep(every).await;
    }
}

/// A change of the wall clock of at least this much is logged. Smaller ones are ordinary
/// corrections.
const JUMP: Duration = Duration::from_secs(60);

/// Sweeps once, on a thread where blocking is fine and for at most a quarter of its time. Returns
/// whether it waits for the next sweep, which it does only once.
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
            // A panic, which ends this job; the next run begins anew.
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
        tracing::warn!(%folder, %again, "more than half of all pictures would be removed: they stay until the next look");
    }
    if let Some(error) = error {
        tracing::warn!(%folder, failed, error, "old pictures could not be removed");
    }
}
