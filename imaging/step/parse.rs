//! Reads a step in a pipeline: `"name"`, or a table of one key, `{ name = value }`.

use std::fmt;

use serde::de::{
    Deserialize, Deserializer, Error, IgnoredAny, IntoDeserializer, MapAccess, Visitor,
};

use super::about::{About, Takes};
use super::{Any, NAMES, Step};

// Not derived, because a derived enum accepts either `"jpeg"` or `{ jpeg = … }`, but not both.
impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StepVisitor)
    }
}

struct StepVisitor;

impl<'de> Visitor<'de> for StepVisitor {
    type Value = Step;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a step: a name such as \"grayscale\" or a table such as { fit = [320, 320] }")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Step, E> {
        let Name(index) = Name::deserialize(text.into_deserializer())?;
        let About { name, examples, .. } = Step::ALL[index];
        Any::bare(index).map(Step).ok_or_else(|| {
            let example = examples.first().copied().unwrap_or_default();
            E::custom(format!("step \"{name}\" takes a value: {example}"))
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Step, A::Error> {
        let Some(Name(index)) = map.next_key()? else {
            return Err(A::Error::invalid_length(0, &self));
        };
        let About { name, takes, .. } = Step::ALL[index];
        if *takes == Takes::Nothing {
            let message = format!("step \"{name}\" takes no value: \"{name}\"");
            return Err(A::Error::custom(message));
        }
        let step = Any::read(index, &mut map)?;
        if map.next_key::<IgnoredAny>()?.is_some() {
            return Err(A::Error::custom("a step is a table of one key; write two steps as two"));
        }
        Ok(Step(step))
    }
}

/// The index of a step's name in the list; the error for a wrong name lists all right ones.
struct Name(usize);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor)
    }
}

struct NameVisitor;

impl Visitor<'_> for NameVisitor {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a step")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Name, E> {
        let index = NAMES.iter().position(|name| *name == text);
        index.map(Name).ok_or_else(|| match text {
            // Other libraries have one function with one of these names. Here it is three steps,
            // whose names are not similar.
            "resize" | "scale" | "thumbnail" => E::custom(format_args!(
                "unknown choice {text:?}\nwrite {{ fit = [320, 320] }} to keep the proportions, \
                 {{ fill = [320, 240] }} to stretch, {{ zoom = 0.5 }} for a factor"
            )),
            _ => E::unknown_variant(text, NAMES),
        })
    }
}
