//! The channel layer: how a consumer reaches clients other than its own.

use std::collections::HashSet;
use std::sync::Arc;

use dashmap::DashMap;

use crate::error::{Error, code};
use crate::reply::{Reply, ReplyChannel, Sent};
use crate::spare::{GiveBack, is_far_too_large};

/// The live reply channels by name, and the groups they are in. Clones are the same layer.
///
/// The layer of this process: what it holds is gone with it.
#[derive(Debug, Clone)]
pub struct ChannelLayer {
    shared: Arc<Shared>,
}

// Two maps, and no code holds an entry of both at once, so they cannot wait for each other.
#[derive(Debug)]
struct Shared {
    clients: DashMap<Arc<str>, Client>,
    groups: DashMap<Arc<str>, HashSet<Arc<str>>>,
    groups_per_client: usize,
}

#[derive(Debug)]
struct Client {
    channel: ReplyChannel,
    groups: HashSet<Arc<str>>,
}

/// A group of clients, by name; it exists as long as it has a member.
#[derive(Debug, Clone)]
pub struct Group {
    name: Arc<str>,
    layer: ChannelLayer,
}

/// What became of a reply to a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Delivery {
    /// Members in whose outbox it waits.
    pub sent: usize,
    /// Members that do not read, for whom this or an older reply was dropped.
    pub dropped: usize,
}

/// How many groups a client may be in when `[server] groups` does not say.
pub const GROUPS_PER_CLIENT: usize = 64;

impl Default for ChannelLayer {
    fn default() -> Self {
        Self::new(GROUPS_PER_CLIENT)
    }
}

impl ChannelLayer {
    /// A layer without clients, in which each may be in so many groups.
    #[must_use]
    pub fn new(groups_per_client: usize) -> Self {
        let (clients, groups) = (DashMap::new(), DashMap::new());
        Self { shared: Arc::new(Shared { clients, groups, groups_per_client }) }
    }

    /// Sends a reply to the client of this name.
    ///
    /// # Errors
    /// [`Error::gone`] when there is no such client any more.
    pub fn send(&self, name: &str, reply: impl Into<Reply>) -> Result<(), Error> {
        let client = self.shared.clients.get(name).map(|client| client.channel.clone());
        client.ok_or_else(Error::gone)?.send(reply)
    }

    /// The group of this name.
    #[must_use]
    pub fn group(&self, name: impl Into<Arc<str>>) -> Group {
        Group { name: name.into(), layer: self.clone() }
    }

    /// How many clients are connected.
    #[must_use]
    pub fn clients(&self) -> usize {
        self.shared.clients.len()
    }

    /// A client has come.
    pub(crate) fn join(&self, channel: ReplyChannel) {
        let name = Arc::clone(channel.name());
        self.shared.clients.insert(name, Client { channel, groups: HashSet::new() });
    }

    /// A client has left, and its memberships with it.
    pub(crate) fn leave(&self, name: &str) {
        let Some((name, client)) = self.shared.clients.remove(name) else { return };
        for group in client.groups {
            self.remove_member(&group, &name);
        }
        give_back(&self.shared.clients);
    }

    fn remove_member(&self, group: &Arc<str>, client: &Arc<str>) {
        self.shared.groups.remove_if_mut(group, |_, members| {
            members.remove(client);
            members.give_back();
            members.is_empty()
        });
        give_back(&self.shared.groups);
    }
}

/// Call it while no entry of the map is held.
fn give_back<V>(map: &DashMap<Arc<str>, V>) {
    if is_far_too_large(map.len(), map.capacity()) {
        map.shrink_to_fit();
    }
}

impl Group {
    /// Makes the client a member; a member stays one. A client that is not taken yet is taken by
    /// what its group is sent: let it join when nothing can refuse it any more.
    ///
    /// # Errors
    /// `refused` when the client is in as many groups as `[server] groups` allows; gone when it
    /// has left.
    pub fn add(&self, channel: &ReplyChannel) -> Result<(), Error> {
        let shared = &self.layer.shared;
        {
            let mut client = shared.clients.get_mut(channel.name()).ok_or_else(Error::gone)?;
            let limit = shared.groups_per_client;
            if client.groups.len() >= limit && !client.groups.contains(&self.name) {
                let message = format!("a client can be in {limit} groups at most");
                return Err(Error::new(code::REFUSED, message));
            }
            client.groups.insert(Arc::clone(&self.name));
        }
        let members = shared.groups.entry(Arc::clone(&self.name));
        members.or_default().insert(Arc::clone(channel.name()));
        // Between the two steps its membership may have ended, by its leaving or by `discard`, and
        // found no member to take out.
        let stays = shared.clients.get(channel.name());
        if !stays.is_some_and(|client| client.groups.contains(&self.name)) {
            self.layer.remove_member(&self.name, channel.name());
        }
        Ok(())
    }

    /// Ends the client's membership.
    pub fn discard(&self, channel: &ReplyChannel) {
        if let Some(mut client) = self.layer.shared.clients.get_mut(channel.name()) {
            client.groups.remove(&self.name);
        }
        self.layer.remove_member(&self.name, channel.name());
    }

    /// Sends a reply to every member; its content is encoded once and shared.
    pub fn send(&self, reply: impl Into<Reply>) -> Delivery {
        let reply = reply.into();
        let mut delivery = Delivery::default();
        for channel in self.channels() {
            match channel.try_send(reply.clone()) {
                Sent::Queued => delivery.sent += 1,
                Sent::Dropped => delivery.dropped += 1,
                Sent::TooLarge | Sent::Gone => {}
            }
        }
        if delivery.dropped > 0 {
            // Quoted: a name may be a client's own text, with line breaks in it.
            tracing::warn!(group = ?self.name, dropped = delivery.dropped, "slow members missed a reply");
        }
        delivery
    }

    /// How many members it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.layer.shared.groups.get(&self.name).map_or(0, |members| members.len())
    }

    /// Whether it has no members.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn channels(&self) -> Vec<ReplyChannel> {
        let shared = &self.layer.shared;
        let members: Vec<Arc<str>> = match shared.groups.get(&self.name) {
            Some(members) => members.iter().cloned().collect(),
            None => return Vec::new(),
        };
        let live = |name: &Arc<str>| Some(shared.clients.get(name)?.channel.clone());
        members.iter().filter_map(live).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::ChannelLayer;
    use crate::reply::{Envelope, OutboxLimits, Replies, Reply, ReplyChannel, Slow};

    fn join(layer: &ChannelLayer, name: &str, limits: OutboxLimits) -> (ReplyChannel, Replies) {
        let (channel, replies) = ReplyChannel::new(name, Envelope::None, limits);
        layer.join(channel.clone());
        (channel, replies)
    }

    #[test]
    fn membership_ends_with_the_client() {
        let layer = ChannelLayer::default();
        let (anna, _replies) = join(&layer, "anna", OutboxLimits::default());
        let room = layer.group("room");
        room.add(&anna).unwrap();
        room.add(&anna).unwrap();
        assert_eq!(room.len(), 1);
        layer.leave("anna");
        assert!(room.is_empty());
        assert!(room.add(&anna).is_err(), "who has left cannot join");
        assert!(layer.shared.groups.is_empty(), "an empty group takes no memory");
    }

    #[test]
    fn what_many_clients_took_is_given_back_when_they_have_left() {
        let layer = ChannelLayer::default();
        let room = layer.group("room");
        let names: Vec<_> = (0..5000).map(|number| format!("client {number}")).collect();
        for name in &names {
            let (channel, _replies) = join(&layer, name, OutboxLimits::default());
            room.add(&channel).unwrap();
            layer.group(name.as_str()).add(&channel).unwrap();
        }
        let (first, others) = names.split_first().unwrap();
        for name in others {
            layer.leave(name);
        }
        let members = |shared: &super::Shared| shared.groups.get("room").unwrap().capacity();
        let shared = &layer.shared;
        assert_eq!((shared.clients.len(), shared.groups.len(), room.len()), (1, 2, 1));
        for capacity in [shared.clients.capacity(), shared.groups.capacity(), members(shared)] {
            assert!(capacity <= 64, "room for {capacity}");
        }
        layer.leave(first);
        assert!(shared.clients.is_empty() && shared.groups.is_empty());
    }

    #[test]
    fn nobody_stays_a_member_who_was_added_and_discarded_at_once() {
        let layer = ChannelLayer::default();
        let room = layer.group("room");
        for _ in 0..2000 {
            let (anna, _replies) = join(&layer, "anna", OutboxLimits::default());
            std::thread::scope(|threads| {
                threads.spawn(|| room.add(&anna));
                threads.spawn(|| room.discard(&anna));
            });
            layer.leave("anna");
            assert!(room.is_empty(), "a member that has left stays for ever");
        }
    }

    #[test]
    fn a_client_is_in_so_many_groups_at_most() {
        let layer = ChannelLayer::new(2);
        let (anna, _replies) = join(&layer, "anna", OutboxLimits::default());
        layer.group("a").add(&anna).unwrap();
        layer.group("b").add(&anna).unwrap();
        assert_eq!(layer.group("c").add(&anna).unwrap_err().code(), "refused");
        layer.group("a").discard(&anna);
        layer.group("c").add(&anna).unwrap();
    }

    #[test]
    fn a_member_that_does_not_read_is_counted_and_delays_nobody() {
        let layer = ChannelLayer::default();
        let narrow = OutboxLimits { bytes: 100, slow: Slow::DropNewest };
        let (slow, _slow_replies) = join(&layer, "slow", narrow);
        let (quick, _quick_replies) = join(&layer, "quick", OutboxLimits::default());
        let room = layer.group("room");
        room.add(&slow).unwrap();
        room.add(&quick).unwrap();
        assert_eq!(room.send(Reply::text("one")).dropped, 0);
        let second = room.send(Reply::text("two"));
        assert_eq!((second.sent, second.dropped), (1, 1));
    }
}
