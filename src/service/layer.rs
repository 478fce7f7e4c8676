//! The channel layer that a table asks for.

use crate::layer::ChannelLayer;
use crate::routing::Router;

#[cfg(feature = "redis")]
mod shared {
    use std::sync::Arc;

    use crate::action::reply_of;
    use crate::config::{Backend, ChannelsRedis, LayerConfig};
    use crate::layer::{ChannelLayer, Exchange, Fernet, RedisOptions};
    use crate::redis::{RedisUrl, Server};

    /// The layer over the servers of the table; `None` for one in memory.
    pub(super) fn layer(config: &LayerConfig, groups: usize, node: &str) -> Option<ChannelLayer> {
        if *config.backend != Backend::Redis || config.url.is_empty() {
            return None;
        }
        let timeout = config.timeout.duration();
        let server = |url: &RedisUrl| Server::new(url.clone(), timeout);
        let exchange = match config.channels_redis {
            ChannelsRedis::Core => Exchange::Core { capacity: config.capacity },
            ChannelsRedis::Pubsub => Exchange::PubSub,
        };
        let keys = config.symmetric_encryption_keys.iter();
        let options = RedisOptions {
            servers: config.url.iter().map(server).collect(),
            prefix: config.prefix.clone(),
            exchange,
            expiry: config.expiry.duration(),
            group_expiry: config.group_expiry.duration(),
            keys: keys.map(|key| Fernet::from_secret(key.expose())).collect(),
            forward: config.forward.iter().map(|kind| Arc::from(kind.as_str())).collect(),
        };
        Some(ChannelLayer::redis(options, groups, node, reply_of))
    }
}

/// The channel layer of a table, for a process of this name.
pub(super) fn layer(router: &Router, node: &str) -> ChannelLayer {
    let groups = router.server().groups;
    #[cfg(feature = "redis")]
    if let Some(layer) = shared::layer(router.layer(), groups, node) {
        return layer;
    }
    let _ = node;
    ChannelLayer::new(groups)
}
