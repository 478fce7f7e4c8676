//! Tests of groups, which every engine must pass.

mod memory;
#[cfg(feature = "redis")]
mod shared;

use tokio::runtime::Handle;

use super::{About, ChannelLayer, Delivery, GROUPS_PER_CLIENT};
use crate::reply::{Envelope, OutboxLimits, Replies, Reply, ReplyChannel, Slow};

fn join(layer: &ChannelLayer, name: &str, limits: OutboxLimits) -> (ReplyChannel, Replies) {
    let (channel, replies) = ReplyChannel::new(name, Envelope::None, limits);
    layer.join(channel.clone(), About::new("/".into(), None));
    (channel, replies)
}

/// A layer of each engine, which knows clients of the process `test`.
struct Engines {
    layers: Vec<ChannelLayer>,
    #[cfg(feature = "redis")]
    _server: crate::redis::private::Redis,
}

impl Engines {
    fn start(groups_per_client: usize) -> Self {
        #[cfg(feature = "redis")]
        {
            let server = shared::server();
            let layers = shared::EXCHANGES.map(|exchange| {
                let options = shared::options(&[&server], exchange);
                shared::layer(options, groups_per_client, "test")
            });
            let layers = [ChannelLayer::new(groups_per_client)].into_iter().chain(layers).collect();
            Self { layers, _server: server }
        }
        #[cfg(not(feature = "redis"))]
        Self { layers: vec![ChannelLayer::new(groups_per_client)] }
    }
}

const ANNA: &str = "waterway.test!anna";

#[tokio::test]
async fn membership_ends_with_the_client() {
    for layer in Engines::start(GROUPS_PER_CLIENT).layers {
        let (anna, _replies) = join(&layer, ANNA, OutboxLimits::default());
        let room = layer.group("room");
        room.add(&anna).await.unwrap();
        room.add(&anna).await.unwrap();
        assert_eq!(room.len().await.unwrap(), 1, "{layer:?}");
        layer.leave(ANNA);
        assert!(room.is_empty().await.unwrap());
        assert_eq!(room.add(&anna).await.unwrap_err().code(), "gone");
        assert_eq!(layer.send(ANNA, "late").await.unwrap_err().code(), "gone");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_while_it_is_added_and_discarded_is_no_member() {
    for layer in Engines::start(GROUPS_PER_CLIENT).layers {
        let room = layer.group("room");
        let runtime = Handle::current();
        for _ in 0..500 {
            let (anna, _replies) = join(&layer, ANNA, OutboxLimits::default());
            std::thread::scope(|threads| {
                threads.spawn(|| runtime.block_on(room.add(&anna)));
                threads.spawn(|| runtime.block_on(room.discard(&anna)));
            });
            layer.leave(ANNA);
            assert!(room.is_empty().await.unwrap(), "a client that has left stays a member");
        }
    }
}

#[tokio::test]
async fn the_groups_of_one_client_are_bounded() {
    for layer in Engines::start(2).layers {
        let (anna, _replies) = join(&layer, ANNA, OutboxLimits::default());
        layer.group("a").add(&anna).await.unwrap();
        layer.group("b").add(&anna).await.unwrap();
        assert_eq!(layer.group("c").add(&anna).await.unwrap_err().code(), "refused");
        layer.group("a").discard(&anna).await.unwrap();
        layer.group("c").add(&anna).await.unwrap();
    }
}

#[tokio::test]
async fn a_member_that_does_not_read_is_counted_and_delays_no_other_member() {
    for layer in Engines::start(GROUPS_PER_CLIENT).layers {
        let narrow = OutboxLimits { bytes: 100, slow: Slow::DropNewest };
        let (slow, _slow_replies) = join(&layer, "waterway.test!slow", narrow);
        let (quick, _quick_replies) = join(&layer, "waterway.test!quick", OutboxLimits::default());
        let room = layer.group("room");
        room.add(&slow).await.unwrap();
        room.add(&quick).await.unwrap();
        let first = room.send(Reply::text("one")).await.unwrap();
        assert_eq!(first, Delivery { sent: 2, dropped: 0 });
        let second = room.send(Reply::text("two")).await.unwrap();
        assert_eq!(second, Delivery { sent: 1, dropped: 1 });
    }
}

#[tokio::test]
async fn clients_that_are_excepted_get_nothing_and_others_get_one_message() {
    for layer in Engines::start(GROUPS_PER_CLIENT).layers {
        let (anna, _replies) = join(&layer, ANNA, OutboxLimits::default());
        let (ben, mut replies) = join(&layer, "waterway.test!ben", OutboxLimits::default());
        let room = layer.group("room");
        room.add(&anna).await.unwrap();
        room.add(&ben).await.unwrap();
        let sent = room.send_except("hi", std::slice::from_ref(anna.name())).await.unwrap();
        assert_eq!(sent, Delivery { sent: 1, dropped: 0 });
        // It is behind any second copy that may be on its way.
        layer.send("waterway.test!ben", "last").await.unwrap();
        let batch = replies.take().await.unwrap();
        let texts: Vec<_> = batch.replies.iter().map(|reply| reply.content.clone()).collect();
        assert_eq!(texts, [Some("hi".into()), Some("last".into())]);
    }
}
