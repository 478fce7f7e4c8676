//! Reads the name-text pairs of a path or a query into any type.

use std::fmt::Display;
use std::str::FromStr;

use serde::de::value::{Error, MapDeserializer, SeqDeserializer};
use serde::de::{self, DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

/// Names and their texts, in order.
#[derive(Clone, Copy)]
pub(super) struct Pairs<'a>(pub(super) &'a [(String, String)]);

/// Reads the pairs as a struct, a map, a tuple of their texts, or, if there is only one, as its
/// text.
pub(super) fn from_pairs<T: DeserializeOwned>(pairs: Pairs<'_>) -> Result<T, Error> {
    T::deserialize(pairs)
}

impl Pairs<'_> {
    fn one(&self) -> Result<Part<'_>, Error> {
        match self.0 {
            [(_, text)] => Ok(Part(text)),
            pairs => Err(de::Error::custom(format!("expected one value, found {}", pairs.len()))),
        }
    }
}

/// One text, which is parsed as a number or a truth value if the type asks for one.
#[derive(Clone, Copy)]
struct Part<'a>(&'a str);

impl IntoDeserializer<'_, Error> for Part<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

fn parse<T: FromStr<Err: Display>>(text: &str) -> Result<T, Error> {
    text.parse().map_err(|error| de::Error::custom(format!("{text:?}: {error}")))
}

macro_rules! parsed {
    ($($method:ident => $visit:ident: $type:ty),* $(,)?) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            visitor.$visit(parse::<$type>(self.0)?)
        }
    )*};
}

impl<'de> Deserializer<'de> for Part<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_str(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_enum(self.0.into_deserializer())
    }

    parsed! {
        deserialize_bool => visit_bool: bool,
        deserialize_i8 => visit_i8: i8,
        deserialize_i16 => visit_i16: i16,
        deserialize_i32 => visit_i32: i32,
        deserialize_i64 => visit_i64: i64,
        deserialize_u8 => visit_u8: u8,
        deserialize_u16 => visit_u16: u16,
        deserialize_u32 => visit_u32: u32,
        deserialize_u64 => visit_u64: u64,
        deserialize_f32 => visit_f32: f32,
        deserialize_f64 => visit_f64: f64,
    }

    forward_to_deserialize_any! {
        i128 u128 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct
        identifier ignored_any
    }
}

macro_rules! of_the_one {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.one()?.$method(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for Pairs<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let pairs = self.0.iter().map(|(name, text)| (name.as_str(), Part(text)));
        visitor.visit_map(MapDeserializer::new(pairs))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let texts = self.0.iter().map(|(_, text)| Part(text));
        visitor.visit_seq(SeqDeserializer::new(texts))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.one()?.deserialize_enum(name, variants, visitor)
    }

    of_the_one! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_f32
        deserialize_f64 deserialize_str deserialize_string deserialize_char
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        i128 u128 bytes byte_buf option unit_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::{Pairs, from_pairs};

    #[derive(Debug, PartialEq, Deserialize)]
    struct Span {
        page: u32,
        name: String,
        wide: Option<bool>,
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn pairs_are_read_as_the_type_that_the_consumer_asks_for() {
        let one = pairs(&[("page", "7")]);
        assert_eq!(from_pairs::<u32>(Pairs(&one)).unwrap(), 7);
        assert_eq!(from_pairs::<String>(Pairs(&one)).unwrap(), "7");
        let two = pairs(&[("page", "7"), ("name", "a b")]);
        assert_eq!(from_pairs::<(u8, String)>(Pairs(&two)).unwrap(), (7, "a b".into()));
        let span = Span { page: 7, name: "a b".into(), wide: None };
        assert_eq!(from_pairs::<Span>(Pairs(&two)).unwrap(), span);
        let map = from_pairs::<BTreeMap<String, String>>(Pairs(&two)).unwrap();
        assert_eq!(map["name"], "a b");
        assert!(from_pairs::<u32>(Pairs(&two)).is_err());
        assert!(from_pairs::<Span>(Pairs(&one)).is_err());
        assert!(from_pairs::<u8>(Pairs(&pairs(&[("page", "seven")]))).is_err());
    }
}
