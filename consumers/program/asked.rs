//! The events that a program has been given and has not ended.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, oneshot};
use waterway::action::{OpenEvent, Outcome};
use waterway::{Actions, Error, Reply};

/// The events that a program has been given and has not ended, by their numbers.
#[derive(Default)]
pub(super) struct Asking(HashMap<u64, Asked>);

/// One such event.
pub(super) struct Asked {
    /// `None` if the event is no longer wanted.
    wanted: Option<Wanted>,
    _permit: OwnedSemaphorePermit,
}

struct Wanted {
    event: Arc<OpenEvent>,
    tell: oneshot::Sender<Ended>,
    /// Whether something of it was applied.
    is_applied: bool,
}

/// How an event ended.
pub(super) enum Ended {
    /// The program has ended it, or wrote a wrong line for it.
    Replied(Result<Reply, Error>),
    /// The program has ended it with actions that were checked and name a file.
    File(Actions),
    /// The program is over.
    Died {
        why: Arc<str>,
        /// Whether another program may be given the event.
        may_repeat: bool,
    },
}

impl Asking {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn has(&self, number: u64) -> bool {
        self.0.contains_key(&number)
    }

    pub(super) fn insert(
        &mut self,
        number: u64,
        event: Arc<OpenEvent>,
        tell: oneshot::Sender<Ended>,
        permit: OwnedSemaphorePermit,
    ) {
        let wanted = Some(Wanted { event, tell, is_applied: false });
        self.0.insert(number, Asked { wanted, _permit: permit });
    }

    /// The event, if it is wanted.
    pub(super) fn event(&self, number: u64) -> Option<Arc<OpenEvent>> {
        self.0.get(&number)?.wanted.as_ref().map(|wanted| Arc::clone(&wanted.event))
    }

    /// Something of the event was applied.
    pub(super) fn applied(&mut self, number: u64) {
        if let Some(wanted) = self.0.get_mut(&number).and_then(|asked| asked.wanted.as_mut()) {
            wanted.is_applied = true;
        }
    }

    /// The event is no longer wanted; `false` if it has ended.
    pub(super) fn cancel(&mut self, number: u64) -> bool {
        self.0.get_mut(&number).is_some_and(|asked| asked.wanted.take().is_some())
    }

    /// Takes a line for an event that was cancelled; `false` if its program does not have that event.
    pub(super) fn end_cancelled(&mut self, number: u64, outcome: &Outcome) -> bool {
        match outcome {
            Outcome::More(_) => self.has(number),
            Outcome::Actions(_) | Outcome::Error(_) => self.0.remove(&number).is_some(),
        }
    }

    pub(super) fn remove(&mut self, number: u64) -> Option<Asked> {
        self.0.remove(&number)
    }

    pub(super) fn remove_all(&mut self) -> Vec<Asked> {
        std::mem::take(&mut self.0).into_values().collect()
    }
}

impl Asked {
    pub(super) fn tell(self, ended: Ended) {
        if let Some(wanted) = self.wanted {
            let _ = wanted.tell.send(ended);
        }
    }

    pub(super) fn tell_died(self, why: &Arc<str>) {
        let may_repeat = self.wanted.as_ref().is_some_and(|wanted| !wanted.is_applied);
        self.tell(Ended::Died { why: Arc::clone(why), may_repeat });
    }
}
