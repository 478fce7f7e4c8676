//! The addresses under which clients fetch stored files: the option `url`.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::json;
use waterway::Time;
use waterway::config::PublicUrl;

/// The address of a file in an answer.
///
/// Written `"https://cdn.example.com/pictures"`, `"presigned"` or `{ presigned = "15m" }`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Address {
    /// `<public_url>/upload/<name>`, which this service serves itself.
    #[default]
    Own,
    /// `<base>/<name>`, which another server serves.
    Base(PublicUrl),
    /// The bucket's own address, signed so that anyone who has it may fetch the file, for this
    /// long.
    Presigned(Time),
}

/// How long a presigned address lasts by default.
const PRESIGNED: Time = Time::from_secs(3600);

/// The longest that Signature Version 4 allows.
const PRESIGNED_MAX: Time = Time::from_secs(7 * 86_400);

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AddressVisitor)
    }
}

struct AddressVisitor;

impl<'de> Visitor<'de> for AddressVisitor {
    type Value = Address;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a URL, \"presigned\" or { presigned = \"1h\" }")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Address, E> {
        match text {
            "presigned" => Ok(Address::Presigned(PRESIGNED)),
            url => url.parse().map(Address::Base).map_err(E::custom),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Address, A::Error> {
        let Written { presigned: Lasting(time) } =
            Written::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Address::Presigned(time))
    }
}

/// `url` as a table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    presigned: Lasting,
}

impl JsonSchema for Address {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Address".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut presigned = Time::json_schema(generator);
        presigned.insert("description".into(), "How long a signed URL is valid.".into());
        presigned.insert("x-bound".into(), "`\"1s\"` to `\"7d\"`".into());
        let table = json!({
            "type": "object",
            "properties": { "presigned": presigned },
            "required": ["presigned"],
            "additionalProperties": false
        });
        json_schema!({
            "anyOf": [{ "const": "presigned" }, PublicUrl::json_schema(generator), table]
        })
    }
}

/// How long a presigned address lasts: more than 0, and at most the maximum.
struct Lasting(Time);

impl<'de> Deserialize<'de> for Lasting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let time = Time::deserialize(deserializer)?;
        if time < Time::from_secs(1) || time > PRESIGNED_MAX {
            let text = format!("an address cannot last {time}\ngive a time from 1s to 7d");
            return Err(D::Error::custom(text));
        }
        Ok(Self(time))
    }
}
