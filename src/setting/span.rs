//! A span of a file, and a value that remembers its span.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use serde::de::{Deserialize, Deserializer, Error, IntoDeserializer, SeqAccess, Visitor};

/// A range of bytes in one of the files that were read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The index of the file in [`Sources`](super::Sources).
    pub file: usize,
    /// The index of the first byte.
    pub start: usize,
    /// The index after the last byte.
    pub end: usize,
}

/// A value and its span.
///
/// It can replace a `T` in any structure that serde reads. From a format without spans, it is read
/// with `Span::default()`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it is written.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// A value with its span.
    pub const fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

impl<T> Deref for Spanned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: fmt::Display> fmt::Display for Spanned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

/// The name by which a deserializer that knows spans recognises [`Spanned`].
///
/// Such a deserializer gives a sequence of two: the span's three numbers and the value. Any other
/// deserializer sees a newtype and gives the value alone.
pub(super) const AT: &str = "$waterway::At";

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Spanned<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(AT, AtVisitor(PhantomData))
    }
}

struct AtVisitor<T>(PhantomData<T>);

/// A deserializer of one plain value gives the value itself, without a span.
macro_rules! visit_plain {
    ($($method:ident: $type:ty,)*) => {$(
        fn $method<E: Error>(self, value: $type) -> Result<Spanned<T>, E> {
            let value = T::deserialize(value.into_deserializer())?;
            Ok(Spanned::new(value, Span::default()))
        }
    )*};
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for AtVisitor<T> {
    type Value = Spanned<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    visit_plain! {
        visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str,
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Spanned<T>, D::Error> {
        Ok(Spanned::new(T::deserialize(inner)?, Span::default()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Spanned<T>, A::Error> {
        let [file, start, end] =
            parts.next_element()?.ok_or_else(|| A::Error::invalid_length(0, &self))?;
        let value = parts.next_element()?.ok_or_else(|| A::Error::invalid_length(1, &self))?;
        Ok(Spanned::new(value, Span { file, start, end }))
    }
}
