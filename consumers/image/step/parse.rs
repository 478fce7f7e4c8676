//! A step as `routing.toml` writes it: `"name"`, or a table of one key, `{ name = value }`.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{
    Deserialize, Deserializer, Error, IgnoredAny, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};

use super::about::{About, Takes};
use super::{Any, NAMES, Step};

// By hand, because a derived enum takes `"jpeg"` or `{ jpeg = … }` and never both.
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

/// Where in the list the step of a name is; a wrong name is answered with all the right ones.
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
            // Many libraries have one function of these names. Here it is three steps, whose names
            // are not similar.
            "resize" | "scale" | "thumbnail" => E::custom(format_args!(
                "unknown choice {text:?}\nwrite {{ fit = [320, 320] }} to keep the proportions, \
                 {{ fill = [320, 240] }} to stretch, {{ zoom = 0.5 }} for a factor"
            )),
            _ => E::unknown_variant(text, NAMES),
        })
    }
}

/// Reads a value that may be written short, or as a table of keys when there is more to say:
/// `{ cover = [320, 240] }`, `{ cover = { size = [320, 240], gravity = "smart" } }`.
pub(super) fn short_or_table<'de, D, S, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    S: Deserialize<'de> + Into<T>,
    T: Deserialize<'de>,
{
    deserializer.deserialize_any(ShortOrTable::<S, T>(PhantomData))
}

struct ShortOrTable<S, T>(PhantomData<(S, T)>);

impl<'de, S: Deserialize<'de> + Into<T>, T: Deserialize<'de>> Visitor<'de> for ShortOrTable<S, T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the step's value or a table of its keys")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<T, E> {
        S::deserialize(value.into_deserializer()).map(Into::into)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<T, E> {
        S::deserialize(value.into_deserializer()).map(Into::into)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<T, E> {
        S::deserialize(value.into_deserializer()).map(Into::into)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<T, E> {
        S::deserialize(value.into_deserializer()).map(Into::into)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<T, E> {
        S::deserialize(value.into_deserializer()).map(Into::into)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<T, A::Error> {
        S::deserialize(SeqAccessDeserializer::new(list)).map(Into::into)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}
