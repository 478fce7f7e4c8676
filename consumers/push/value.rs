//! Values in the head of a message: uuids and numbers, as pages write them.

use std::borrow::Cow;

use serde_json::{Number, Value};

/// The text of a uuid, which may be a string or a number.
pub(crate) fn key(uuid: &Value) -> Option<Cow<'_, str>> {
    match uuid {
        Value::String(text) => Some(text.into()),
        Value::Number(number) => Some(number.to_string().into()),
        _ => None,
    }
}

/// Rounds towards zero; a number beyond the range becomes the nearest end of it.
pub(crate) fn pixels(value: &Value) -> Option<i64> {
    // A whole number is not converted to a float, which holds only 53 bits of it.
    let whole = match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    // `as` truncates and saturates, which is the rule.
    #[allow(clippy::cast_possible_truncation)]
    whole.or_else(|| number(value).map(|float| float as i64))
}

/// A number or a numeric string, neither infinite nor NaN.
pub(crate) fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => Number::as_f64(number)?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    number.is_finite().then_some(number)
}
