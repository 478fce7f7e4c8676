//! Parts that the sections share: values parsed from text, one value or a list of them, and bounds.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::setting::{Size, Time};

/// Reads types that have `FromStr` from text; their errors may have two lines, message and help. The
/// pattern is for editors, and accepts at least the texts that the type accepts.
macro_rules! text_types {
    ($($type:ty: $expecting:literal, $pattern:literal;)*) => {$(
        $crate::setting::text_schemas! {
            $type: { "type": "string", "pattern": $pattern };
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str($crate::config::text::TextVisitor::new($expecting))
            }
        }
    )*};
}
pub(super) use text_types;

pub(super) struct TextVisitor<T> {
    expecting: &'static str,
    is: PhantomData<T>,
}

impl<T> TextVisitor<T> {
    pub(super) const fn new(expecting: &'static str) -> Self {
        Self { expecting, is: PhantomData }
    }
}

impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expecting)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

/// One value, or a list of at least one.
pub(super) fn one_or_more<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let values = any_number(deserializer)?;
    if values.is_empty() {
        return Err(D::Error::invalid_length(0, &"a list of at least one"));
    }
    Ok(values)
}

/// The same for an optional key.
pub(super) fn some_or_more<'de, D, T>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    one_or_more(deserializer).map(Some)
}

/// One value, or a list, which may be empty.
pub(super) fn any_number<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    deserializer.deserialize_any(OneOrList(PhantomData))
}

struct OneOrList<T>(PhantomData<T>);

macro_rules! visit_one {
    ($($method:ident: $type:ty,)*) => {$(
        fn $method<E: Error>(self, value: $type) -> Result<Vec<T>, E> {
            T::deserialize(serde::de::IntoDeserializer::into_deserializer(value))
                .map(|value| vec![value])
        }
    )*};
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrList<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or a list of them")
    }

    visit_one! { visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str, }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Vec<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|value| vec![value])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Vec<T>, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list))
    }
}

/// A type whose default is zero.
pub(super) trait Amount: Default + PartialEq {}
impl Amount for Time {}
impl Amount for Size {}
impl Amount for usize {}

/// A number, a time or a size that is not zero.
pub(super) fn above_zero<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Amount,
{
    let amount = T::deserialize(deserializer)?;
    if amount == T::default() {
        return Err(D::Error::custom("a bound of zero lets nothing through"));
    }
    Ok(amount)
}

/// The same for an optional key.
pub(super) fn some_above_zero<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Amount,
{
    above_zero(deserializer).map(Some)
}
