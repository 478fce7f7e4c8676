//! Tests of processes that share a server: here, layers with names of their own.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::*;
use crate::layer::{Exchange, Fernet, Fields, RedisOptions, Unwanted};
use crate::redis::private::{Kind, Redis};
use crate::redis::{RedisUrl, Server};

/// Both ways of messages.
pub(super) const EXCHANGES: [Exchange; 2] = [Exchange::Core { capacity: 100 }, Exchange::PubSub];

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) fn server() -> Redis {
    Redis::start(Kind::Redis)
}

/// How a layer over these servers works. Each way has keys of its own.
pub(super) fn options(servers: &[&Redis], exchange: Exchange) -> RedisOptions {
    let server = |server: &&Redis| {
        let url: RedisUrl = server.url().parse().unwrap();
        Server::new(url, Duration::from_secs(5))
    };
    RedisOptions {
        servers: servers.iter().map(server).collect(),
        prefix: format!("{exchange:?}").chars().filter(char::is_ascii_alphabetic).collect(),
        exchange,
        expiry: Duration::from_secs(60),
        group_expiry: Duration::from_secs(60),
        keys: Vec::new(),
        forward: Vec::new(),
    }
}

pub(super) fn layer(options: RedisOptions, groups: usize, node: &str) -> ChannelLayer {
    ChannelLayer::redis(options, groups, node, reply_of)
}

/// The text of a message. The floor of actions reads messages in full, and has tests of its own.
fn reply_of(fields: &Fields, _: &[Arc<str>]) -> Result<Reply, Unwanted> {
    let text = fields.text("text").map(|text| Reply::text(text.to_owned()));
    text.ok_or_else(|| Unwanted::Wrong("it has no text".to_owned()))
}

/// A client and its messages.
struct Member {
    channel: ReplyChannel,
    replies: Replies,
}

impl Member {
    fn join(layer: &ChannelLayer, name: &str) -> Self {
        let (channel, replies) = join(layer, name, OutboxLimits::default());
        Self { channel, replies }
    }

    /// The next messages, up to this one.
    async fn until(&mut self, last: &str) -> Vec<String> {
        let mut texts = Vec::new();
        while texts.last().is_none_or(|text| text != last) {
            let batch = timeout(PATIENCE, self.replies.take()).await;
            let batch = batch.unwrap_or_else(|_| panic!("{last} does not come after {texts:?}"));
            let batch = batch.unwrap();
            self.replies.written(batch.bytes);
            texts.extend(
                batch
                    .replies
                    .iter()
                    .filter_map(|reply| reply.content.as_ref()?.as_text().map(str::to_owned)),
            );
        }
        texts
    }
}

/// Waits until a condition holds.
async fn until<F: Future<Output = bool>>(what: &str, holds: impl Fn() -> F) {
    let waited = timeout(PATIENCE, async {
        while !holds().await {
            sleep(Duration::from_millis(10)).await;
        }
    });
    assert!(waited.await.is_ok(), "it never holds that {what}");
}

#[tokio::test]
async fn processes_share_groups_and_each_member_gets_one_message() {
    let server = server();
    for exchange in EXCHANGES {
        let [one, two] = ["one", "two"].map(|node| layer(options(&[&server], exchange), 9, node));
        let mut anna = Member::join(&one, "waterway.one!anna");
        let mut ben = Member::join(&two, "waterway.two!ben");
        let mut eve = Member::join(&two, "waterway.two!eve");
        one.group("room").add(&anna.channel).await.unwrap();
        two.group("room").add(&ben.channel).await.unwrap();
        two.group("room").add(&eve.channel).await.unwrap();
        for layer in [&one, &two] {
            until("all are counted", async || layer.group("room").len().await.unwrap() == 3).await;
        }

        let sent = one.group("room").send("to all").await.unwrap();
        assert!(sent.sent >= 2 && sent.dropped == 0, "{sent:?}");
        let except = [Arc::clone(ben.channel.name())];
        one.group("room").send_except("not to ben", &except).await.unwrap();
        for (name, text) in [
            ("waterway.two!ben", "last"),
            ("waterway.two!eve", "last"),
            ("waterway.one!anna", "last"),
        ] {
            one.send(name, text).await.unwrap();
        }
        assert_eq!(anna.until("last").await, ["to all", "not to ben", "last"]);
        assert_eq!(ben.until("last").await, ["to all", "last"], "{exchange:?}");
        assert_eq!(eve.until("last").await, ["to all", "not to ben", "last"], "{exchange:?}");

        two.leave("waterway.two!ben");
        two.group("room").discard(&eve.channel).await.unwrap();
        until("only anna is left", async || one.group("room").len().await.unwrap() == 1).await;
    }
}

#[tokio::test]
async fn a_message_to_a_client_of_this_process_does_not_travel() {
    let mut server = server();
    for exchange in EXCHANGES {
        let layer = layer(options(&[&server], exchange), 9, "one");
        let mut anna = Member::join(&layer, "waterway.one!anna");
        layer.group("room").add(&anna.channel).await.unwrap();
        server.kill();
        layer.send("waterway.one!anna", "direct").await.unwrap();
        assert_eq!(layer.group("room").send("here").await.unwrap().sent, 1);
        assert_eq!(layer.group("room").len().await.unwrap(), 1);
        assert_eq!(anna.until("here").await, ["direct", "here"]);
        // A client that joins meanwhile is a member here at once.
        let mut ben = Member::join(&layer, "waterway.one!ben");
        layer.group("room").add(&ben.channel).await.unwrap();
        layer.group("room").send("both").await.unwrap();
        assert_eq!(ben.until("both").await, ["both"]);
        let error = layer.send("waterway.two!eve", "there").await.unwrap_err();
        assert_eq!((error.code(), error.field("retry_after_ms")), ("refused", Some(&1000.into())));
        assert_eq!(layer.group("attic").send("nobody").await.unwrap_err().code(), "refused");
        server.restart();
    }
}

#[tokio::test]
async fn groups_and_messages_come_back_with_a_server_that_has_forgotten_everything() {
    let mut server = server();
    for exchange in EXCHANGES {
        let [one, two] = ["one", "two"].map(|node| layer(options(&[&server], exchange), 9, node));
        let mut ben = Member::join(&two, "waterway.two!ben");
        two.group("room").add(&ben.channel).await.unwrap();
        server.restart();
        until("the group is known again", async || one.group("room").len().await.unwrap() == 1)
            .await;
        until("the group is reached again", async || {
            one.group("room").send("again").await.is_ok_and(|sent| sent.sent == 1)
        })
        .await;
        ben.until("again").await;
    }
}

#[tokio::test]
async fn messages_beyond_the_capacity_of_a_channel_are_refused_and_counted() {
    let server = server();
    let layer = layer(options(&[&server], Exchange::Core { capacity: 2 }), 9, "one");
    for expected in [Ok(()), Ok(()), Err("refused"), Err("refused")] {
        let sent = layer.send("worker", "work").await;
        assert_eq!(sent.as_ref().map_err(crate::error::Error::code).copied(), expected);
    }
    assert_eq!(layer.report()["over_capacity"], 2);
    assert_eq!(layer.report()["sent"], 2);
}

#[tokio::test]
async fn a_membership_lasts_for_as_long_as_its_client_is_connected() {
    let server = server();
    for exchange in EXCHANGES {
        let of = |node| {
            let group_expiry = Duration::from_secs(2);
            layer(RedisOptions { group_expiry, ..options(&[&server], exchange) }, 9, node)
        };
        let (one, two) = (of("one"), of("two"));
        let mut ben = Member::join(&two, "waterway.two!ben");
        two.group("room").add(&ben.channel).await.unwrap();
        // Twice as long as a membership that is not renewed.
        for _ in 0..40 {
            sleep(Duration::from_millis(100)).await;
            assert_eq!(one.group("room").send("still").await.unwrap().sent, 1, "{exchange:?}");
        }
        one.send("waterway.two!ben", "last").await.unwrap();
        assert_eq!(ben.until("last").await.len(), 41);
    }
}

#[tokio::test]
async fn shards_and_keys_are_those_that_other_processes_expect() {
    let servers = [server(), server(), server()];
    let servers: Vec<&Redis> = servers.iter().collect();
    for exchange in EXCHANGES {
        let keys = |secrets: &[&str]| secrets.iter().map(|key| Fernet::from_secret(key)).collect();
        let of = |node, secrets: &[&str]| {
            let keys = keys(secrets);
            layer(RedisOptions { keys, ..options(&servers, exchange) }, 99, node)
        };
        let (one, two) = (of("one", &["new", "old"]), of("two", &["old"]));
        let mut ben = Member::join(&two, "waterway.two!ben");
        let mut eve = Member::join(&one, "waterway.one!eve");
        for room in 0..20 {
            let room = format!("room.{room}");
            one.group(room.as_str()).add(&eve.channel).await.unwrap();
            let sent = two.group(room.as_str()).send(room.clone()).await.unwrap();
            assert_eq!(sent.sent, 1, "{room} {exchange:?} {} {}", one.report(), two.report());
            eve.until(&room).await;
        }
        // It cannot read a message that is encrypted with the new key.
        one.send("waterway.two!ben", "unread").await.unwrap();
        until("it is counted", async || two.report()["wrong"] == 1).await;
        two.send("waterway.two!ben", "last").await.unwrap();
        assert_eq!(ben.until("last").await, ["last"]);
    }
}

#[tokio::test]
async fn a_process_that_has_died_is_forgotten() {
    let server = server();
    for exchange in EXCHANGES {
        let [one, two] = ["one", "two"].map(|node| layer(options(&[&server], exchange), 9, node));
        let ben = Member::join(&two, "waterway.two!ben");
        two.group("room").add(&ben.channel).await.unwrap();
        assert_eq!(one.group("room").len().await.unwrap(), 1);
        // Without a word to the others. The sign that it runs then expires.
        drop(two);
        let RedisOptions { servers, prefix, .. } = options(&[&server], exchange);
        let sign = format!("{prefix}:waterway:node:two");
        until("nothing writes the sign again", async || {
            servers[0].query::<u8>(redis::cmd("DEL").arg(&sign)).await.unwrap() == 0
        })
        .await;
        assert_eq!(one.group("room").len().await.unwrap(), 0, "{exchange:?}");
        let sent = one.group("room").send("nobody").await.unwrap();
        assert_eq!(sent.dropped, 0, "{exchange:?}");
    }
}

#[tokio::test]
async fn a_process_that_ends_takes_its_groups_with_it() {
    let server = server();
    for exchange in EXCHANGES {
        let two = layer(options(&[&server], exchange), 9, "two");
        let ben = Member::join(&two, "waterway.two!ben");
        two.group("room").add(&ben.channel).await.unwrap();
        two.leave("waterway.two!ben");
        two.stop().await;
        let RedisOptions { servers, .. } = options(&[&server], exchange);
        let keys: Vec<String> = servers[0].query(redis::cmd("KEYS").arg("*")).await.unwrap();
        assert_eq!(keys, [""; 0], "{exchange:?}");
    }
}
