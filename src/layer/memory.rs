//! The channel layer of one process.

use std::collections::HashSet;
use std::future::{Future, ready};
use std::sync::Arc;

use dashmap::DashMap;

use super::Delivery;
use super::client::{About, ClientReport};
use super::engine::Engine;
use crate::error::{Error, code};
use crate::reply::{Reply, ReplyChannel, Sent};
use crate::spare::{GiveBack, is_far_too_large};

/// The reply channels of this process's clients by name, and the groups that they are in. Clones
/// are the same layer.
#[derive(Debug, Clone)]
pub(super) struct MemoryLayer {
    shared: Arc<SharedLayer>,
}

// No code holds an entry of both maps at once, so two threads cannot wait for each other.
#[derive(Debug)]
struct SharedLayer {
    clients: DashMap<Arc<str>, Client>,
    groups: DashMap<Arc<str>, HashSet<Arc<str>>>,
    groups_per_client: usize,
}

#[derive(Debug)]
struct Client {
    channel: ReplyChannel,
    about: About,
    groups: HashSet<Arc<str>>,
}

// The futures are ready at once, and none holds an entry of a map.
impl Engine for MemoryLayer {
    fn send(&self, client: &str, reply: Reply) -> impl Future<Output = Result<(), Error>> + Send {
        let channel = self.channel(client).ok_or_else(Error::gone);
        ready(channel.and_then(|channel| channel.send(reply)))
    }

    fn add(
        &self,
        group: &Arc<str>,
        client: &str,
    ) -> impl Future<Output = Result<(), Error>> + Send {
        ready(self.add_member(group, client))
    }

    fn discard(
        &self,
        group: &Arc<str>,
        client: &str,
    ) -> impl Future<Output = Result<(), Error>> + Send {
        if let Some(mut known) = self.shared.clients.get_mut(client) {
            known.groups.remove(group);
        }
        self.remove_member(group, client);
        ready(Ok(()))
    }

    fn send_to_group(
        &self,
        group: &Arc<str>,
        reply: Reply,
        except: &[Arc<str>],
    ) -> impl Future<Output = Result<Delivery, Error>> + Send {
        ready(Ok(deliver(group, self.channels(group, except), &reply)))
    }

    fn len(&self, group: &str) -> impl Future<Output = Result<usize, Error>> + Send {
        ready(Ok(self.members(group)))
    }

    fn has(&self, client: &str) -> bool {
        self.shared.clients.contains_key(client)
    }

    fn clients(&self) -> usize {
        self.shared.clients.len()
    }

    fn client(&self, client: &str) -> Option<ClientReport> {
        let known = self.shared.clients.get(client)?;
        let About { path, address, since } = known.about.clone();
        let mut groups: Vec<_> = known.groups.iter().cloned().collect();
        groups.sort_unstable();
        Some(ClientReport { client: Arc::clone(known.key()), path, address, since, groups })
    }

    fn join(&self, channel: ReplyChannel, about: About) {
        let name = Arc::clone(channel.name());
        self.shared.clients.insert(name, Client { channel, about, groups: HashSet::new() });
    }

    fn leave(&self, client: &str) {
        self.leave_groups(client);
    }
}

impl MemoryLayer {
    pub(super) fn new(groups_per_client: usize) -> Self {
        let (clients, groups) = (DashMap::new(), DashMap::new());
        Self { shared: Arc::new(SharedLayer { clients, groups, groups_per_client }) }
    }

    /// Forgets a client that has left, and ends its memberships; returns the groups that it was in.
    pub(super) fn leave_groups(&self, client: &str) -> HashSet<Arc<str>> {
        let Some((name, client)) = self.shared.clients.remove(client) else {
            return HashSet::new();
        };
        for group in &client.groups {
            self.remove_member(group, &name);
        }
        give_back(&self.shared.clients);
        client.groups
    }

    /// The reply channel of the client of this name.
    pub(super) fn channel(&self, client: &str) -> Option<ReplyChannel> {
        self.shared.clients.get(client).map(|client| client.channel.clone())
    }

    /// How many members a group has.
    pub(super) fn members(&self, group: &str) -> usize {
        self.shared.groups.get(group).map_or(0, |members| members.len())
    }

    /// The names of all groups.
    #[cfg(feature = "redis")]
    pub(super) fn groups(&self) -> Vec<Arc<str>> {
        self.shared.groups.iter().map(|group| Arc::clone(group.key())).collect()
    }

    /// The reply channels of a group's members, but for those of these names.
    pub(super) fn channels(&self, group: &str, except: &[Arc<str>]) -> Vec<ReplyChannel> {
        let members: Vec<Arc<str>> = match self.shared.groups.get(group) {
            Some(members) if except.is_empty() => members.iter().cloned().collect(),
            Some(members) => {
                let except: HashSet<&Arc<str>> = except.iter().collect();
                members.iter().filter(|member| !except.contains(member)).cloned().collect()
            }
            None => return Vec::new(),
        };
        let channel = |name: &Arc<str>| Some(self.shared.clients.get(name)?.channel.clone());
        members.iter().filter_map(channel).collect()
    }

    fn add_member(&self, group: &Arc<str>, name: &str) -> Result<(), Error> {
        let shared = &self.shared;
        let name = {
            let mut client = shared.clients.get_mut(name).ok_or_else(Error::gone)?;
            let limit = shared.groups_per_client;
            if client.groups.len() >= limit && !client.groups.contains(group) {
                let message = format!("a client can be in {limit} groups at most");
                return Err(Error::new(code::REFUSED, message));
            }
            client.groups.insert(Arc::clone(group));
            Arc::clone(client.channel.name())
        };
        shared.groups.entry(Arc::clone(group)).or_default().insert(Arc::clone(&name));
        // Between the two steps the client may have left, or `discard` may have run. Neither found
        // a member to remove then.
        let stays = shared.clients.get(&name).is_some_and(|client| client.groups.contains(group));
        if !stays {
            self.remove_member(group, &name);
        }
        Ok(())
    }

    fn remove_member(&self, group: &Arc<str>, client: &str) {
        self.shared.groups.remove_if_mut(group, |_, members| {
            members.remove(client);
            members.give_back();
            members.is_empty()
        });
        give_back(&self.shared.groups);
    }

    /// How much room its collections have: for clients, for groups, and for members of `group`.
    #[cfg(test)]
    pub(super) fn capacities(&self, group: &str) -> [usize; 3] {
        let members = self.shared.groups.get(group).map_or(0, |members| members.capacity());
        [self.shared.clients.capacity(), self.shared.groups.capacity(), members]
    }

    /// How many clients and groups it knows.
    #[cfg(test)]
    pub(super) fn sizes(&self) -> (usize, usize) {
        (self.shared.clients.len(), self.shared.groups.len())
    }
}

/// Sends a reply to these members of a group.
pub(super) fn deliver(group: &str, members: Vec<ReplyChannel>, reply: &Reply) -> Delivery {
    let mut delivery = Delivery::default();
    for channel in members {
        match channel.try_send(reply.clone()) {
            Sent::Queued => delivery.sent += 1,
            Sent::Dropped => delivery.dropped += 1,
            Sent::TooLarge | Sent::Gone => {}
        }
    }
    if delivery.dropped > 0 {
        // Quoted, because a client may have chosen the name, with line breaks in it.
        tracing::warn!(?group, dropped = delivery.dropped, "slow members missed a reply");
    }
    delivery
}

/// Gives back memory that the map no longer needs. The caller must not hold an entry of the map.
fn give_back<V>(map: &DashMap<Arc<str>, V>) {
    if is_far_too_large(map.len(), map.capacity()) {
        map.shrink_to_fit();
    }
}
