//! A JSON value with templates in its texts.

use schemars::JsonSchema;
use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::{Map, Value};
use waterway::Error;

use super::facts::Facts;
use super::parameter::Parameter;
use super::text::Template;

/// A JSON value of the table in which texts are templates. The names of fields are not templates.
#[derive(Debug, Clone, PartialEq, JsonSchema)]
pub struct JsonTemplate(#[schemars(with = "Value")] Shape);

#[derive(Debug, Clone, PartialEq)]
enum Shape {
    Fixed(Value),
    Text(Template),
    List(Vec<Shape>),
    Object(Vec<(String, Shape)>),
}

impl JsonTemplate {
    /// The value with the values of this message.
    ///
    /// # Errors
    /// The error for the client, whose message does not have a value.
    pub(crate) fn fill(&self, facts: Facts<'_>) -> Result<Value, Error> {
        self.0.fill(facts)
    }

    pub(crate) fn parameters(&self) -> impl Iterator<Item = &Parameter> {
        let mut templates = Vec::new();
        self.0.templates(&mut templates);
        templates.into_iter().flat_map(Template::parameters)
    }
}

impl Shape {
    fn fill(&self, facts: Facts<'_>) -> Result<Value, Error> {
        Ok(match self {
            Self::Fixed(value) => value.clone(),
            Self::Text(template) => template.fill_value(facts)?,
            Self::List(list) => {
                Value::Array(list.iter().map(|item| item.fill(facts)).collect::<Result<_, _>>()?)
            }
            Self::Object(fields) => {
                let filled =
                    fields.iter().map(|(name, field)| Ok((name.clone(), field.fill(facts)?)));
                Value::Object(filled.collect::<Result<Map<_, _>, Error>>()?)
            }
        })
    }

    fn templates<'a>(&'a self, found: &mut Vec<&'a Template>) {
        match self {
            Self::Fixed(_) => {}
            Self::Text(template) => found.push(template),
            Self::List(list) => list.iter().for_each(|item| item.templates(found)),
            Self::Object(fields) => fields.iter().for_each(|(_, field)| field.templates(found)),
        }
    }

    fn parse(value: Value) -> Result<Self, String> {
        Ok(match value {
            Value::String(text) => Self::Text(text.parse()?),
            Value::Array(list) => {
                Self::List(list.into_iter().map(Self::parse).collect::<Result<_, _>>()?)
            }
            Value::Object(fields) => {
                let fields =
                    fields.into_iter().map(|(name, field)| Ok((name, Self::parse(field)?)));
                Self::Object(fields.collect::<Result<_, String>>()?)
            }
            fixed => Self::Fixed(fixed),
        })
    }
}

impl<'de> Deserialize<'de> for JsonTemplate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Shape::parse(value).map(Self).map_err(D::Error::custom)
    }
}
