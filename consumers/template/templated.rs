//! A consumer's options with templates, checked against each of its routes.

use waterway::extract::{Given, RouteCheck};
use waterway::setting::ConsumerOptions;
use waterway::{Error, FromMessage, Message, Options};

/// Options with templates, which a route must be able to fill.
pub(crate) trait Templates: ConsumerOptions + Sync {
    /// Reports values that the route cannot give, and options that exclude each other.
    fn check(&self, route: &mut RouteCheck<'_>);
}

/// The options of a consumer, whose templates have been checked against its routes.
#[derive(Debug, Clone)]
pub struct Templated<O>(pub(crate) Options<O>);

impl<O: Templates> FromMessage for Templated<O> {
    fn check(route: &mut RouteCheck<'_>) {
        if let Some(options) = route.read_options::<O>() {
            Templates::check(&*options, route);
        }
    }

    fn from_message(message: &Message, given: &Given) -> Result<Self, Error> {
        Options::from_message(message, given).map(Self)
    }
}
