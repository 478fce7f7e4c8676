//! Finds out which parameters a type reads from a path, by letting it read a path without values.

use std::fmt;

use serde::de::value::Error as ReadError;
use serde::de::{self, DeserializeOwned, Deserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::strings::{Pairs, from_pairs};
use crate::setting::nearest;

/// Why a type cannot be read from any path with these parameters, and help.
pub(super) fn misfit<T: DeserializeOwned>(names: &[String]) -> Option<(String, String)> {
    let count = |count: usize| match count {
        1 => "one part".to_owned(),
        count => format!("{count} parts"),
    };
    let asked = T::deserialize(Probe).err()?;
    match asked {
        Asked::List(wanted) if wanted != names.len() => {
            let (wanted, found) = (count(wanted), names.len());
            let message = format!("takes {wanted} of the path, and this path has {found}");
            let help =
                format!("name {wanted}: write {{name}} for one, {{*rest}} at the end for the rest");
            Some((message, help))
        }
        Asked::Fields(fields) => {
            let stranger = |name: &&String| !fields.contains(&name.as_str());
            if let Some(name) = names.iter().find(stranger) {
                let help = nearest(name, "parts that it takes", fields.iter().copied());
                let message = format!("takes no part of the path called {name:?}");
                return Some((message, help.unwrap_or_default()));
            }
            let missing = missing::<T>(names)?;
            let message = format!("takes the part {missing} of the path");
            Some((message, "add it to the path".into()))
        }
        Asked::List(_) | Asked::Other => None,
    }
}

/// The field that the type needs and the path lacks, as serde names it.
fn missing<T: DeserializeOwned>(names: &[String]) -> Option<String> {
    // "0" can be read as a text and as a number. If a field accepts neither, a missing parameter is
    // merely not found.
    let pairs: Vec<_> = names.iter().map(|name| (name.clone(), "0".to_owned())).collect();
    let error: ReadError = from_pairs::<T>(Pairs(&pairs)).err()?;
    error.to_string().strip_prefix("missing field ").map(str::to_owned)
}

/// The kind of value that the type asks for. It ends the reading as an error.
#[derive(Debug)]
enum Asked {
    /// This many values, in order.
    List(usize),
    /// Values with these names.
    Fields(&'static [&'static str]),
    /// Anything else; any path may satisfy it.
    Other,
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl std::error::Error for Asked {}

impl de::Error for Asked {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::Other
    }
}

/// A path without values.
struct Probe;

macro_rules! one {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Asked> {
            Err(Asked::List(1))
        }
    )*};
}

impl<'de> Deserializer<'de> for Probe {
    type Error = Asked;

    one! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_f32
        deserialize_f64 deserialize_char deserialize_str deserialize_string
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Asked> {
        Err(Asked::Other)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Asked> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, _: V) -> Result<V::Value, Asked> {
        Err(Asked::List(length))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        _: V,
    ) -> Result<V::Value, Asked> {
        Err(Asked::List(length))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Asked> {
        Err(Asked::Fields(fields))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Asked> {
        Err(Asked::List(1))
    }

    forward_to_deserialize_any! {
        i128 u128 bytes byte_buf option unit unit_struct seq map identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::misfit;

    #[derive(Deserialize)]
    #[allow(dead_code, reason = "only its shape is looked at")]
    struct Span {
        page: u32,
        name: String,
        wide: Option<bool>,
    }

    #[derive(Deserialize)]
    #[allow(dead_code, reason = "only its shape is looked at")]
    struct Page(u32);

    fn check<T: serde::de::DeserializeOwned>(names: &[&str], why: Option<&str>) {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let found = misfit::<T>(&names).map(|(message, _)| message);
        assert_eq!(found.as_deref(), why, "{names:?} as {}", std::any::type_name::<T>());
    }

    #[test]
    fn a_path_fits_a_type_or_the_reason_is_given() {
        let one = Some("takes one part of the path, and this path has 2");
        check::<String>(&["a"], None);
        check::<u8>(&["a"], None);
        check::<Page>(&["a"], None);
        check::<String>(&["a", "b"], one);
        check::<u8>(&["a", "b"], one);
        check::<Page>(&["a", "b"], one);
        check::<(u8, String)>(&["a", "b"], None);
        check::<(u8, String)>(&["a"], Some("takes 2 parts of the path, and this path has 1"));
        check::<BTreeMap<String, String>>(&["a", "b", "c"], None);
        check::<Vec<String>>(&["a", "b", "c"], None);
        check::<Span>(&["name", "page"], None);
        check::<Span>(&["page", "name", "wide"], None);
        check::<Span>(&["page", "nam"], Some("takes no part of the path called \"nam\""));
        check::<Span>(&["page"], Some("takes the part `name` of the path"));
    }
}
