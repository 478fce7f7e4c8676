//! Substitutes environment variables in values: `${NAME}`, `${NAME:-default}`, and `$${` for the
//! characters `${`.

use crate::setting::{Diagnostic, Span, Spanned, SpannedValue, Value};

/// Looks up a variable of the environment.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The value of an unset variable when unset variables are allowed. It is valid as a secret, a
/// name, a host and a part of a path. Mistakes that it causes elsewhere are dropped.
const STAND_IN: &str = "unset-unset-unset-unset-unset-unset-unset";

/// Whether a text is exactly the stand-in.
pub(crate) fn is_stand_in(text: &str) -> bool {
    text == STAND_IN
}

/// Whether a diagnostic is about a value that contains the stand-in.
pub(super) fn quotes_stand_in(diagnostic: &Diagnostic) -> bool {
    let help = diagnostic.help.as_deref().unwrap_or_default();
    [diagnostic.message.as_str(), help].iter().any(|text| text.to_lowercase().contains(STAND_IN))
}

/// Substitutes variables in every text of a tree. This happens after parsing, so that columns stay
/// correct and no value from the environment is parsed as TOML.
pub(super) fn substitute(
    written: &mut SpannedValue,
    text: &str,
    environment: Environment<'_>,
    missing: &mut Missing,
    diagnostics: &mut Vec<Diagnostic>,
) {
    match &mut written.value {
        Value::Text(value) if value.contains("${") => {
            let look_up = |reference: &str| match look_up(reference, environment) {
                Err(Wrong { missing: Some(name), .. }) if missing.allowed => {
                    missing.names.push(Spanned::new(name, written.span));
                    // Mistakes that quote the stand-in are dropped later; hiding it would prevent
                    // that.
                    written.secret = false;
                    Ok(STAND_IN.to_owned())
                }
                other => other,
            };
            match fill(value, look_up) {
                Ok(value) => written.value = value,
                Err(wrong) => {
                    diagnostics.push(wrong.to_mistake(written, text));
                    written.value = Value::Lost;
                }
            }
        }
        Value::List(elements) => {
            for element in elements {
                substitute(element, text, environment, missing, diagnostics);
            }
        }
        Value::Table(table) => {
            for entry in &mut table.entries {
                substitute(&mut entry.value, text, environment, missing, diagnostics);
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
    /// The names of the unset variables, if stand-ins are allowed.
    pub(super) names: Vec<Spanned<String>>,
}

struct Wrong {
    /// The reference as written, up to the fault.
    reference: String,
    /// The variable's name, if the only fault is that it is not set.
    missing: Option<String>,
    message: String,
    help: String,
}

impl Wrong {
    /// Its span is the reference itself if the file's text contains it literally, else the whole
    /// value.
    fn to_mistake(&self, written: &SpannedValue, text: &str) -> Diagnostic {
        let span = written.span;
        // Every other message quotes a part of the text.
        if self.missing.is_none() && written.secret {
            let message = "\"${\" without the name of a variable and \"}\" after it";
            return Diagnostic::new(span, message).help(self.help.clone());
        }
        let inside = text
            .get(span.start..span.end)
            .and_then(|value| value.find(&self.reference))
            .map(|offset| Span {
                start: span.start + offset,
                end: span.start + offset + self.reference.len(),
                ..span
            });
        Diagnostic::new(inside.unwrap_or(span), self.message.clone()).help(self.help.clone())
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
    // As in the shell, the default also replaces an empty variable.
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
