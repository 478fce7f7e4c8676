//! The routing table in readable form, for people and programs.

use std::collections::BTreeMap;

use serde::Serialize;

use super::route::Route;
use crate::message::Channel;
use crate::reply::Envelope;

/// One route of the table, as texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Its number, from 1: the first route that matches takes the message.
    pub number: usize,
    /// Where it is written: `routing.toml:31:1`.
    pub place: String,
    /// The events that it takes.
    pub channels: Vec<Channel>,
    /// The path template; `None` means every path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The methods; an empty list means every method.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
    /// The values allowed for fields of the message's head.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub when: BTreeMap<String, Vec<String>>,
    /// The token that it asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<String>,
    /// The tokens that its messages need because connect routes that share a path with it need
    /// them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inherited_auth: Vec<String>,
    /// Whether `auth = false` opens it to all clients.
    #[serde(skip_serializing_if = "is_false")]
    pub open: bool,
    /// The pages that may use it, if it has its own origins.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<String>,
    /// The queue that its consumer pushes to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// The name of its consumer; several are separated by commas.
    pub consumer: String,
    /// The program's consumer behind each name.
    pub uses: String,
    /// The largest message, such as `64KiB`.
    pub message: String,
    /// How many messages a client may send, such as `60/s` or `off`.
    pub rate: String,
    /// Whether replies are wrapped as `{"text": …}`.
    #[serde(skip_serializing_if = "is_false")]
    pub envelope: bool,
}

impl Row {
    pub(super) fn new(route: &Route) -> Self {
        let values =
            |values: &crate::config::AnyOf| values.iter().map(ToString::to_string).collect();
        Self {
            number: route.index + 1,
            place: route.span.clone(),
            channels: route.channels.clone(),
            path: route.path.as_ref().map(ToString::to_string),
            methods: route.methods.iter().map(ToString::to_string).collect(),
            when: route.when.iter().map(|(field, any)| (field.clone(), values(any))).collect(),
            auth: route.auth.as_ref().map(|named| named.name.to_string()),
            inherited_auth: match route.auth {
                Some(_) => Vec::new(),
                None => route.demands.iter().map(|named| named.name.to_string()).collect(),
            },
            open: route.open,
            origins: if route.has_own_origins {
                route.origins.iter().map(ToString::to_string).collect()
            } else {
                Vec::new()
            },
            queue: route.queue.clone(),
            consumer: route.consumer.names().map(AsRef::as_ref).collect::<Vec<&str>>().join(", "),
            uses: route.uses.clone(),
            message: route.limits.message.to_string(),
            rate: route.limits.rate.to_string(),
            envelope: route.envelope == Envelope::Text,
        }
    }

    /// The events in their shortest form.
    #[must_use]
    pub fn event(&self) -> String {
        if self.channels == [Channel::Connect, Channel::Receive, Channel::Disconnect] {
            return "websocket.*".into();
        }
        let names: Vec<_> = self.channels.iter().map(|channel| channel.name()).collect();
        names.join(", ")
    }

    /// The conditions in addition to event and path, in words.
    #[must_use]
    pub fn conditions(&self) -> String {
        let mut conditions = self.methods.clone();
        for (field, values) in &self.when {
            conditions.push(format!("{field} = {}", values.join(" or ")));
        }
        conditions.extend(self.auth.iter().map(|auth| format!("token {auth:?}")));
        let inherited = self.inherited_auth.iter();
        conditions.extend(inherited.map(|auth| format!("token {auth:?} (of connect)")));
        if self.open {
            conditions.push("no token".to_owned());
        }
        if !self.origins.is_empty() {
            conditions.push(format!("pages of {}", self.origins.join(" or ")));
        }
        conditions.join(", ")
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !value
}
