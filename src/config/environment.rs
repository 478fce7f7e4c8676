//! The environment in values: `${NAME}`, `${NAME:-default}`, and `$${` for the characters `${`.

use crate::setting::{At, Mistake, Place, Value, Written};

/// Looks up a variable of the environment.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The value of an unset variable, where unset variables are allowed. It is a valid secret, name,
/// host and part of a path. Mistakes that it causes elsewhere are dropped.
const STAND_IN: &str = "unset-unset-unset-unset-unset-unset-unset";

/// Whether a text is exactly the stand-in.
pub(crate) fn is_stand_in(text: &str) -> bool {
    text == STAND_IN
}

/// Whether a mistake is about a value with a stand-in in it.
pub(super) fn quotes_stand_in(mistake: &Mistake) -> bool {
    let help = mistake.help.as_deref().unwrap_or_default();
    [mistake.message.as_str(), help].iter().any(|text| text.to_lowercase().contains(STAND_IN))
}

/// Puts the environment into every text of a tree. This comes after parsing, so that columns
/// stay true and nothing in the environment can be taken for syntax.
pub(super) fn substitute(
    written: &mut Written,
    text: &str,
    environment: Environment<'_>,
    missing: &mut Missing,
    mistakes: &mut Vec<Mistake>,
) {
    match &mut written.value {
        Value::Text(value) if value.contains("${") => {
            let look_up = |reference: &str| match look_up(reference, environment) {
                Err(Wrong { missing: Some(name), .. }) if missing.allowed => {
                    missing.names.push(At::new(name, written.place));
                    // The stand-in also marks the mistakes that quote it.
                    written.secret = false;
                    Ok(STAND_IN.to_owned())
                }
                other => other,
            };
            match fill(value, look_up) {
                Ok(value) => written.value = value,
                Err(wrong) => {
                    mistakes.push(wrong.to_mistake(written, text));
                    written.value = Value::Lost;
                }
            }
        }
        Value::List(elements) => {
            for element in elements {
                substitute(element, text, environment, missing, mistakes);
            }
        }
        Value::Table(table) => {
            for entry in &mut table.entries {
                substitute(&mut entry.value, text, environment, missing, mistakes);
            }
        }
        _ => {}
    }
}

/// Variables that are not set.
#[derive(Debug, Default)]
pub(super) struct Missing {
    /// Whether a stand-in takes the place of their values.
    pub(super) allowed: bool,
    /// Their names, if that is so.
    pub(super) names: Vec<At<String>>,
}

struct Wrong {
    /// The reference as it is written, as far as it goes.
    reference: String,
    /// The variable, if the only fault is that it is not set.
    missing: Option<String>,
    message: String,
    help: String,
}

impl Wrong {
    /// At the reference itself, where the text shows it as it is.
    fn to_mistake(&self, written: &Written, text: &str) -> Mistake {
        let place = written.place;
        // Any other message shows a part of the text.
        if self.missing.is_none() && written.secret {
            let message = "\"${\" without the name of a variable and \"}\" behind it";
            return Mistake::new(place, message).help(self.help.clone());
        }
        let inside = text
            .get(place.start..place.end)
            .and_then(|value| value.find(&self.reference))
            .map(|offset| Place {
                start: place.start + offset,
                end: place.start + offset + self.reference.len(),
                ..place
            });
        Mistake::new(inside.unwrap_or(place), self.message.clone()).help(self.help.clone())
    }
}

const FORM: &str = "write ${NAME} or ${NAME:-default}, or $${ for the characters themselves";

fn fill(
    value: &str,
    mut look_up: impl FnMut(&str) -> Result<String, Wrong>,
) -> Result<Value, Wrong> {
    let mut filled = String::with_capacity(value.len());
    let mut rest = value;
    let mut whole = false;
    while let Some(at) = rest.find("${") {
        if let Some(before) = rest[..at].strip_suffix('$') {
            filled.push_str(before);
            filled.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        filled.push_str(&rest[..at]);
        let (reference, after) = match rest[at..].find('}') {
            Some(end) => rest[at..].split_at(end + 1),
            None => return Err(unclosed(&rest[at..])),
        };
        whole = reference.len() == value.len();
        filled.push_str(&look_up(reference)?);
        rest = after;
    }
    filled.push_str(rest);
    Ok(if whole { Value::Substituted(filled) } else { Value::Text(filled) })
}

fn look_up(reference: &str, environment: Environment<'_>) -> Result<String, Wrong> {
    let inner = reference.trim_start_matches("${").trim_end_matches('}');
    let (name, default) = match inner.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inner, None),
    };
    let starts = |c: char| c.is_ascii_alphabetic() || c == '_';
    if !name.starts_with(starts) || !name.chars().all(|c| starts(c) || c.is_ascii_digit()) {
        return Err(Wrong {
            reference: reference.to_owned(),
            missing: None,
            message: format!("{name:?} is not the name of a variable"),
            help: FORM.into(),
        });
    }
    // As in the shell, a default stands for an empty variable too.
    let found = environment(name).filter(|found| default.is_none() || !found.is_empty());
    found.or_else(|| default.map(str::to_owned)).ok_or_else(|| Wrong {
        reference: reference.to_owned(),
        missing: Some(name.to_owned()),
        message: format!("{name} is not set in the environment"),
        help: format!("set it, or write ${{{name}:-default}}"),
    })
}

fn unclosed(reference: &str) -> Wrong {
    Wrong {
        reference: "${".into(),
        missing: None,
        message: format!("{reference:?} is not closed"),
        help: FORM.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, filled: Result<Value, &str>) {
        let environment = |name: &str| match name {
            "NAME" => Some("value".to_owned()),
            "EMPTY" => Some(String::new()),
            "NESTED" => Some("${NAME}".to_owned()),
            _ => None,
        };
        let found = fill(value, |reference| look_up(reference, &environment))
            .map_err(|wrong| wrong.message);
        assert_eq!(found, filled.map_err(str::to_owned), "{value}");
    }

    #[test]
    fn references_are_replaced_once() {
        let text = |text: &str| Ok(Value::Text(text.to_owned()));
        let whole = |text: &str| Ok(Value::Substituted(text.to_owned()));
        check("${NAME}", whole("value"));
        check("${NOT_SET:-4}", whole("4"));
        check("${EMPTY:-4}", whole("4"));
        check("${EMPTY}", whole(""));
        check("${NAME:-4}", whole("value"));
        check("${NOT_SET:-}", whole(""));
        check("a ${NAME} b ${NAME}", text("a value b value"));
        check("${NAME}${NAME}", text("valuevalue"));
        check("${NESTED}", whole("${NAME}"));
        check("$${NAME}", text("${NAME}"));
        check("$$${NAME}", text("$${NAME}"));
        check("cost: $5 {x}", text("cost: $5 {x}"));
        check("${NOT_SET}", Err("NOT_SET is not set in the environment"));
        check("${NAME", Err("\"${NAME\" is not closed"));
        check("${}", Err("\"\" is not the name of a variable"));
        check("${1A}", Err("\"1A\" is not the name of a variable"));
    }
}
