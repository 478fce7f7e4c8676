//! The names of keys and channels, and the shard of each.

/// The names that a layer with this prefix uses.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    prefix: String,
}

/// How many servers a layer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shards(pub(crate) usize);

/// The shortest name that Channels refuses as too long.
const NAME_MAX: usize = 100;

impl Names {
    pub(crate) fn new(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into() }
    }

    /// The key of the messages that the receiver of this channel reads: a sorted set. All channels
    /// of one process have the same one.
    pub(crate) fn inbox(&self, channel: &str) -> String {
        format!("{}{}", self.prefix, non_local(channel))
    }

    /// The key of a group's members: a sorted set of channels by the time when they were added.
    pub(crate) fn group(&self, group: &str) -> String {
        format!("{}:group:{group}", self.prefix)
    }

    /// The key of the numbers of a group's members by node. Channels does not know it.
    pub(crate) fn counts(&self, group: &str) -> String {
        format!("{}:waterway:count:{group}", self.prefix)
    }

    /// The key that exists while this node runs. Channels does not know it.
    pub(crate) fn node(&self, node: &str) -> String {
        format!("{}:waterway:node:{node}", self.prefix)
    }

    /// The channel of publish and subscribe that a group has.
    pub(crate) fn topic(&self, group: &str) -> String {
        format!("{}__group__{group}", self.prefix)
    }
}

impl Shards {
    /// The shard of a name: twelve bits of its CRC-32, in as many equal parts as there are shards.
    pub(crate) fn of(self, name: &str) -> usize {
        let hash = crc32fast::hash(name.as_bytes()) & 0xfff;
        // Python computes `int(hash / (4096 / shards))` with floating-point numbers.
        #[expect(clippy::cast_precision_loss, reason = "a layer has few shards")]
        let part = 4096.0 / self.0 as f64;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the quotient is at least 0 and less than the number of shards"
        )]
        let shard = (f64::from(hash) / part) as usize;
        shard.min(self.0.saturating_sub(1))
    }
}

/// The part of a channel's name that its process reads: the name up to and including the first `!`.
/// A channel without `!` belongs to no process in particular.
pub(crate) fn non_local(channel: &str) -> &str {
    channel.split_inclusive('!').next().unwrap_or(channel)
}

/// The part of a channel's name after the first `!`.
pub(crate) fn local_part(channel: &str) -> Option<&str> {
    Some(channel.split_once('!')?.1)
}

/// Whether Channels accepts this name of a channel.
pub(crate) fn is_channel(name: &str) -> bool {
    let is_plain = |text: &str| {
        text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    };
    let (process, local) = name.split_once('!').unwrap_or((name, ""));
    name.len() < NAME_MAX && !process.is_empty() && is_plain(process) && is_plain(local)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The shards are those of `channels_redis.utils._consistent_hash`.
    #[test]
    fn the_shard_of_a_name_is_that_of_channels_redis() {
        for (name, shards) in [
            ("room", [0, 0, 0, 0, 6]),
            ("room.a", [0, 1, 1, 3, 40]),
            ("specific.0123456789abcdef!", [0, 0, 0, 0, 0]),
            ("specific.0123456789abcdef!ff", [0, 0, 1, 2, 28]),
            ("waterway.0a1b2c3d!", [0, 1, 2, 4, 55]),
            ("asgi__group__room", [0, 1, 2, 3, 50]),
            ("chat-1_2", [0, 1, 1, 2, 32]),
        ] {
            let of = [1, 2, 3, 5, 64].map(|count| Shards(count).of(name));
            assert_eq!(of, shards, "{name}");
        }
    }

    #[test]
    fn keys_are_those_of_channels_redis() {
        let names = Names::new("asgi");
        assert_eq!(names.group("room.a"), "asgi:group:room.a");
        assert_eq!(names.topic("room.a"), "asgi__group__room.a");
        assert_eq!(names.inbox("worker"), "asgiworker");
        assert_eq!(names.inbox("specific.ab!cd"), "asgispecific.ab!");
        assert_eq!((non_local("a!b!c"), local_part("a!b!c")), ("a!", Some("b!c")));
    }

    #[test]
    fn names_of_channels_are_those_that_channels_accepts() {
        for name in ["worker", "specific.ab!cd", "specific.ab!", "a-b_c.d"] {
            assert!(is_channel(name), "{name}");
        }
        let long = "a".repeat(100);
        for name in ["", "!a", "a b", "a!b!c", "ä", &long] {
            assert!(!is_channel(name), "{name}");
        }
    }
}
