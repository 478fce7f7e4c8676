//! The lines that a program writes, and the answer of a webhook.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema, schema_for};
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::Actions;
use crate::error::Error;
use crate::message::{Event, EventCancel};

/// A line that a program writes. The admin API takes those for a client and for a group.
///
/// ```
/// use waterway::action::{Line, Outcome};
///
/// let line = Line::read(br#"{"id":"e1","actions":[{"send":{"text":"hi"}}]}"#)?;
/// assert!(matches!(line, Line::Event { id, outcome: Outcome::Actions(_) } if &*id == "e1"));
/// let wrong = Line::read(br#"{"id":"e1","actions":[{"send":{"txt":"hi"}}]}"#).unwrap_err();
/// assert_eq!(wrong.id.as_deref(), Some("e1"));
/// # Ok::<(), waterway::action::LineError>(())
/// ```
#[derive(Debug)]
pub enum Line {
    /// The program can take events.
    Ready,
    /// Actions for an event, or its error.
    Event {
        /// The event's `id`.
        id: Arc<str>,
        /// The content of the line.
        outcome: Outcome,
    },
    /// Actions for a client, outside of its events.
    Client {
        /// The client's name.
        client: Arc<str>,
        /// The actions.
        actions: Actions,
    },
    /// Actions for the members of a group.
    Group {
        /// The group's name.
        group: Arc<str>,
        /// The actions.
        actions: Actions,
    },
}

/// A consumer's answer to one event, or a part of it.
#[derive(Debug)]
pub enum Outcome {
    /// The last list of actions: the event ends.
    Actions(Actions),
    /// A list of actions, after which others follow.
    More(Actions),
    /// An error for the client: the event ends.
    Error(Error),
}

/// Why a line or an answer cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineError {
    /// The event that the line is about, if that could be read.
    pub id: Option<Arc<str>>,
    message: String,
}

/// All keys that a line may have.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Written {
    ready: Option<bool>,
    id: Option<Arc<str>>,
    more: Option<bool>,
    actions: Option<Actions>,
    error: Option<WrittenError>,
    client: Option<Arc<str>>,
    group: Option<Arc<str>>,
}

/// An error for the client.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WrittenError {
    /// The code, for programs: letters in lower case, digits and underscores.
    code: String,
    /// The message, for people.
    message: String,
}

impl Line {
    /// Reads a line, with or without its end.
    ///
    /// # Errors
    /// A text that names the place, the value and the way out.
    pub fn read(line: &[u8]) -> Result<Self, LineError> {
        let read = serde_json::from_slice::<Written>(line).map_err(|error| error.to_string());
        read.and_then(Self::of).map_err(|message| LineError { id: id_in(line), message })
    }

    fn of(written: Written) -> Result<Self, String> {
        let Written { ready, id, more, actions, error, client, group } = written;
        match (ready, id, client, group) {
            (Some(true), None, None, None) if actions.is_none() && error.is_none() => {
                Ok(Self::Ready)
            }
            (None, Some(id), None, None) => {
                Ok(Self::Event { id, outcome: Outcome::of(more, actions, error)? })
            }
            (None, None, Some(client), None) if more.is_none() && error.is_none() => {
                Ok(Self::Client { client, actions: actions.ok_or("it has no \"actions\"")? })
            }
            (None, None, None, Some(group)) if more.is_none() && error.is_none() => {
                Ok(Self::Group { group, actions: actions.ok_or("it has no \"actions\"")? })
            }
            _ => Err("a line has one of \"ready\": true, \"id\", \"client\" and \"group\"; \
                      \"more\" and \"error\" go with \"id\""
                .to_owned()),
        }
    }
}

impl Outcome {
    /// Reads the answer of a webhook: the line of a program without its `id`. An answer without
    /// content is an empty list.
    ///
    /// # Errors
    /// A text that names the place, the value and the way out.
    pub fn read(answer: &[u8]) -> Result<Self, LineError> {
        if answer.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        let read = serde_json::from_slice::<Written>(answer).map_err(|error| error.to_string());
        let outcome = read.and_then(|written| match written {
            Written { ready: None, id: None, more: None, client: None, group: None, .. } => {
                Self::of(None, written.actions, written.error)
            }
            _ => Err("an answer has \"actions\" or \"error\", and no other key".to_owned()),
        });
        outcome.map_err(|message| LineError { id: None, message })
    }

    fn of(
        more: Option<bool>,
        actions: Option<Actions>,
        error: Option<WrittenError>,
    ) -> Result<Self, String> {
        match (actions, error, more.unwrap_or(false)) {
            (Some(actions), None, false) => Ok(Self::Actions(actions)),
            (Some(actions), None, true) => Ok(Self::More(actions)),
            (None, Some(error), false) => error.checked().map(Self::Error),
            (None, None, _) => Err("it has neither \"actions\" nor \"error\"".to_owned()),
            (Some(_), Some(_), _) => Err("give \"actions\" or \"error\", and not both".to_owned()),
            (None, Some(_), true) => Err("an error ends its event: leave out \"more\"".to_owned()),
        }
    }
}

impl Default for Outcome {
    fn default() -> Self {
        Self::Actions(Actions::new())
    }
}

impl WrittenError {
    fn checked(self) -> Result<Error, String> {
        let Self { code, message } = self;
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if !(1..=64).contains(&code.len()) || !code.bytes().all(allowed) {
            let shown: String = code.chars().take(80).collect();
            return Err(format!(
                "error.code: {shown:?} is not a code: give 1 to 64 small letters, digits and \
                 underscores"
            ));
        }
        Ok(Error::new(code, message))
    }
}

impl LineError {
    /// An error about a line that cannot be read, such as one that is too long. `line` is at least
    /// its beginning, in which the event's `id` is looked for.
    #[must_use]
    pub fn new(line: &[u8], message: impl Into<String>) -> Self {
        Self { id: id_in(line), message: message.into() }
    }
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for LineError {}

/// The `id` of a line that is wrong elsewhere, or not complete.
fn id_in(line: &[u8]) -> Option<Arc<str>> {
    struct Find<'a>(&'a RefCell<Option<Arc<str>>>);

    impl<'de> DeserializeSeed<'de> for Find<'_> {
        type Value = ();

        fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
            deserializer.deserialize_map(self)
        }
    }

    impl<'de> Visitor<'de> for Find<'_> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
            while let Some(key) = map.next_key::<Cow<'de, str>>()? {
                if key == "id" {
                    *self.0.borrow_mut() = Some(map.next_value()?);
                } else {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            Ok(())
        }
    }

    let found = RefCell::new(None);
    let _ = Find(&found).deserialize(&mut serde_json::Deserializer::from_slice(line));
    found.into_inner()
}

/// The JSON schema of the contract: events, the lines of programs, and the answers of webhooks.
#[must_use]
pub fn schema() -> Schema {
    /// The events and actions of waterway.
    #[derive(JsonSchema)]
    #[schemars(rename = "Contract")]
    #[serde(untagged)]
    #[expect(dead_code, reason = "only its schema is used")]
    enum Contract {
        /// A program reads it, and a webhook gets it.
        Event(Box<Event>),
        /// A program reads it: the event is no longer wanted.
        Cancel(EventCancel),
        /// A program writes it.
        Line(LineForm),
        /// A webhook answers it.
        Answer(AnswerForm),
    }

    let mut schema = schema_for!(Contract);
    WithoutExamples.transform(&mut schema);
    schema
}

/// Removes what stands behind the words of a description: examples in Rust, and how they begin.
struct WithoutExamples;

impl Transform for WithoutExamples {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        if let Some(Value::String(words)) = schema.get_mut("description")
            && let Some(fence) = words.find("\n\n```")
        {
            words.truncate(fence);
            // A sentence that ends with a colon belongs to its example.
            if words.ends_with(':') {
                let end = words.rfind("\n\n").unwrap_or_default();
                words.truncate(end);
            }
        }
    }
}

/// A line that a program writes.
#[derive(JsonSchema)]
#[schemars(rename = "Line")]
#[serde(untagged, deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
enum LineForm {
    /// The program can take events.
    Ready {
        /// It is true.
        ready: bool,
    },
    /// Actions for an event.
    Actions {
        /// The event's `id`.
        id: String,
        /// Whether others will follow; otherwise the event ends.
        #[serde(default)]
        more: bool,
        /// The actions.
        actions: Actions,
    },
    /// An error for the client: the event ends.
    Error {
        /// The event's `id`.
        id: String,
        /// The error.
        error: WrittenError,
    },
    /// Actions for a client, outside of its events.
    Client {
        /// The client's name.
        client: String,
        /// The actions.
        actions: Actions,
    },
    /// Actions for the members of a group.
    Group {
        /// The group's name.
        group: String,
        /// The actions.
        actions: Actions,
    },
}

/// The answer of a webhook. An empty body, as of the status 204, is an empty list of actions.
#[derive(JsonSchema)]
#[schemars(rename = "Answer")]
#[serde(untagged, deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
enum AnswerForm {
    /// Actions for the event.
    Actions {
        /// The actions.
        actions: Actions,
    },
    /// An error for the client.
    Error {
        /// The error.
        error: WrittenError,
    },
}
