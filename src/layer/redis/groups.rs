//! The groups of this process, as other processes know them.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::Pipeline;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep, sleep_until};

use super::{PAUSE, ProcessLayer, Server, Way};
use crate::redis::Failure;
use crate::spare::GiveBack;

/// The groups of this process that other processes know, and those that have changed since.
///
/// A group is one entry there, however many members it has here. One task writes the entries, so
/// they cannot be written in the wrong order; changes that come meanwhile are written together.
#[derive(Debug)]
pub(super) struct Groups {
    // `std`'s mutex: no code awaits while it is locked.
    state: Mutex<State>,
    notify: Notify,
    /// The time after which an entry is written again, so that it does not expire.
    renewal: Duration,
}

#[derive(Debug, Default)]
struct State {
    /// The groups that other processes know.
    known: HashSet<Arc<str>>,
    /// The groups whose entry must be written, each with the clients that wait for it.
    dirty: HashMap<Arc<str>, Vec<oneshot::Sender<()>>>,
}

/// How often an entry is written again within the time in which it would expire.
const RENEWALS: u32 = 4;

/// How many entries are written at once.
const AT_A_TIME: usize = 256;

impl Groups {
    pub(super) fn new(expiry: Duration) -> Self {
        let renewal = (expiry / RENEWALS).max(Duration::from_millis(100));
        Self { state: Mutex::default(), notify: Notify::new(), renewal }
    }

    /// A client of this process has joined the group. Returns when other processes know the group,
    /// or when they cannot be told at the moment; they are told later then.
    pub(super) async fn joined(&self, group: &Arc<str>) {
        let told = {
            let mut state = self.state();
            let is_known = state.known.contains(group);
            let waiting = state.dirty.entry(Arc::clone(group)).or_default();
            (!is_known).then(|| {
                let (tell, told) = oneshot::channel();
                waiting.push(tell);
                told
            })
        };
        self.notify.notify_one();
        if let Some(told) = told {
            // It is dropped when the layer's tasks end.
            let _ = told.await;
        }
    }

    /// Clients of this process have left the groups, or other processes may have forgotten them.
    pub(super) fn changed(&self, groups: impl IntoIterator<Item = Arc<str>>) {
        let mut state = self.state();
        let mut is_changed = false;
        for group in groups {
            state.dirty.entry(group).or_default();
            is_changed = true;
        }
        drop(state);
        if is_changed {
            self.notify.notify_one();
        }
    }

    /// The next groups whose entry must be written. Those without members are unknown from now on.
    fn take(&self, members: impl Fn(&str) -> usize) -> Vec<Entry> {
        let mut state = self.state();
        let names: Vec<_> = state.dirty.keys().take(AT_A_TIME).cloned().collect();
        let mut taken = Vec::with_capacity(names.len());
        for group in names {
            let waiting = state.dirty.remove(&group).unwrap_or_default();
            let members = members(&group);
            if members == 0 {
                state.known.remove(&group);
            }
            taken.push(Entry { group, members, waiting });
        }
        state.dirty.give_back();
        state.known.give_back();
        taken
    }

    /// Entries that are not written are so later. The clients that wait for them go on waiting only
    /// if that is soon.
    fn done(&self, entries: Vec<Entry>, written: Written) {
        let mut state = self.state();
        for Entry { group, members, waiting } in entries {
            if written == Written::Soon {
                state.dirty.entry(group).or_default().extend(waiting);
                continue;
            }
            for tell in waiting {
                // The client may have stopped waiting.
                let _ = tell.send(());
            }
            if written == Written::Later {
                state.dirty.entry(group).or_default();
            } else if members > 0 {
                state.known.insert(group);
            }
        }
    }

    fn is_clean(&self) -> bool {
        self.state().dirty.is_empty()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code panics while it is locked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A group, and what other processes must know of it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) group: Arc<str>,
    /// The number of its members in this process.
    pub(super) members: usize,
    /// The clients that wait until it is known.
    waiting: Vec<oneshot::Sender<()>>,
}

/// What became of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Written {
    /// Other processes know them.
    Now,
    /// The server is there, but cannot take them yet.
    Soon,
    /// The server is away.
    Later,
}

impl ProcessLayer {
    /// Tells other processes of the groups of this one, for as long as the layer exists.
    pub(super) async fn keep_groups(&self) {
        let mut renewal = Instant::now() + self.groups.renewal;
        loop {
            tokio::select! {
                () = self.groups.notify.notified() => {}
                () = sleep_until(renewal) => {
                    self.groups.changed(self.local.groups());
                    renewal = Instant::now() + self.groups.renewal;
                }
            }
            while !self.write_groups().await {
                sleep(PAUSE).await;
            }
        }
    }

    /// Tells other processes of all changes that they do not know yet, unless they are away.
    pub(super) async fn groups_now(&self) {
        self.write_groups().await;
    }

    /// Writes all entries that have changed; `false` if some could not be written.
    async fn write_groups(&self) -> bool {
        while !self.groups.is_clean() {
            let entries = self.groups.take(|group| self.local.members(group));
            let mut written = Written::Now;
            for (shard, server) in self.servers.0.iter().enumerate() {
                let of_shard: Vec<_> =
                    entries.iter().filter(|entry| self.shard_of(&entry.group) == shard).collect();
                if of_shard.is_empty() {
                    continue;
                }
                let wrote = self.write_entries(shard, server, &of_shard).await;
                written = written.max(wrote.unwrap_or(Written::Later));
            }
            self.groups.done(entries, written);
            if written != Written::Now {
                return false;
            }
        }
        true
    }

    async fn write_entries(
        &self,
        shard: usize,
        server: &Server,
        entries: &[&Entry],
    ) -> Result<Written, Failure> {
        let mut pipeline = redis::pipe();
        // Other processes remove the entries of a process that does not show that it runs.
        pipeline.add_command(self.beat()).ignore();
        for entry in entries {
            self.write_count(&mut pipeline, entry);
            if let Way::Sets(sets) = &self.way {
                sets.write_member(&mut pipeline, self, entry);
            }
        }
        if let Way::PubSub(pubsub) = &self.way
            && !pubsub.subscribe(shard, &self.names, entries).await?
        {
            server.query::<()>(&redis::cmd("PING")).await?;
            return Ok(Written::Soon);
        }
        let written = async |mut connection| pipeline.query_async(&mut connection).await;
        server.with::<()>(written).await?;
        Ok(Written::Now)
    }

    /// Writes how many members a group has in this process.
    fn write_count(&self, pipeline: &mut Pipeline, entry: &Entry) {
        let key = self.names.counts(&entry.group);
        let node = &*self.node.name;
        if entry.members == 0 {
            pipeline.cmd("HDEL").arg(key).arg(node).ignore();
            return;
        }
        pipeline.cmd("HSET").arg(&key).arg(node).arg(entry.members).ignore();
        let seconds = (self.groups.renewal * RENEWALS).as_secs().max(1);
        pipeline.cmd("EXPIRE").arg(key).arg(seconds).ignore();
    }

    /// The shard of a group.
    pub(super) fn shard_of(&self, group: &str) -> usize {
        match &self.way {
            Way::Sets(_) => self.servers.shards().of(group),
            Way::PubSub(_) => self.servers.shards().of(&self.names.topic(group)),
        }
    }

    /// How many members a group has in other processes.
    pub(super) async fn members_elsewhere(&self, group: &str) -> Result<usize, Failure> {
        let script = redis::Script::new(include_str!("members.lua"));
        let mut script = script.key(self.names.counts(group));
        script.key(self.names.group(group));
        script.arg(&*self.node.name).arg(self.names.node("")).arg(group);
        self.servers.0[self.shard_of(group)].run(&script).await
    }
}
