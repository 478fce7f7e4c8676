//! The program and its arguments: the key `exec`.

use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

/// Reads the program and its arguments.
pub(super) fn command<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let exec = deserializer.deserialize_any(CommandVisitor)?;
    if exec.first().is_none_or(String::is_empty) {
        let message = "exec names no program\nwrite exec = [\"python3\", \"-u\", \"ocr.py\"]";
        return Err(D::Error::custom(message));
    }
    Ok(exec)
}

/// A command line as a list of its parts.
pub(super) fn apart(command: &str) -> String {
    let parts: Vec<_> = command.split_whitespace().map(|part| format!("{part:?}")).collect();
    format!("exec = [{}]", parts.join(", "))
}

/// The program and its arguments, as a list.
struct CommandVisitor;

impl<'de> Visitor<'de> for CommandVisitor {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of the program and its arguments")
    }

    fn visit_str<E: Error>(self, command: &str) -> Result<Vec<String>, E> {
        let help = apart(command);
        Err(E::custom(format!("exec is a list of the program and its arguments\nwrite {help}")))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Vec<String>, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list))
    }
}
