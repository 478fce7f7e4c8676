//! How the fields of an event are written as JSON, where `serde` needs to be told.
#![expect(clippy::ref_option, reason = "serde passes fields so")]

/// A JSON object whose fields keep their order.
pub(super) mod params {
    use std::sync::Arc;

    use serde::de::Error;
    use serde::ser::SerializeMap;
    use serde::{Deserialize, Deserializer, Serializer};
    use serde_json::{Map, Value};

    use crate::message::Params;

    pub(in crate::message::event) fn serialize<S: Serializer>(
        params: &Params,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(params.len()))?;
        for (name, value) in params.iter() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }

    pub(in crate::message::event) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Params, D::Error> {
        let map = Map::deserialize(deserializer)?;
        let text = |(name, value)| match value {
            Value::String(value) => Ok((name, value)),
            _ => Err(D::Error::custom(format!("the parameter {name} takes a text"))),
        };
        let params: Vec<(String, String)> = map.into_iter().map(text).collect::<Result<_, _>>()?;
        Ok(Arc::from(params))
    }
}

pub(super) mod method {
    use http::Method;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(in crate::message::event) fn serialize<S: Serializer>(
        method: &Option<Method>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        method.as_ref().map(Method::as_str).serialize(serializer)
    }

    pub(in crate::message::event) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Method>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
    }
}

pub(super) mod text {
    use bytestring::ByteString;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(in crate::message::event) fn serialize<S: Serializer>(
        text: &Option<ByteString>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        text.as_deref().serialize(serializer)
    }

    pub(in crate::message::event) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<ByteString>, D::Error> {
        Ok(Option::<String>::deserialize(deserializer)?.map(ByteString::from))
    }
}

pub(super) mod bytes {
    use ::bytes::Bytes;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(in crate::message::event) fn serialize<S: Serializer>(
        bytes: &Option<Bytes>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        bytes.as_ref().map(|bytes| STANDARD.encode(bytes)).serialize(serializer)
    }

    pub(in crate::message::event) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Bytes>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        let decoded = text.map(|text| STANDARD.decode(text).map(Bytes::from));
        decoded.transpose().map_err(D::Error::custom)
    }
}
