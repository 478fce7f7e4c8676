//! Messages by publish and subscribe, as those of `RedisPubSubChannelLayer`: nothing is kept for a
//! process that does not listen.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use redis::aio::{PubSubSink, PubSubStream};
use rmpv::Value;
use tokio::sync::Mutex;
use tokio::time::{Instant, interval_at, sleep, timeout};

use super::arrival::{EXCEPT, NODE};
use super::groups::Entry;
use super::{Delivery, Error, Names, PAUSE, ProcessLayer, Way, code};
use crate::layer::wire::Fields;
use crate::redis::Failure;

/// The subscriptions of each shard; `None` while its server is away.
#[derive(Debug)]
pub(super) struct PubSub {
    // Tokio's mutex: it is locked while the server confirms a subscription.
    sinks: Vec<Mutex<Option<PubSubSink>>>,
}

/// How often a connection is checked, and how long the answer may take.
const CHECK: Duration = Duration::from_secs(5);

impl PubSub {
    pub(super) fn new(shards: usize) -> Self {
        Self { sinks: (0..shards).map(|_| Mutex::default()).collect() }
    }

    /// Subscribes to groups with members in this process, and ends the subscriptions to others;
    /// `false` if the connection for it does not exist yet.
    pub(super) async fn subscribe(
        &self,
        shard: usize,
        names: &Names,
        entries: &[&Entry],
    ) -> Result<bool, Failure> {
        let topics = |wanted: &dyn Fn(&Entry) -> bool| -> Vec<String> {
            let wanted = entries.iter().filter(|entry| wanted(entry));
            wanted.map(|entry| names.topic(&entry.group)).collect()
        };
        // A group that is known again after the connection was lost is subscribed to again.
        let begun = topics(&|entry| entry.members > 0);
        let ended = topics(&|entry| entry.members == 0);
        let mut sink = self.sinks[shard].lock().await;
        let Some(open) = &mut *sink else { return Ok(false) };
        if !begun.is_empty() {
            open.subscribe(begun).await?;
        }
        if !ended.is_empty() {
            open.unsubscribe(ended).await?;
        }
        Ok(true)
    }
}

impl ProcessLayer {
    /// Publishes a message to one channel. The outer error is for a server that is away.
    pub(super) async fn publish_to_channel(
        &self,
        channel: &str,
        fields: &Fields,
    ) -> Result<Result<(), Error>, Failure> {
        let shard = self.servers.shards().of(channel);
        let receivers = self.publish(shard, channel, self.serializer.write(fields)).await?;
        Ok(match receivers {
            0 if channel.contains('!') => Err(Error::gone()),
            0 => Err(Error::new(code::REFUSED, "nobody listens on the channel at the moment")
                .with("retry_after_ms", 1000)),
            _ => Ok(()),
        })
    }

    /// Publishes to the members of a group.
    pub(super) async fn publish_to_group(
        &self,
        group: &Arc<str>,
        fields: Fields,
        except: &[Arc<str>],
    ) -> Result<Delivery, Failure> {
        let mut fields = fields.with(NODE, &*self.node.name);
        if !except.is_empty() {
            let names = except.iter().map(|name| Value::from(&**name));
            fields = fields.with(EXCEPT, Value::Array(names.collect()));
        }
        let topic = self.names.topic(group);
        let message = self.serializer.write(&fields);
        let receivers = self.publish(self.shard_of(group), &topic, message).await?;
        // This process is one of them if it has members.
        let own = usize::from(self.local.members(group) > 0);
        Ok(Delivery { sent: receivers.saturating_sub(own), dropped: 0 })
    }

    async fn publish(&self, shard: usize, topic: &str, message: Vec<u8>) -> Result<usize, Failure> {
        let mut command = redis::cmd("PUBLISH");
        command.arg(topic).arg(message);
        let receivers = self.servers.0[shard].query(&command).await?;
        self.tally.sent(1);
        Ok(receivers)
    }

    /// Receives the messages that are published to this process on one shard, for as long as the layer exists.
    pub(super) async fn receive_published(&self, shard: usize) {
        let Way::PubSub(pubsub) = &self.way else { return };
        loop {
            // The server itself tells the log when it is away.
            if let Ok(connection) = self.servers.0[shard].pubsub().await {
                let (mut sink, messages) = connection.split();
                let clients = format!("{}*", self.node.inbox);
                if sink.psubscribe(clients).await.is_ok() {
                    *pubsub.sinks[shard].lock().await = Some(sink.clone());
                    self.groups.changed(self.local.groups());
                    self.listen(messages, sink).await;
                    *pubsub.sinks[shard].lock().await = None;
                }
            }
            sleep(PAUSE).await;
        }
    }

    /// Receives until the connection is lost.
    async fn listen(&self, mut messages: PubSubStream, mut sink: PubSubSink) {
        let mut checks = interval_at(Instant::now() + CHECK, CHECK);
        loop {
            tokio::select! {
                message = messages.next() => match message {
                    Some(message) => {
                        self.arrive_published(message.get_channel_name(), message.get_payload_bytes());
                    }
                    None => return,
                },
                // Without it, a connection that carries nothing any more would never end.
                _ = checks.tick() => match timeout(CHECK, sink.ping::<redis::Value>()).await {
                    Ok(Ok(_)) => {}
                    Ok(Err(_)) | Err(_) => return,
                },
            }
        }
    }

    fn arrive_published(&self, topic: &str, message: &[u8]) {
        if self.node.owns(topic) {
            return self.arrive(message, Some(topic));
        }
        if let Some(group) = topic.strip_prefix(&*self.names.topic("")) {
            self.arrive(message, Some(&self.node.group_channel(group)));
        }
    }
}

impl ProcessLayer {
    /// Adds a client of another process to a group.
    pub(super) async fn add_other(&self, group: &str, channel: &str) -> Result<(), Error> {
        self.change_other(group, channel, true).await
    }

    /// Removes a client of another process from a group.
    pub(super) async fn discard_other(&self, group: &str, channel: &str) -> Result<(), Error> {
        self.change_other(group, channel, false).await
    }

    async fn change_other(&self, group: &str, channel: &str, member: bool) -> Result<(), Error> {
        if !super::is_channel(channel) {
            return Err(Error::gone());
        }
        if matches!(self.way, Way::PubSub(_)) {
            let message = "only its own process can change the groups of a client, because \
                           [layer] channels is \"pubsub\"";
            return Err(Error::new(code::REFUSED, message));
        }
        self.write_other(group, channel, member).await.map_err(super::unreachable)
    }
}
