//! The names of groups and of their members, as the table writes them.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::de::{Deserialize, Deserializer, Error as _};
use waterway::extract::RouteCheck;
use waterway::{Error, code};

use crate::template::{Facts, Part, Source, Template};

/// The name of a group: a template whose fixed parts have only letters, digits, `_`, `-` and `.`.
/// The values of parameters are escaped. So different values always make different names, and a
/// client cannot name a group that the table does not mean.
///
/// Names have at most 99 characters, as those of Django Channels.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(extend(
    "x-bound" = "1 to 99 ASCII letters, digits, `_`, `-`, `.`, and parameters"
))]
pub struct GroupName(Template);

/// The longest name of a group (`channels.layers.BaseChannelLayer.MAX_NAME_LENGTH` is 100, which a
/// name must be shorter than).
const NAME_LIMIT: usize = 99;

/// A member's name, which others see.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(extend("x-bound" = "at most 64 bytes"))]
pub struct MemberName(Template);

/// The longest name of a member, in bytes. Every message repeats it.
const MEMBER_LIMIT: usize = 64;

impl GroupName {
    /// The group that this message means.
    ///
    /// # Errors
    /// If the message does not have a value, or the name would be too long.
    pub(crate) fn fill(&self, facts: Facts<'_>) -> Result<String, Error> {
        let name = self.0.fill_with(facts, escape)?;
        if name.is_empty() {
            return Err(Error::new(code::BAD_MESSAGE, "the name of the group is empty"));
        }
        if name.len() > NAME_LIMIT {
            let message = format!(
                "the name of the group would have {} characters, but only {NAME_LIMIT} are allowed",
                name.len()
            );
            return Err(Error::new(code::BAD_MESSAGE, message));
        }
        Ok(name)
    }

    /// Reports parameters that the route cannot give.
    pub(crate) fn check(&self, route: &mut RouteCheck<'_>) {
        self.0.check(route);
    }

    fn new(template: Template) -> Result<Self, String> {
        for part in template.parts() {
            match part {
                Part::Fixed(text) => {
                    if let Some(char) = text.chars().find(|char| !is_allowed(*char)) {
                        return Err(format!(
                            "the name of a group cannot contain {char:?}\nwrite letters, digits, \"_\", \"-\", \".\" and parameters such as {{room}}"
                        ));
                    }
                }
                Part::Parameter(parameter) => {
                    if let Source::Text | Source::Json | Source::Members = parameter.source() {
                        return Err(format!(
                            "the name of a group cannot contain {parameter}\ntake it from the path, the claims, the query or the head"
                        ));
                    }
                }
            }
        }
        match template.as_fixed().map(str::len) {
            Some(0) => {
                Err("the name of a group is empty\nwrite a name such as \"room.{room}\"".into())
            }
            Some(length) if length > NAME_LIMIT => Err(format!(
                "the name of a group has {length} characters\nit has at most {NAME_LIMIT}"
            )),
            _ => Ok(Self(template)),
        }
    }
}

impl MemberName {
    /// The name that this message gives its client.
    ///
    /// # Errors
    /// If the message does not have a value, or the name is too long.
    pub(crate) fn fill(&self, facts: Facts<'_>) -> Result<String, Error> {
        let name = self.0.fill(facts)?;
        if name.len() > MEMBER_LIMIT {
            let message = format!("a name has at most {MEMBER_LIMIT} bytes");
            return Err(Error::new(code::BAD_MESSAGE, message));
        }
        Ok(name)
    }

    /// Reports parameters that the route cannot give.
    pub(crate) fn check(&self, route: &mut RouteCheck<'_>) {
        self.0.check(route);
    }
}

/// ASCII letters, digits, `_`, `-` and `.`.
fn is_allowed(char: char) -> bool {
    char.is_ascii_alphanumeric() || matches!(char, '_' | '-' | '.')
}

/// Writes the value of a parameter: ASCII letters, digits and `-` unchanged, every other byte as `_`
/// and two hexadecimal digits. `.` and `_` are escaped too, so that a value can neither end its own
/// part of the name nor look like an escape.
fn escape(name: &mut String, value: &str) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'-' {
            name.push(char::from(byte));
        } else {
            // Writing to a `String` does not fail.
            let _ = write!(name, "_{byte:02X}");
        }
    }
}

impl<'de> Deserialize<'de> for GroupName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(Template::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for MemberName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Template::deserialize(deserializer).map(Self)
    }
}
