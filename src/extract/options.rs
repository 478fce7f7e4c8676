//! A consumer's options, `[consumer.NAME]` in `routing.toml`, typed.

use std::ops::Deref;
use std::sync::Arc;

use super::{FromGiven, FromMessage, Given, RouteCheck, lacks};
use crate::error::Error;
use crate::message::Message;
use crate::setting::ConsumerOptions;

/// The consumer's options. They are read once, when the table is loaded, and mistakes in them are
/// reported then, with their spans.
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

impl<T: ConsumerOptions + Sync> FromGiven for Options<T> {
    fn check(route: &mut RouteCheck<'_>) {
        route.read_options::<T>();
    }

    fn from_given(given: &Given) -> Result<Self, Error> {
        given.get::<Self>().cloned().ok_or_else(|| lacks("options"))
    }
}

impl<T: ConsumerOptions + Sync> FromMessage for Options<T> {
    fn check(route: &mut RouteCheck<'_>) {
        <Self as FromGiven>::check(route);
    }

    fn from_message(_: &Message, given: &Given) -> Result<Self, Error> {
        Self::from_given(given)
    }
}
