//! A text with parameters.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::Value;
use waterway::Error;
use waterway::extract::RouteCheck;

use super::facts::Facts;
use super::parameter::Parameter;

/// A text with parameters, each of which a message replaces with a value of its own. `{{` and `}}`
/// are braces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

impl JsonSchema for Template {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Template".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    Fixed(String),
    Parameter(Parameter),
}

impl Template {
    /// The text with the values of this message.
    ///
    /// # Errors
    /// The error for the client, whose message does not have a value.
    pub(crate) fn fill(&self, facts: Facts<'_>) -> Result<String, Error> {
        self.fill_with(facts, String::push_str)
    }

    /// The text, with each value written by `push`.
    ///
    /// # Errors
    /// As for [`fill`](Self::fill).
    pub(crate) fn fill_with(
        &self,
        facts: Facts<'_>,
        push: impl Fn(&mut String, &str),
    ) -> Result<String, Error> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Fixed(fixed) => text.push_str(fixed),
                Part::Parameter(parameter) => push(&mut text, &parameter.text(facts)?),
            }
        }
        Ok(text)
    }

    /// The value in JSON: a text; or, if the whole template is one parameter, its own value, which
    /// may also be a number, a list or an object.
    ///
    /// # Errors
    /// As for [`fill`](Self::fill).
    pub(crate) fn fill_value(&self, facts: Facts<'_>) -> Result<Value, Error> {
        match self.parts.as_slice() {
            [Part::Parameter(parameter)] => parameter.value(facts),
            _ => self.fill(facts).map(Value::from),
        }
    }

    /// The text of a template without parameters.
    pub(crate) fn as_fixed(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Fixed(fixed)] => Some(fixed),
            _ => None,
        }
    }

    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts
    }

    pub(crate) fn parameters(&self) -> impl Iterator<Item = &Parameter> {
        self.parts.iter().filter_map(|part| match part {
            Part::Fixed(_) => None,
            Part::Parameter(parameter) => Some(parameter),
        })
    }

    /// Reports each parameter that a route cannot give.
    pub(crate) fn check(&self, route: &mut RouteCheck<'_>) {
        for parameter in self.parameters() {
            parameter.check(route);
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut fixed = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, brace) = rest.split_at(at);
            fixed.push_str(before);
            if let Some(doubled @ ("{{" | "}}")) = brace.get(..2) {
                fixed.push_str(&doubled[..1]);
                rest = &brace[2..];
                continue;
            }
            let inner = brace.strip_prefix('{').and_then(|inner| inner.split_once('}'));
            let Some((inner, behind)) = inner else {
                let brace = &brace[..1];
                return Err(format!(
                    "{text:?} has a {brace:?} that encloses no parameter\nwrite {brace}{brace} for a plain {brace}"
                ));
            };
            if !fixed.is_empty() {
                parts.push(Part::Fixed(std::mem::take(&mut fixed)));
            }
            parts.push(Part::Parameter(Parameter::parse(inner)?));
            rest = behind;
        }
        fixed.push_str(rest);
        if !fixed.is_empty() {
            parts.push(Part::Fixed(fixed));
        }
        Ok(Self { parts })
    }
}

impl FromStr for Template {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text)
    }
}

/// The template as it is written.
impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                Part::Fixed(fixed) => {
                    f.write_str(&fixed.replace('{', "{{").replace('}', "}}"))?;
                }
                Part::Parameter(parameter) => write!(f, "{parameter}")?,
            }
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
