//! The names of this process among others, and the sign that it runs.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use redis::Cmd;
use tokio::time::{MissedTickBehavior, interval};

use super::ProcessLayer;
use crate::redis::Failure;

/// A process, by the middle part of its clients' names.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) name: Arc<str>,
    /// The beginning of its clients' names: `waterway.<node>!`.
    pub(super) inbox: Arc<str>,
}

/// The channel of all members that a group has in one process begins so, after `waterway.<node>!`.
/// No client has such a name.
const GROUP: &str = "group.";

/// How often a process shows that it runs.
const BEAT: Duration = Duration::from_secs(10);

/// How long its sign lasts.
pub(super) const BEAT_EXPIRY: Duration = Duration::from_secs(30);

impl Node {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.into(), inbox: format!("waterway.{name}!").into() }
    }

    /// Whether the channel belongs to this process.
    pub(super) fn owns(&self, channel: &str) -> bool {
        channel.starts_with(&*self.inbox)
    }

    /// The channel of the members that a group has in this process.
    pub(super) fn group_channel(&self, group: &str) -> String {
        format!("{}{GROUP}{group}", self.inbox)
    }
}

/// The group whose members in one process this channel is for.
pub(super) fn group_of(channel: &str) -> Option<&str> {
    super::super::wire::local_part(channel)?.strip_prefix(GROUP)
}

/// The process of waterway to which a channel belongs.
pub(super) fn node_of(channel: &str) -> Option<&str> {
    Some(channel.strip_prefix("waterway.")?.split_once('!')?.0)
}

impl ProcessLayer {
    /// Shows that this process runs, for as long as the layer exists.
    pub(super) async fn keep_alive(&self) {
        let mut beats = interval(BEAT);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            beats.tick().await;
            let beat = self.beat();
            let before = self.servers.0.iter().map(|server| server.query::<Option<u8>>(&beat));
            // The server itself tells the log when it is away.
            if join_all(before).await.iter().any(|before| matches!(before, Ok(None))) {
                // Other processes may have removed its groups meanwhile.
                self.groups.changed(self.local.groups());
            }
            self.tally.tell();
        }
    }

    /// Shows that this process runs; the answer is empty if nothing has shown it before.
    pub(super) fn beat(&self) -> Cmd {
        let mut command = redis::cmd("SET");
        command.arg(self.names.node(&self.node.name)).arg(1);
        command.arg("EX").arg(BEAT_EXPIRY.as_secs()).arg("GET");
        command
    }

    /// Whether this process of waterway still runs.
    pub(super) async fn is_alive(&self, node: &str) -> Result<bool, Failure> {
        let key = self.names.node(node);
        self.servers.0[0].query(redis::cmd("EXISTS").arg(key)).await
    }

    /// Removes the signs of this process.
    pub(super) async fn stop(&self) {
        self.groups_now().await;
        for server in &self.servers.0 {
            let _ =
                server.query::<()>(redis::cmd("DEL").arg(self.names.node(&self.node.name))).await;
        }
    }
}
