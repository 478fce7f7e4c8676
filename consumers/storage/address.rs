//! What kept files are called by those who fetch them: the option `url`.

use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use waterway::{PublicUrl, Time};

/// What a file is called in an answer.
///
/// Written `"https://cdn.example.com/pictures"`, `"presigned"` or `{ presigned = "15m" }`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Address {
    /// `<public_url>/upload/<name>`, which this service serves itself.
    #[default]
    Own,
    /// `<base>/<name>`, which is served by whoever else has the files.
    Base(PublicUrl),
    /// The bucket's own address, signed so that whoever has it may fetch the file, for so long.
    Presigned(Time),
}

/// How long a presigned address lasts unless the table says otherwise.
const PRESIGNED: Time = Time::from_secs(3600);

/// As long as Signature Version 4 lets one last.
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

/// The table that an address may be.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    presigned: Lasting,
}

/// How long a presigned address lasts: above 0, and not longer than one may.
struct Lasting(Time);

impl<'de> Deserialize<'de> for Lasting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let time = Time::deserialize(deserializer)?;
        if time < Time::from_secs(1) || time > PRESIGNED_MAX {
            let text = format!("{time} is not how long an address can last\nfrom 1s to 7d");
            return Err(D::Error::custom(text));
        }
        Ok(Self(time))
    }
}
