//! Bytes in JSON: base64 with padding (RFC 4648, section 4).

use ::base64::Engine as _;
use ::base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

pub(super) fn serialize<S: Serializer>(bytes: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(bytes))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
    let text = String::deserialize(deserializer)?;
    let decoded = STANDARD.decode(text);
    decoded.map(Bytes::from).map_err(|error| D::Error::custom(format!("no base64: {error}")))
}

/// The same for a field that may be absent or null.
pub(super) mod optional {
    #![expect(clippy::ref_option, reason = "serde passes fields so")]

    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(in crate::action) fn serialize<S: Serializer>(
        bytes: &Option<Bytes>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match bytes {
            Some(bytes) => super::serialize(bytes, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(in crate::action) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Bytes>, D::Error> {
        #[derive(Deserialize)]
        struct Encoded(#[serde(with = "super")] Bytes);

        Ok(Option::<Encoded>::deserialize(deserializer)?.map(|Encoded(bytes)| bytes))
    }
}
