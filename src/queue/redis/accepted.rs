//! The tasks that this process has accepted and not answered yet.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use tokio::time::Instant;

use super::stored::Stored;
use crate::message::Reason;
use crate::queue::task::Task;
use crate::spare::GiveBack;

/// Names an accepted task in this process. It is the last part of the task's id.
pub(super) type Number = u64;

/// The accepted tasks. The first terminal answer removes its task, so a task has only one.
#[derive(Debug, Default)]
pub(super) struct Accepted {
    tasks: HashMap<Number, Entry>,
    /// The numbers of each client's tasks, by uuid.
    clients: HashMap<Arc<str>, HashMap<Arc<str>, Number>>,
    deadlines: BTreeSet<(Instant, Number)>,
    last: Number,
}

/// An accepted task.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) task: Task,
    /// It is answered `expired` at this time.
    deadline: Instant,
    /// Since when the server is known to have it; `None` while it is pushed.
    pub(super) queued: Option<Instant>,
    /// Why its worker was told to stop.
    pub(super) told: Option<Reason>,
    /// Whether its deadline has passed before.
    pub(super) late: bool,
    /// Its content in the store, which is removed with this entry.
    pub(super) stored: Option<Stored>,
}

impl Entry {
    /// It is answered `expired` at this time.
    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }
}

impl Accepted {
    /// Accepts a task; gives it back if the client has another of its uuid.
    pub(super) fn insert(&mut self, task: Task, deadline: Instant) -> Result<Number, Box<Task>> {
        let client = Arc::clone(task.message.reply_channel.name());
        let uuids = self.clients.entry(client).or_default();
        let uuid = Arc::clone(task.uuid.key());
        if uuids.contains_key(&uuid) {
            return Err(Box::new(task));
        }
        self.last += 1;
        let number = self.last;
        uuids.insert(uuid, number);
        self.deadlines.insert((deadline, number));
        let (queued, told, late, stored) = (None, None, false, None);
        self.tasks.insert(number, Entry { task, deadline, queued, told, late, stored });
        Ok(number)
    }

    /// Takes a task out, for its one answer.
    pub(super) fn take(&mut self, number: Number) -> Option<Entry> {
        let entry = self.tasks.remove(&number)?;
        self.tasks.give_back();
        self.deadlines.remove(&(entry.deadline, number));
        let client = entry.task.message.reply_channel.name();
        if let Some(uuids) = self.clients.get_mut(client) {
            uuids.remove(entry.task.uuid.key());
            if uuids.is_empty() {
                self.clients.remove(client);
                self.clients.give_back();
            }
        }
        Some(entry)
    }

    pub(super) fn get(&self, number: Number) -> Option<&Entry> {
        self.tasks.get(&number)
    }

    pub(super) fn get_mut(&mut self, number: Number) -> Option<&mut Entry> {
        self.tasks.get_mut(&number)
    }

    /// Notes where the content of a task is: in the store, or with the task. `false` if the task was
    /// answered meanwhile.
    pub(super) fn keep(&mut self, number: Number, stored: Option<Stored>) -> bool {
        let Some(entry) = self.tasks.get_mut(&number) else { return false };
        entry.stored = stored;
        true
    }

    /// The number of a client's task.
    pub(super) fn find(&self, client: &str, uuid: &str) -> Option<Number> {
        self.clients.get(client)?.get(uuid).copied()
    }

    /// The numbers of a client's tasks, in the order of their arrival.
    pub(super) fn of_client(&self, client: &str) -> Vec<Number> {
        let numbers = self.clients.get(client).into_iter().flat_map(HashMap::values);
        let mut numbers: Vec<_> = numbers.copied().collect();
        numbers.sort_unstable();
        numbers
    }

    /// The numbers of all tasks, in the order of their arrival.
    pub(super) fn all(&self) -> Vec<Number> {
        let mut numbers: Vec<_> = self.tasks.keys().copied().collect();
        numbers.sort_unstable();
        numbers
    }

    /// The tasks that the server is known to have since before this time.
    pub(super) fn queued_before(&self, time: Instant) -> Vec<Number> {
        let old = |entry: &Entry| entry.queued.is_some_and(|queued| queued < time);
        let old = self.tasks.iter().filter(|(_, entry)| old(entry));
        old.map(|(number, _)| *number).collect()
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// The numbers of tasks whose deadline has passed. Each gets another one, after which it is
    /// named again.
    pub(super) fn expire(&mut self, now: Instant, next: Instant) -> Vec<Number> {
        let mut expired = Vec::new();
        while let Some(&(deadline, number)) = self.deadlines.first()
            && deadline <= now
        {
            self.deadlines.pop_first();
            self.deadlines.insert((next, number));
            if let Some(entry) = self.tasks.get_mut(&number) {
                entry.deadline = next;
            }
            expired.push(number);
        }
        expired
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }
}
