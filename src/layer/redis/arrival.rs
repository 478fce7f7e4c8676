//! A message of another process, applied to the clients of this one.

use std::collections::HashSet;
use std::sync::Arc;

use super::ProcessLayer;
use super::nodes::group_of;
use crate::error::code;
use crate::layer::memory::deliver;
use crate::layer::wire::Fields;
use crate::reply::{Reply, ReplyChannel};

/// Makes a reply of a message for a client. Messages of the listed types are sent to it as JSON.
///
/// The floor of actions implements it, because the rules for actions hold for such messages too.
pub(crate) type ReplyOf = fn(&Fields, forward: &[Arc<str>]) -> Result<Reply, Unwanted>;

/// Why a message is not applied.
#[derive(Debug)]
pub(crate) enum Unwanted {
    /// Clients do not get messages of this type.
    Type(String),
    /// The message breaks a rule.
    Wrong(String),
}

/// The field that lists clients that do not get a message. Channels does not know it.
pub(super) const EXCEPT: &str = "__waterway_except__";

/// The field that names the process which has sent a message to a group. Channels does not know it.
pub(super) const NODE: &str = "__waterway_node__";

impl ProcessLayer {
    /// Applies a message that came as bytes to these channels; if none are given, to those that it
    /// names itself.
    pub(super) fn arrive(&self, bytes: &[u8], channel: Option<&str>) {
        self.tally.received();
        let fields = match self.serializer.read(bytes) {
            Ok(fields) => fields,
            Err(why) => return self.tally.wrong(&why),
        };
        // A process has sent to its own members already.
        if fields.text(NODE) == Some(&*self.node.name) {
            return;
        }
        let reply = match (self.reply_of)(&fields, &self.forward) {
            Ok(reply) => reply,
            Err(Unwanted::Type(kind)) => return self.tally.unwanted(&kind),
            Err(Unwanted::Wrong(why)) => return self.tally.wrong(&why),
        };
        let except: HashSet<&str> = fields.texts(EXCEPT).into_iter().collect();
        // A client may be named, and be in the group too.
        let mut reached = HashSet::new();
        let channels = channel.map_or_else(|| fields.channels(), |channel| vec![channel]);
        for channel in channels {
            match group_of(channel) {
                Some(group) => {
                    let group = Arc::from(group);
                    let mut members = self.local.channels(&group, &[]);
                    members.retain(|member| {
                        !except.contains(&**member.name())
                            && reached.insert(Arc::clone(member.name()))
                    });
                    deliver(&group, members, &reply);
                }
                None if except.contains(channel) || reached.contains(channel) => {}
                None => {
                    if let Some(client) = self.local.channel(channel) {
                        reached.insert(Arc::clone(client.name()));
                        self.deliver(&client, &reply);
                    }
                }
            }
        }
    }

    /// Sends to one client.
    pub(super) fn deliver(&self, client: &ReplyChannel, reply: &Reply) {
        if let Err(error) = client.send(reply.clone())
            && error.code() != code::GONE
        {
            self.tally.wrong(&error.to_string());
        }
    }
}
