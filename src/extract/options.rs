//! A consumer's options, `[consumer.NAME]` in `routing.toml`, typed.

use std::any::Any;
use std::ops::Deref;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::{Binding, FromBinding, FromMessage, lacks};
use crate::error::Error;
use crate::message::Message;
use crate::setting::{Mistake, read};

/// The options of the consumer. They are read once, when the table is loaded, and a mistake in
/// them is reported there, with its place.
#[derive(Debug)]
pub struct Options<T>(pub Arc<T>);

impl<T> Clone for Options<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Deref for Options<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned + Any + Send + Sync> FromBinding for Options<T> {
    fn bind(binding: &mut Binding, mistakes: &mut Vec<Mistake>) {
        if let Some(options) = read::<T>(binding.read_options(), mistakes) {
            binding.insert(Self(Arc::new(options)));
        }
    }

    fn from_binding(binding: &Binding) -> Result<Self, Error> {
        binding.get::<Self>().cloned().ok_or_else(|| lacks("options"))
    }
}

impl<T: DeserializeOwned + Any + Send + Sync> FromMessage for Options<T> {
    fn bind(binding: &mut Binding, mistakes: &mut Vec<Mistake>) {
        <Self as FromBinding>::bind(binding, mistakes);
    }

    fn from_message(_: &Message, binding: &Binding) -> Result<Self, Error> {
        Self::from_binding(binding)
    }
}
