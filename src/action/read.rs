//! Reads actions strictly: an unknown action or key is an error that names the place, the value and
//! the way out.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::body::Body;
use super::kinds::{Action, Answer, Channels1, NAMES};
use super::{Actions, base64};
use crate::reply::close;
use crate::setting::nearest;

impl<'de> Deserialize<'de> for Actions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;

        impl<'de> Visitor<'de> for List {
            type Value = Actions;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of actions")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Actions, A::Error> {
                let mut actions = Vec::new();
                loop {
                    match list.next_element() {
                        Ok(Some(action)) => actions.push(action),
                        Ok(None) => return Ok(Actions(actions)),
                        Err(error) => {
                            let at = actions.len();
                            return Err(A::Error::custom(format!("actions[{at}]: {error}")));
                        }
                    }
                }
            }
        }

        deserializer.deserialize_seq(List)
    }
}

impl<'de> Deserialize<'de> for Action {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Object)
    }
}

struct Object;

impl<'de> Visitor<'de> for Object {
    type Value = Action;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an action, such as {\"send\": {\"text\": \"hi\"}}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Action, A::Error> {
        let mut named = None;
        let mut channels: Option<Channels1> = None;
        while let Some(Key(key)) = map.next_key()? {
            let read = read(&key, &mut map)
                .map_err(|error| A::Error::custom(format!("{key}: {error}")))?;
            match read {
                Read::Action(action) if named.is_none() && channels.is_none() => {
                    named = Some(action);
                }
                Read::Channels(change) if named.is_none() => {
                    change.apply(channels.get_or_insert_default());
                }
                _ => {
                    let message = format!(
                        "an action is an object of one key, and this one also has {key:?}: write \
                         several actions"
                    );
                    return Err(A::Error::custom(message));
                }
            }
        }
        match (named, channels) {
            (Some(action), _) => Ok(action),
            (None, Some(channels)) => Ok(Action::Channels1(channels)),
            (None, None) => Err(A::Error::custom(format!(
                "an empty object is not an action: the actions are {}",
                NAMES.join(", ")
            ))),
        }
    }
}

/// A key, borrowed from the JSON unless it contains escapes there.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

enum Read {
    Action(Action),
    Channels(Change),
}

/// A field of a reply message of Channels 1.
enum Change {
    Accept(bool),
    Text(Option<String>),
    Bytes(Option<bytes::Bytes>),
    Close(Option<u16>),
}

impl Change {
    fn apply(self, channels: &mut Channels1) {
        match self {
            Self::Accept(accept) => channels.accept = accept,
            Self::Text(text) => channels.text = text,
            Self::Bytes(bytes) => channels.bytes = bytes,
            Self::Close(code) => channels.close = code,
        }
    }
}

fn read<'de, A: MapAccess<'de>>(key: &str, map: &mut A) -> Result<Read, A::Error> {
    #[derive(Deserialize)]
    struct Encoded(#[serde(with = "base64::optional")] Option<bytes::Bytes>);

    Ok(Read::Action(match key {
        "accept" => match map.next_value()? {
            Plain::Flag(accept) => return Ok(Read::Channels(Change::Accept(accept))),
            Plain::Code(_) => return Err(A::Error::custom("it takes an object, or true")),
            Plain::Object(accept) => Action::Accept(accept),
        },
        "close" => match map.next_value()? {
            Plain::Flag(is_closed) => {
                return Ok(Read::Channels(Change::Close(is_closed.then_some(close::DONE))));
            }
            Plain::Code(code) => return Ok(Read::Channels(Change::Close(Some(code)))),
            Plain::Object(close) => Action::Close(close),
        },
        "text" => return Ok(Read::Channels(Change::Text(map.next_value()?))),
        "bytes" => {
            let Encoded(bytes) = map.next_value()?;
            return Ok(Read::Channels(Change::Bytes(bytes)));
        }
        "deny" => Action::Deny(map.next_value()?),
        "send" => Action::Send(map.next_value()?),
        "respond" => Action::Respond(map.next_value()?),
        "group_add" => Action::GroupAdd(map.next_value()?),
        "group_discard" => Action::GroupDiscard(map.next_value()?),
        "group_send" => Action::GroupSend(map.next_value()?),
        "push" => Action::Push(map.next_value()?),
        "cancel" => Action::Cancel(map.next_value()?),
        "progress" => Action::Progress(map.next_value()?),
        "answer" => Action::Answer(map.next_value()?),
        "state" => Action::State(map.next_value()?),
        "log" => Action::Log(map.next_value()?),
        _ => return Err(unknown(key)),
    }))
}

fn unknown<E: Error>(name: &str) -> E {
    // A program may write a key of any length.
    let shown: String = name.chars().take(40).collect();
    let way_out = nearest(&shown, "actions", NAMES).unwrap_or_default();
    E::custom(format!("there is no action {shown:?}: {way_out}"))
}

/// `true` or a number, as in Channels 1, or an object.
enum Plain<T> {
    Flag(bool),
    Code(u16),
    Object(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Plain<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = Plain<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object, or true")
            }

            fn visit_bool<E: Error>(self, flag: bool) -> Result<Plain<T>, E> {
                Ok(Plain::Flag(flag))
            }

            fn visit_u64<E: Error>(self, code: u64) -> Result<Plain<T>, E> {
                let code = u16::try_from(code);
                code.map(Plain::Code).map_err(|_| E::custom("it is not a close code"))
            }

            fn visit_unit<E: Error>(self) -> Result<Plain<T>, E> {
                Ok(Plain::Flag(false))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Plain<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Plain::Object)
            }
        }

        deserializer.deserialize_any(Either(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Answer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "snake_case")]
        enum Written {
            Text(String),
            Json(serde_json::Value),
            Bytes(#[serde(with = "base64")] bytes::Bytes),
            File(String),
        }

        Ok(match Written::deserialize(deserializer)? {
            Written::Text(text) => Self::Body(Body::Text(text)),
            Written::Json(value) => Self::Body(Body::Json(value)),
            Written::Bytes(bytes) => Self::Body(Body::Bytes(bytes)),
            Written::File(file) => Self::File(file),
        })
    }
}
