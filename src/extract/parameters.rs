//! Arguments taken from the path and the query.

use serde::de::DeserializeOwned;

use super::shape::misfit;
use super::strings::{Pairs, from_pairs};
use super::{Binding, FromMessage};
use crate::error::{Error, code};
use crate::message::Message;
use crate::setting::Mistake;

/// The parts of the path that the route's template names: one value, a tuple of them in the
/// path's order, or a struct with fields of their names.
#[derive(Debug, Clone)]
pub struct Path<T>(pub T);

/// The parameters of the query, as a struct or a map.
#[derive(Debug, Clone)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromMessage for Path<T> {
    fn bind(binding: &mut Binding, mistakes: &mut Vec<Mistake>) {
        let Some(names) = binding.parameters() else { return };
        if names.is_empty() {
            let message = format!("{} takes a part of the path", binding.consumer());
            let help = "give the route a path with one, such as path = \"/…/{name}\"";
            mistakes.push(binding.mistake(message, help));
        } else if let Some((why, help)) = misfit::<T>(names) {
            mistakes.push(binding.mistake(format!("{} {why}", binding.consumer()), help));
        }
    }

    fn from_message(message: &Message, _: &Binding) -> Result<Self, Error> {
        from_pairs(Pairs(&message.params)).map(Self).map_err(|error| unfit("path", &error))
    }
}

impl<T: DeserializeOwned> FromMessage for Query<T> {
    fn from_message(message: &Message, _: &Binding) -> Result<Self, Error> {
        let pairs: Vec<(String, String)> =
            form_urlencoded::parse(message.scope.query.as_bytes()).into_owned().collect();
        from_pairs(Pairs(&pairs)).map(Self).map_err(|error| unfit("query", &error))
    }
}

fn unfit(part: &str, error: &serde::de::value::Error) -> Error {
    Error::new(code::BAD_MESSAGE, format!("not the {part} that this takes: {error}"))
}
