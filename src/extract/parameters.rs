//! Arguments taken from the path and the query.

use serde::de::DeserializeOwned;

use super::shape::misfit;
use super::strings::{Pairs, from_pairs};
use super::{FromMessage, Given, RouteCheck};
use crate::error::{Error, code};
use crate::message::Message;

/// The parameters of the route's path template: one value, a tuple of values in the order of the
/// path, or a struct with fields of the same names.
#[derive(Debug, Clone)]
pub struct Path<T>(pub T);

/// The parameters of the query, as a struct or a map.
#[derive(Debug, Clone)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromMessage for Path<T> {
    fn check(route: &mut RouteCheck<'_>) {
        let Some(names) = route.parameters() else { return };
        if names.is_empty() {
            let message = format!("{} takes a part of the path", route.consumer());
            route.report(message, "give the route a path with one, such as path = \"/…/{name}\"");
        } else if let Some((why, help)) = misfit::<T>(names) {
            route.report(format!("{} {why}", route.consumer()), help);
        }
    }

    fn from_message(message: &Message, _: &Given) -> Result<Self, Error> {
        from_pairs(Pairs(&message.params)).map(Self).map_err(|error| unfit("path", &error))
    }
}

impl<T: DeserializeOwned> FromMessage for Query<T> {
    fn from_message(message: &Message, _: &Given) -> Result<Self, Error> {
        let pairs: Vec<(String, String)> =
            form_urlencoded::parse(message.query().as_bytes()).into_owned().collect();
        from_pairs(Pairs(&pairs)).map(Self).map_err(|error| unfit("query", &error))
    }
}

fn unfit(part: &str, error: &serde::de::value::Error) -> Error {
    Error::new(code::BAD_MESSAGE, format!("the {part} is not what the consumer expects: {error}"))
}
