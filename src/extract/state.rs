//! The state of a consumer as an argument.

use super::{FromGiven, FromMessage, Given, RouteCheck, lacks};
use crate::error::Error;
use crate::message::Message;
use crate::state::{State, Stateful};

impl<S: Stateful> FromGiven for State<S> {
    fn check(route: &mut RouteCheck<'_>) {
        route.need_state::<S>();
    }

    fn from_given(given: &Given) -> Result<Self, Error> {
        given.get::<Self>().cloned().ok_or_else(|| lacks("state of this type"))
    }
}

impl<S: Stateful> FromMessage for State<S> {
    fn check(route: &mut RouteCheck<'_>) {
        <Self as FromGiven>::check(route);
    }

    fn from_message(_: &Message, given: &Given) -> Result<Self, Error> {
        Self::from_given(given)
    }
}
