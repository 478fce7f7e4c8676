//! One action, and the fields of each kind.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::base64;
use super::body::{Body, present};
use crate::message::TaskUuid;
use crate::reply::close;

/// One action. As JSON it is an object of one key, or a reply message of Channels 1.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// Accepts a client that connects.
    Accept(Accept),
    /// Refuses a client that connects.
    Deny(Deny),
    /// Sends a message to the client.
    Send(Body),
    /// Closes the client's connection, after everything before it. Nothing more goes to the client.
    Close(CloseClient),
    /// Answers an HTTP request.
    Respond(Respond),
    /// Adds the client to a group.
    GroupAdd(InGroup),
    /// Removes the client from a group.
    GroupDiscard(InGroup),
    /// Sends a message to the members of a group.
    GroupSend(GroupSend),
    /// Puts a task on a queue of the table.
    Push(Push),
    /// Cancels a task of the client.
    Cancel(CancelTask),
    /// Tells the client how far its task is: these fields, with `uuid` and `progress`.
    Progress(Map<String, Value>),
    /// The answer of a task. It is sent when the event ends.
    Answer(Answer),
    /// Replaces the consumer's state for this connection. Later events of the connection have it
    /// as `state`; null removes it.
    State(Value),
    /// Writes a line to the service's log.
    Log(Log),
    /// A reply message of Channels 1.
    #[serde(untagged)]
    Channels1(Channels1),
}

/// The names of actions as written.
pub(super) const NAMES: [&str; 14] = [
    "accept",
    "deny",
    "send",
    "close",
    "respond",
    "group_add",
    "group_discard",
    "group_send",
    "push",
    "cancel",
    "progress",
    "answer",
    "state",
    "log",
];

/// Accepts a client that connects.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Accept {
    /// The subprotocol: one that the client offers (RFC 6455, section 1.9).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subprotocol: Option<String>,
}

/// Refuses a client that connects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Deny {
    /// The HTTP status, 300 to 599; by default 403.
    pub status: u16,
}

impl Default for Deny {
    fn default() -> Self {
        Self { status: 403 }
    }
}

/// Closes a client's connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CloseClient {
    /// The close code (RFC 6455, section 7.4); by default 1000.
    pub code: u16,
    /// The reason, at most 123 bytes.
    pub reason: String,
}

impl Default for CloseClient {
    fn default() -> Self {
        Self { code: close::DONE, reason: String::new() }
    }
}

/// Answers an HTTP request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Respond {
    /// The HTTP status, 200 to 599; by default 200.
    pub status: u16,
    /// Headers: each name with one value, or with a list of values.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, HeaderValues>,
    /// The body as a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The body as JSON.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub json: Option<Value>,
    /// The body as bytes, in base64.
    #[serde(with = "base64::optional", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub bytes: Option<bytes::Bytes>,
}

impl Default for Respond {
    fn default() -> Self {
        Self { status: 200, headers: BTreeMap::new(), text: None, json: None, bytes: None }
    }
}

/// One value of a header, or several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum HeaderValues {
    /// One value.
    One(String),
    /// A header of this name for each value.
    Several(Vec<String>),
}

/// Names a group: `[A-Za-z0-9_.-]{1,99}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InGroup {
    /// The group's name.
    pub group: Arc<str>,
}

/// Sends a message to the members of a group: one of `text`, `json` and `bytes`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupSend {
    /// The group's name: `[A-Za-z0-9_.-]{1,99}`.
    pub group: Arc<str>,
    /// The message as a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The message as JSON.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub json: Option<Value>,
    /// The message as bytes, in base64.
    #[serde(default, with = "base64::optional", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub bytes: Option<bytes::Bytes>,
    /// The names of clients that do not get it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<Arc<str>>,
}

/// Puts a task on a queue of the table. Its content is that of the event, or one of `text`, `json`
/// and `bytes`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Push {
    /// The queue's name.
    pub queue: Arc<str>,
    /// The client's name for the task; by default a random one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<TaskUuid>,
    /// Its distance from the top of the page, px.
    #[serde(default)]
    pub offset_top: i64,
    /// Its height on the page, px.
    #[serde(default)]
    pub height: i64,
    /// The content as a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The content as JSON.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub json: Option<Value>,
    /// The content as bytes, in base64.
    #[serde(default, with = "base64::optional", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub bytes: Option<bytes::Bytes>,
}

/// Cancels a task of the client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelTask {
    /// The queue's name.
    pub queue: Arc<str>,
    /// The client's name for the task.
    pub uuid: TaskUuid,
}

/// The answer of a task.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The answer is a file in the event's folder. Only programs can give one: the service moves
    /// the file to the consumer's `storage`, and the client gets its URL.
    File(String),
    /// The answer itself.
    #[serde(untagged)]
    Body(Body),
}

/// Writes a line to the service's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// How important it is.
    #[serde(default)]
    pub level: LogLevel,
    /// The line; at most its first 4096 bytes are written.
    pub message: String,
}

/// How important a line of the log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Something failed.
    Error,
    /// Something is not as it should be.
    Warn,
    /// Something worth knowing.
    #[default]
    Info,
    /// For finding faults.
    Debug,
    /// For finding faults, in detail.
    Trace,
}

/// A reply message of Channels 1: `{"text": …, "bytes": …, "close": true}`, and `"accept": true`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct Channels1 {
    /// Whether to accept a client that connects.
    #[serde(skip_serializing_if = "is_false")]
    pub accept: bool,
    /// A text for the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Bytes for the client, in base64.
    #[serde(with = "base64::optional", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub bytes: Option<bytes::Bytes>,
    /// Closes the connection: `true` with 1000, or a close code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<TrueOrCode>")]
    pub close: Option<u16>,
}

/// How Channels 1 closes a connection.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
enum TrueOrCode {
    Flag(bool),
    Code(u16),
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields so")]
fn is_false(flag: &bool) -> bool {
    !flag
}
