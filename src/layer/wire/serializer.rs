//! A message as bytes: 12 random ones, and then `MessagePack`, which may be encrypted.

use std::time::Duration;

use uuid::Uuid;

use super::Fernet;
use super::fields::Fields;

/// Writes and reads messages.
#[derive(Debug, Clone)]
pub(crate) struct Serializer {
    /// Whether messages begin with random bytes. They do as members of a sorted set, where two equal
    /// messages would be one.
    is_unique: bool,
    /// The first key encrypts, and all of them decrypt. Without keys, messages are not encrypted.
    keys: Vec<Fernet>,
    /// The age of an encrypted message up to which it is read.
    lifetime: Option<Duration>,
}

/// How many random bytes a message begins with.
const RANDOM: usize = 12;

/// What `channels_redis` adds to the expiry of an encrypted message.
const GRACE: Duration = Duration::from_secs(10);

impl Serializer {
    /// For messages in sorted sets, which are read up to this age.
    pub(crate) fn core(keys: Vec<Fernet>, expiry: Duration) -> Self {
        Self { is_unique: true, keys, lifetime: Some(expiry + GRACE) }
    }

    /// For messages that are published.
    pub(crate) fn pubsub(keys: Vec<Fernet>) -> Self {
        Self { is_unique: false, keys, lifetime: None }
    }

    /// A message as bytes.
    pub(crate) fn write(&self, fields: &Fields) -> Vec<u8> {
        let packed = fields.pack();
        let sealed = match self.keys.first() {
            Some(key) => key.encrypt(&packed),
            None => packed,
        };
        if !self.is_unique {
            return sealed;
        }
        let mut bytes = Vec::with_capacity(RANDOM + sealed.len());
        bytes.extend(&random()[..RANDOM]);
        bytes.extend(sealed);
        bytes
    }

    /// The message of these bytes.
    ///
    /// # Errors
    /// Why they are not a message.
    pub(crate) fn read(&self, bytes: &[u8]) -> Result<Fields, String> {
        let begin = if self.is_unique { RANDOM } else { 0 };
        let sealed = bytes.get(begin..).ok_or("it is shorter than its random part")?;
        if self.keys.is_empty() {
            return Fields::unpack(sealed);
        }
        let opened = self.keys.iter().find_map(|key| key.decrypt(sealed, self.lifetime));
        let opened = opened.ok_or(
            "none of [layer] symmetric_encryption_keys decrypts it, or it is older than expiry",
        )?;
        Fields::unpack(&opened)
    }
}

/// Random bytes.
pub(super) fn random() -> [u8; 16] {
    // Six bits of a UUID are fixed (RFC 9562, section 5.4). Turned by half, those of the one fall on
    // random bits of the other.
    let [one, other] = [Uuid::new_v4(), Uuid::new_v4()].map(|id| id.as_u128());
    (one ^ other.rotate_left(64)).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `RedisChannelLayer.serialize` of `channels_redis` 4.3.0 makes of
    /// `{"type": "websocket.send", "text": "hi é", "n": [1, -1, 1.5, True, None], "b": b"\x00\xff",
    /// "__asgi_channel__": ["a!b", "a!c"]}`, without its random bytes.
    const PACKED: &str = "85a474797065ae776562736f636b65742e73656e64a474657874a5686920c3a9a16e9501ff\
                          cb3ff8000000000000c3c0a162c40200ffb05f5f617367695f6368616e6e656c5f5f92a361\
                          2162a3612163";

    /// What `RedisPubSubChannelLayer.serialize` makes of `{"type": "websocket.send", "text": "hi"}`
    /// with these keys.
    const SEALED: [(&[&str], &str); 2] = [
        (
            &["old secret"],
            "gAAAAABrSdIAiOPKK3Hrj1w2Rh5pNekGjkCiHvGLPm6V728c0zTmADCnjSpNEjjfj4h98JXE4cDzQLut5XJ-bA\
             cHlZri96LL-zxwe_UR9kxM1gcbodeVyLo=",
        ),
        (
            &["new secret", "old secret"],
            "gAAAAABrSdIA4ZMCfN0YLN_MRxR7NmqgcvVHBNYHlOcUwmWjBfjmd7aBICLoca9TFwHiZCN3Zmp8q1ZbZJGdHq\
             -ntaYNRyj3xX0gC1art_aOHiwkXYJngH8=",
        ),
    ];

    const EXPIRY: Duration = Duration::from_secs(60);

    fn hex(text: &str) -> Vec<u8> {
        let pairs = text.as_bytes().chunks(2);
        pairs.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
    }

    fn keys(secrets: &[&str]) -> Vec<Fernet> {
        secrets.iter().map(|secret| Fernet::from_secret(secret)).collect()
    }

    #[test]
    fn messages_are_those_of_channels_redis() {
        let core = Serializer::core(Vec::new(), EXPIRY);
        let packed = hex(PACKED);
        let fields = core.read(&[[7; RANDOM].as_slice(), &packed].concat()).unwrap();
        assert_eq!(fields.text("type"), Some("websocket.send"));
        assert_eq!(fields.text("text"), Some("hi é"));
        assert_eq!(fields.bytes("b"), Some([0, 0xff].as_slice()));
        assert_eq!(fields.channels(), ["a!b", "a!c"]);
        let written = core.write(&fields);
        assert_eq!(written[RANDOM..], packed);
        assert_ne!(written, core.write(&fields), "equal messages are two members of a set");
        assert_eq!(Serializer::pubsub(Vec::new()).write(&fields), packed);
    }

    #[test]
    fn encrypted_messages_are_those_of_channels_redis() {
        let both = Serializer::pubsub(keys(&["new secret", "old secret"]));
        for (secrets, sealed) in SEALED {
            let fields = both.read(sealed.as_bytes()).unwrap();
            assert_eq!(fields.text("text"), Some("hi"));
            let own = Serializer::pubsub(keys(secrets));
            assert_eq!(both.read(&own.write(&fields)).unwrap(), fields);
        }
        let old = Serializer::pubsub(keys(&["old secret"]));
        assert!(old.read(SEALED[0].1.as_bytes()).is_ok());
        assert!(old.read(SEALED[1].1.as_bytes()).is_err(), "it is encrypted by the first key");
    }

    #[test]
    fn an_encrypted_message_is_read_only_while_it_is_young() {
        let core = Serializer::core(keys(&["old secret"]), EXPIRY);
        let fields = Fields::of_type("a");
        assert_eq!(core.read(&core.write(&fields)).unwrap(), fields);
        let old = [[7; RANDOM].as_slice(), SEALED[0].1.as_bytes()].concat();
        assert!(core.read(&old).unwrap_err().contains("older than expiry"));
        assert!(core.read(b"short").is_err());
    }
}
