//! A message of the layer: fields by name, as a dictionary of Python.

use rmpv::Value;
use serde_json::{Map, Number, Value as Json};

use ::base64::Engine as _;
use ::base64::engine::general_purpose::STANDARD;

use crate::message::Event;
use crate::reply::{Close, Payload, Reply};

/// The fields of a message in their order.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Fields(Vec<(Value, Value)>);

/// The field that names the receivers within a process: one channel, or a list of them.
const CHANNELS: &str = "__asgi_channel__";

/// How deep lists and dictionaries of a message may be nested.
const DEPTH_MAX: usize = 64;

impl Fields {
    /// A message of this type.
    pub(crate) fn of_type(name: &str) -> Self {
        Self::default().with("type", name)
    }

    /// The message that tells a channel to do what the reply says: `websocket.send`,
    /// `websocket.close` or `websocket.accept`, with the fields of ASGI; `None` for an empty reply.
    ///
    /// A reply with a content and a close is one message, `websocket.send` with `close`, as in
    /// Channels 1.
    pub(crate) fn of_reply(reply: &Reply) -> Option<Self> {
        let closing = |fields: Self, key: &str, Close { code, reason }: &Close| {
            fields.with(key, *code).with("reason", reason.as_str())
        };
        Some(match (&reply.content, &reply.close) {
            (Some(content), close) => {
                let fields = Self::of_type("websocket.send");
                let fields = match content {
                    Payload::Text(text) => fields.with("text", &**text),
                    Payload::Binary(bytes) => fields.with("bytes", Value::Binary(bytes.to_vec())),
                };
                match close {
                    Some(close) => closing(fields, "close", close),
                    None => fields,
                }
            }
            (None, Some(close)) => closing(Self::of_type("websocket.close"), "code", close),
            (None, None) if reply.accept => {
                let fields = Self::of_type("websocket.accept");
                match reply.subprotocol() {
                    Some(name) => fields.with("subprotocol", name),
                    None => fields,
                }
            }
            (None, None) => return None,
        })
    }

    /// An event for a worker: the fields of the event, with `type` in place of `channel`, and with
    /// bytes as they are instead of base64.
    pub(crate) fn of_event(event: &Event) -> Result<Self, serde_json::Error> {
        let mut fields = Self::of_type(event.channel.name());
        let Json::Object(written) = serde_json::to_value(event)? else { return Ok(fields) };
        for (name, value) in written {
            match (name.as_str(), &event.bytes) {
                ("channel", _) => {}
                ("bytes", Some(bytes)) => fields.set("bytes", Value::Binary(bytes.to_vec())),
                _ => fields.set(&name, from_json(value)),
            }
        }
        Ok(fields)
    }

    /// A message with the fields of this object.
    #[cfg(test)]
    pub(crate) fn of_json(object: Json) -> Self {
        let Value::Map(fields) = from_json(object) else { return Self::default() };
        Self(fields)
    }

    /// Adds a field.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.set(name, value);
        self
    }

    /// Adds the names of the receivers: one as a text, as `send` of `channels_redis` does, or a list, as
    /// its `group_send` does.
    pub(crate) fn addressed_to(self, channels: impl Into<Value>) -> Self {
        self.with(CHANNELS, channels)
    }

    fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0.push((name.into(), value.into()));
    }

    /// The field of this name. `None` of Python is an absent field.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        let found = self.0.iter().find(|(key, _)| key.as_str() == Some(name));
        found.map(|(_, value)| value).filter(|value| !value.is_nil())
    }

    /// The field, if it is a text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// The field, if it is bytes.
    pub(crate) fn bytes(&self, name: &str) -> Option<&[u8]> {
        match self.get(name)? {
            Value::Binary(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The texts of the field, if it is a list.
    pub(crate) fn texts(&self, name: &str) -> Vec<&str> {
        match self.get(name) {
            Some(Value::Array(values)) => values.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// The names of the receivers.
    pub(crate) fn channels(&self) -> Vec<&str> {
        match self.get(CHANNELS) {
            Some(Value::String(name)) => name.as_str().into_iter().collect(),
            _ => self.texts(CHANNELS),
        }
    }

    /// The message as JSON, without the fields of layers; bytes are in base64.
    pub(crate) fn to_json(&self) -> Json {
        let is_of_layer = |name: &Value| name.as_str().is_some_and(|name| name.starts_with("__"));
        let fields = self.0.iter().filter(|(name, _)| !is_of_layer(name));
        Json::Object(object(fields))
    }

    /// The message in `MessagePack`.
    pub(super) fn pack(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // Writing to a vector cannot fail.
        let _ = rmpv::encode::write_value(&mut bytes, &Value::Map(self.0.clone()));
        bytes
    }

    /// The message of these bytes.
    ///
    /// # Errors
    /// Why they are not a message.
    pub(super) fn unpack(mut bytes: &[u8]) -> Result<Self, String> {
        let read = rmpv::decode::read_value_with_max_depth(&mut bytes, DEPTH_MAX);
        match read {
            Ok(Value::Map(fields)) if bytes.is_empty() => Ok(Self(fields)),
            Ok(Value::Map(_)) => Err("more bytes follow its MessagePack".to_owned()),
            Ok(_) => Err("it is not a dictionary".to_owned()),
            Err(error) => Err(format!("it is not MessagePack: {error}")),
        }
    }
}

fn object<'a>(fields: impl Iterator<Item = &'a (Value, Value)>) -> Map<String, Json> {
    let name = |key: &Value| key.as_str().map_or_else(|| key.to_string(), str::to_owned);
    fields.map(|(key, value)| (name(key), to_json(value))).collect()
}

fn to_json(value: &Value) -> Json {
    match value {
        Value::Nil => Json::Null,
        Value::Boolean(flag) => Json::Bool(*flag),
        Value::Integer(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => number.into(),
            (None, Some(number)) => number.into(),
            (None, None) => Json::Null,
        },
        Value::F32(number) => Number::from_f64((*number).into()).map_or(Json::Null, Json::Number),
        Value::F64(number) => Number::from_f64(*number).map_or(Json::Null, Json::Number),
        Value::String(text) => text.as_str().map_or(Json::Null, Json::from),
        Value::Binary(bytes) | Value::Ext(_, bytes) => STANDARD.encode(bytes).into(),
        Value::Array(values) => values.iter().map(to_json).collect(),
        Value::Map(fields) => Json::Object(object(fields.iter())),
    }
}

fn from_json(value: Json) -> Value {
    match value {
        Json::Null => Value::Nil,
        Json::Bool(flag) => flag.into(),
        Json::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => number.into(),
            (None, Some(number)) => number.into(),
            (None, None) => number.as_f64().map_or(Value::Nil, Value::from),
        },
        Json::String(text) => text.into(),
        Json::Array(values) => Value::Array(values.into_iter().map(from_json).collect()),
        Json::Object(fields) => Value::Map(
            fields.into_iter().map(|(name, value)| (name.into(), from_json(value))).collect(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_reply_is_a_message_of_asgi() {
        for (reply, message) in [
            (Reply::text("hi"), json!({"type": "websocket.send", "text": "hi"})),
            (Reply::bytes(vec![0, 255]), json!({"type": "websocket.send", "bytes": "AP8="})),
            (Reply::accept(), json!({"type": "websocket.accept"})),
            (
                Reply::accept().with_subprotocol(Some("j".into())),
                json!({"type": "websocket.accept", "subprotocol": "j"}),
            ),
            (
                Reply::close_with(4001, "bye"),
                json!({"type": "websocket.close", "code": 4001, "reason": "bye"}),
            ),
            (
                Reply::text("bye").and_close(1000, ""),
                json!({"type": "websocket.send", "text": "bye", "close": 1000, "reason": ""}),
            ),
        ] {
            let fields = Fields::of_reply(&reply).unwrap();
            assert_eq!(fields.to_json(), message);
            assert_eq!(Fields::unpack(&fields.pack()).unwrap(), fields);
        }
        assert_eq!(Fields::of_reply(&Reply::default()), None);
    }

    #[test]
    fn an_event_is_a_message_whose_bytes_are_bytes() {
        let event: Event = serde_json::from_value(json!({
            "v": 1, "channel": "websocket.receive", "client": "waterway.n!c", "path": "/r/a",
            "params": {"room": "a"}, "bytes": "AP8=", "state": {"n": [1, -1, 1.5, true, null]},
        }))
        .unwrap();
        let fields = Fields::of_event(&event).unwrap();
        assert_eq!(fields.text("type"), Some("websocket.receive"));
        assert_eq!(fields.bytes("bytes"), Some([0, 255].as_slice()));
        let mut written = serde_json::to_value(&event).unwrap();
        let object = written.as_object_mut().unwrap();
        object.shift_remove("channel");
        let mut read = fields.to_json();
        read.as_object_mut().unwrap().shift_remove("type");
        assert_eq!(read, written);
    }

    #[test]
    fn bytes_that_are_no_message_are_refused() {
        let nested = [vec![0x81, 0xa1, b'a'], vec![0x91; 100], vec![0xc0]].concat();
        for bytes in [
            b"".as_slice(),
            b"\x81",
            b"\xc0",
            b"\x80\x80",
            b"\xdf\xff\xff\xff\xff",
            b"\x81\xa1a\xdd\xff\xff\xff\xff",
            b"\x81\xa1a\xc6\xff\xff\xff\xff",
            &nested,
        ] {
            assert!(Fields::unpack(bytes).is_err(), "{bytes:x?}");
        }
    }
}
