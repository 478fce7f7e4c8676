//! serde's `Deserializer` for a spanned value; every error carries the span that it is about.

use serde::Deserializer;
use serde::de::value::SeqDeserializer;
use serde::de::{
    DeserializeSeed, EnumAccess, Error, IntoDeserializer, MapAccess, SeqAccess, Unexpected,
    VariantAccess, Visitor,
};

use super::error::ReadError;
use super::span::{AT, Span};
use super::spanned_value::{Entry, SpannedValue, Value};

/// A value that was substituted from the environment is parsed as `T` if its reader wants a `T`;
/// any other value is read as its own type.
macro_rules! from_environment {
    ($($method:ident: $type:ty => $visit:ident,)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
            if let Value::Substituted(text) = &self.value
                && let Ok(value) = text.trim().parse::<$type>()
            {
                return visitor.$visit(value).map_err(|error| self.tell(error));
            }
            self.deserialize_any(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for &'de SpannedValue {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let read = match &self.value {
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Integer(number) => visitor.visit_i64(*number),
            Value::Float(number) => visitor.visit_f64(*number),
            Value::Text(text) | Value::Substituted(text) => visitor.visit_borrowed_str(text),
            Value::List(elements) => visit_list(elements, visitor),
            Value::Table(table) => visitor.visit_map(Entries::new(&table.entries)),
            Value::Lost => Err(ReadError::lost()),
        };
        read.map_err(|error| self.tell(error))
    }

    from_environment! {
        deserialize_bool: bool => visit_bool,
        deserialize_i8: i64 => visit_i64,
        deserialize_i16: i64 => visit_i64,
        deserialize_i32: i64 => visit_i64,
        deserialize_i64: i64 => visit_i64,
        deserialize_u8: i64 => visit_i64,
        deserialize_u16: i64 => visit_i64,
        deserialize_u32: i64 => visit_i64,
        deserialize_u64: i64 => visit_i64,
        deserialize_f32: f64 => visit_f64,
        deserialize_f64: f64 => visit_f64,
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        if name == AT {
            visitor.visit_seq(Placed::new(self.span, self))
        } else {
            visitor.visit_newtype_struct(self)
        }
    }

    /// Reads a table by its keys alone: serde would also accept a list of the fields in order.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        match &self.value {
            Value::List(_) => Err(self.tell(ReadError::invalid_type(Unexpected::Seq, &"a table"))),
            _ => self.deserialize_any(visitor),
        }
    }

    /// A list of fixed length is valid or invalid as a whole: one wrong element makes all of it
    /// wrong.
    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.deserialize_any(visitor).map_err(|error| {
            error.taking_whole(self.span, |part| {
                self.as_list().is_some_and(|elements| elements.iter().any(|e| e.span == part))
            })
        })
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.deserialize_tuple(length, visitor)
    }

    /// A choice: its name as text, or a table whose one key is its name.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let choice = match &self.value {
            Value::Text(name) | Value::Substituted(name) => {
                Choice { name, span: self.span, content: None }
            }
            Value::Table(table) if table.entries.len() == 1 => {
                let Entry { key, value } = &table.entries[0];
                Choice { name: &key.value, span: key.span, content: Some(value) }
            }
            Value::Lost => return Err(ReadError::lost().at_value(self.span)),
            _ => {
                return Err(self.tell(ReadError::invalid_type(unexpected(&self.value), &"enum ")));
            }
        };
        let (name, content) = (choice.span, choice.content.map(|content| content.span));
        visitor.visit_enum(choice).map_err(|error| {
            self.tell(error).taking_whole(self.span, |part| part == name || Some(part) == content)
        })
    }

    serde::forward_to_deserialize_any! {
        i128 u128 char str string bytes byte_buf unit unit_struct seq map identifier
        ignored_any
    }
}

fn unexpected(value: &Value) -> Unexpected<'_> {
    match value {
        Value::Bool(value) => Unexpected::Bool(*value),
        Value::Integer(number) => Unexpected::Signed(*number),
        Value::Float(number) => Unexpected::Float(*number),
        Value::Text(text) | Value::Substituted(text) => Unexpected::Str(text),
        Value::List(_) => Unexpected::Seq,
        Value::Table(_) => Unexpected::Other("a table with more or less than one key"),
        Value::Lost => Unexpected::Unit,
    }
}

fn visit_list<'de, V: Visitor<'de>>(
    elements: &'de [SpannedValue],
    visitor: V,
) -> Result<V::Value, ReadError> {
    let mut access = Elements(elements.iter());
    let value = visitor.visit_seq(&mut access)?;
    match access.0.filter(|element| !element.is_lost()).count() {
        0 => Ok(value),
        over => {
            let most = format!("a list of {}", elements.len() - over);
            Err(ReadError::invalid_length(elements.len(), &most.as_str()))
        }
    }
}

struct Elements<'de>(std::slice::Iter<'de, SpannedValue>);

impl<'de> SeqAccess<'de> for &mut Elements<'de> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ReadError> {
        let Some(element) = self.0.find(|element| !element.is_lost()) else { return Ok(None) };
        seed.deserialize(element).map(Some).map_err(|error| error.at_value(element.span))
    }
}

struct Entries<'de> {
    rest: std::slice::Iter<'de, Entry>,
    value: Option<&'de SpannedValue>,
}

impl<'de> Entries<'de> {
    fn new(entries: &'de [Entry]) -> Self {
        Self { rest: entries.iter(), value: None }
    }
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ReadError> {
        let Some(entry) = self.rest.find(|entry| !entry.value.is_lost()) else { return Ok(None) };
        self.value = Some(&entry.value);
        let key = Key { name: &entry.key.value, span: entry.key.span };
        seed.deserialize(key).map(Some).map_err(|error| error.at_key(entry.key.span))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, ReadError> {
        let value = self.value.take().ok_or_else(|| ReadError::custom("a value without a key"))?;
        seed.deserialize(value).map_err(|error| error.at_value(value.span))
    }
}

/// A key of a table, or the name of a choice.
#[derive(Clone, Copy)]
struct Key<'de> {
    name: &'de str,
    span: Span,
}

impl<'de> Deserializer<'de> for Key<'de> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_borrowed_str(self.name)
    }

    /// A key may be one of several names.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        visitor.visit_enum(self.name.into_deserializer())
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        if name == AT {
            visitor.visit_seq(Placed::new(self.span, self))
        } else {
            visitor.visit_newtype_struct(self)
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// The two parts of a `Spanned`: its span and its value.
struct Placed<D> {
    span: Option<Span>,
    value: Option<D>,
}

impl<D> Placed<D> {
    fn new(span: Span, value: D) -> Self {
        Self { span: Some(span), value: Some(value) }
    }
}

impl<'de, D: Deserializer<'de, Error = ReadError>> SeqAccess<'de> for Placed<D> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ReadError> {
        if let Some(Span { file, start, end }) = self.span.take() {
            let numbers = SeqDeserializer::new([file, start, end].into_iter());
            return seed.deserialize(numbers).map(Some);
        }
        self.value.take().map(|value| seed.deserialize(value)).transpose()
    }
}

struct Choice<'de> {
    name: &'de str,
    span: Span,
    content: Option<&'de SpannedValue>,
}

impl<'de> EnumAccess<'de> for Choice<'de> {
    type Error = ReadError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), ReadError> {
        let key = Key { name: self.name, span: self.span };
        let variant = seed.deserialize(key).map_err(|error| error.at_value(self.span))?;
        Ok((variant, self))
    }
}

impl<'de> Choice<'de> {
    fn content(&self) -> Result<&'de SpannedValue, ReadError> {
        let name = self.name;
        self.content.ok_or_else(|| {
            ReadError::custom(format_args!("\"{name}\" takes a value"))
                .with_help(format!("write {{ {name} = … }}"))
                .at_value(self.span)
        })
    }
}

impl<'de> VariantAccess<'de> for Choice<'de> {
    type Error = ReadError;

    fn unit_variant(self) -> Result<(), ReadError> {
        match self.content {
            None => Ok(()),
            Some(content) => {
                Err(ReadError::custom(format_args!("\"{}\" takes no value", self.name))
                    .with_help(format!("write \"{}\"", self.name))
                    .at_value(content.span))
            }
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, ReadError> {
        let content = self.content()?;
        seed.deserialize(content).map_err(|error| error.at_value(content.span))
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.content()?.deserialize_tuple(length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.content()?.deserialize_struct("", fields, visitor)
    }
}
