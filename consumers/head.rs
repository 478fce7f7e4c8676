//! The headers of an answer, as the table writes them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Deref;

use http::{HeaderName, HeaderValue, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error as _};
use waterway::extract::RouteCheck;
use waterway::{Error, Reply};

use crate::template::{Facts, Part, Template};

/// One value, or a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneOrMore<T>(Vec<T>);

impl<T: JsonSchema> JsonSchema for OneOrMore<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("OneOrMore{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [one, { "type": "array", "items": one }] })
    }
}

impl<T> Default for OneOrMore<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Deref for OneOrMore<T> {
    type Target = Vec<T>;

    fn deref(&self) -> &Vec<T> {
        &self.0
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMore<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(untagged)]
        enum Written<T> {
            One(T),
            More(Vec<T>),
        }
        let written = Written::deserialize(deserializer)?;
        Ok(Self(match written {
            Written::One(value) => vec![value],
            Written::More(values) => values,
        }))
    }
}

/// Headers of an answer: `{ location = "/rooms/{room}", set-cookie = ["a=1", "b=2"] }`.
#[derive(Debug, Clone, Default, JsonSchema)]
pub struct Fields(
    #[schemars(with = "BTreeMap<String, OneOrMore<Template>>")] Vec<(HeaderName, Template)>,
);

/// Headers that the service itself sets, because they say how a message is sent.
const OWN: [HeaderName; 6] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::DATE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::TRAILER,
];

impl Fields {
    /// The value of this header, as the table writes it.
    pub(crate) fn get(&self, name: &HeaderName) -> Option<&Template> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Sets the headers of a reply. Values of parameters are percent-encoded, so that they cannot
    /// end a header's value.
    ///
    /// # Errors
    /// The error for the client, whose message does not have a value.
    pub(crate) fn set(&self, reply: &mut Reply, facts: Facts<'_>) -> Result<(), Error> {
        for (name, value) in &self.0 {
            let value = value.fill_with(facts, encode)?;
            let value = HeaderValue::from_str(&value).map_err(Error::failed)?;
            reply.headers_mut().append(name, value);
        }
        Ok(())
    }

    /// Reports parameters that a route cannot give, or that would let a client choose a host.
    pub(crate) fn check(&self, route: &mut RouteCheck<'_>) {
        for (name, value) in &self.0 {
            value.check(route);
            if *name == header::LOCATION && chooses_host(value) {
                let value = value.to_string();
                let message = format!("a client could choose the host of {value:?}");
                route.report_option(
                    "headers",
                    message,
                    "write a whole host, and a slash behind it",
                );
            }
        }
    }

    /// The headers, none of which may have parameters.
    ///
    /// # Errors
    /// The mistake, and help in a second line.
    pub(crate) fn fixed(&self) -> Result<Vec<(HeaderName, HeaderValue)>, String> {
        let fixed = self.0.iter().map(|(name, value)| {
            let value = value.as_fixed().and_then(|text| HeaderValue::from_str(text).ok());
            let value = value.ok_or_else(|| {
                format!(
                    "the header {name} cannot have parameters here\nwrite {{{{ for a plain brace"
                )
            })?;
            Ok((name.clone(), value))
        });
        fixed.collect()
    }
}

/// Everything but letters, digits, `-`, `.`, `_`, `~` (RFC 3986, section 2.3) and `/`.
const ENCODED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// Writes the value of a parameter percent-encoded. Slashes in it are kept, so that a redirect can
/// name the rest of a path; but not at its beginning, because `//host` is the address of another
/// host.
fn encode(text: &mut String, value: &str) {
    let rest = value.trim_start_matches('/');
    for _ in rest.len()..value.len() {
        text.push_str("%2F");
    }
    text.extend(utf8_percent_encode(rest, ENCODED));
}

/// Whether a parameter is in the host of an address.
fn chooses_host(address: &Template) -> bool {
    let mut before = String::new();
    for part in address.parts() {
        match part {
            Part::Fixed(text) => before.push_str(text),
            Part::Parameter(_) => {
                let host = before.split_once("//").map(|(_, host)| host);
                return host.is_some_and(|host| !host.contains('/'));
            }
        }
    }
    false
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written: BTreeMap<String, OneOrMore<Template>> = BTreeMap::deserialize(deserializer)?;
        let mut fields = Vec::new();
        for (name, values) in written {
            let known = HeaderName::from_bytes(name.as_bytes()).map_err(|_| {
                D::Error::custom(format!(
                    "{name:?} is not the name of a header\nwrite letters, digits and \"-\""
                ))
            })?;
            if OWN.contains(&known) {
                return Err(D::Error::custom(format!(
                    "the service sets the header {known} itself\nleave it out"
                )));
            }
            for value in values.0 {
                let fixed = value.parts().iter().all(|part| match part {
                    Part::Fixed(text) => HeaderValue::from_str(text).is_ok(),
                    Part::Parameter(_) => true,
                });
                if !fixed {
                    return Err(D::Error::custom(format!(
                        "the header {known} cannot have this value\nwrite visible characters of ASCII, without line breaks"
                    )));
                }
                fields.push((known.clone(), value));
            }
        }
        Ok(Self(fields))
    }
}
