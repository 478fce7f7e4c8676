//! A step's value, written short or as a table of keys.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{
    Deserialize, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};

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
