//! Which actions an event may have. A list is checked as a whole before its first one is applied.

use std::fmt;

use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::Value;

use super::body::Body;
use super::kinds::{
    Accept, Action, Answer, CancelTask, Channels1, CloseClient, Deny, GroupSend, HeaderValues,
    InGroup, Push, Respond,
};
use super::publisher::Queues;
use super::{Actions, publisher::is_group_name};
use crate::message::Channel;

/// The bounds of one list of actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActionLimits {
    /// The most actions of one list: the key `actions`, by default 256.
    pub actions: usize,
    /// The largest state of a connection, in bytes of JSON: the key `state`, by default 4 KiB.
    pub state: usize,
}

impl Default for ActionLimits {
    fn default() -> Self {
        Self { actions: 256, state: 4 << 10 }
    }
}

/// Why a list of actions is refused: the place, the value, and the way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionError(String);

impl fmt::Display for ActionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ActionError {}

/// The event, client or group that a list of actions is for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Subject<'a> {
    Event(EventFacts<'a>),
    /// A client, outside of its events.
    Client,
    /// The members of a group.
    Group,
}

/// The properties of an event on which the rules depend.
#[derive(Debug, Clone, Copy)]
pub(super) struct EventFacts<'a> {
    pub(super) channel: Channel,
    /// Whether it came with an HTTP request, which has one response and no socket.
    pub(super) is_of_request: bool,
    /// The subprotocols that the client offers.
    pub(super) offered: &'a [String],
    /// Whether a task can have its content.
    pub(super) has_content: bool,
    /// Whether it has its answer or its response already.
    pub(super) is_answered: bool,
}

/// Checks a list of actions.
pub(super) fn check(
    actions: &Actions,
    subject: Subject<'_>,
    queues: &Queues,
    limits: ActionLimits,
) -> Result<(), ActionError> {
    if actions.len() > limits.actions {
        let (count, most) = (actions.len(), limits.actions);
        return Err(ActionError(format!(
            "{count} actions in one list: at most {most} are allowed"
        )));
    }
    let mut is_answered = matches!(subject, Subject::Event(event) if event.is_answered);
    for (at, action) in actions.iter().enumerate() {
        let place = |why: String| ActionError(format!("actions[{at}].{}: {why}", name(action)));
        is_permitted(action, subject).map_err(place)?;
        if matches!(action, Action::Respond(_) | Action::Answer(_)) {
            if is_answered {
                return Err(place("the event already has its answer".into()));
            }
            is_answered = true;
        }
        is_sound(action, subject, queues, limits).map_err(place)?;
    }
    Ok(())
}

fn name(action: &Action) -> &'static str {
    match action {
        Action::Accept(_) => "accept",
        Action::Deny(_) => "deny",
        Action::Send(_) => "send",
        Action::Respond(_) => "respond",
        Action::GroupAdd(_) => "group_add",
        Action::GroupDiscard(_) => "group_discard",
        Action::GroupSend(_) => "group_send",
        Action::Push(_) => "push",
        Action::Cancel(_) => "cancel",
        Action::Progress(_) => "progress",
        Action::Answer(_) => "answer",
        Action::State(_) => "state",
        Action::Log(_) => "log",
        Action::Channels1(reply) if reply.accept => "accept",
        Action::Channels1(reply) if reply.bytes.is_some() => "bytes",
        Action::Channels1(reply) if reply.text.is_some() => "text",
        Action::Close(_) | Action::Channels1(_) => "close",
    }
}

/// Whether the subject may have such an action at all.
fn is_permitted(action: &Action, subject: Subject<'_>) -> Result<(), String> {
    let is =
        |channel: Channel| matches!(subject, Subject::Event(event) if event.channel == channel);
    let of_request = matches!(subject, Subject::Event(event) if event.is_of_request);
    let is_event = matches!(subject, Subject::Event(_));
    let is_group = matches!(subject, Subject::Group);
    let (permitted, rule) = match action {
        Action::Accept(_) | Action::Deny(_) => (is(Channel::Connect), "only for websocket.connect"),
        Action::Channels1(Channels1 { accept: true, .. }) if !is(Channel::Connect) => {
            (false, "only for websocket.connect")
        }
        Action::Send(_) | Action::Close(_) | Action::Channels1(_) if of_request => {
            (false, "not for an HTTP request, which is answered by respond, and its task by answer")
        }
        Action::Send(_) | Action::Close(_) | Action::Channels1(_) => (true, ""),
        Action::Respond(_) => (is(Channel::Request), "only for http.request"),
        Action::GroupAdd(_) | Action::GroupDiscard(_) => {
            (!of_request && !is_group, "only for a client with a WebSocket")
        }
        Action::Push(_) => (is_event, "only for an event, whose client gets the task's answer"),
        Action::Progress(_) | Action::Answer(_) => (is(Channel::Task), "only for task"),
        Action::State(_) => (
            is_event && !of_request && !is(Channel::Task),
            "only for websocket.connect, websocket.receive and websocket.disconnect",
        ),
        Action::GroupSend(_) | Action::Cancel(_) | Action::Log(_) => {
            (!is_group, "not for a group, which takes send and close")
        }
    };
    if permitted {
        return Ok(());
    }
    Err(match subject {
        Subject::Event(event) => format!("it is {rule}, and this event is {}", event.channel),
        Subject::Client => format!("it is {rule}, and this list is for a client"),
        Subject::Group => "a group takes send and close".to_owned(),
    })
}

/// Whether the action's own values are right.
fn is_sound(
    action: &Action,
    subject: Subject<'_>,
    queues: &Queues,
    limits: ActionLimits,
) -> Result<(), String> {
    match action {
        Action::Accept(Accept { subprotocol: Some(name) }) => is_offered(name, subject),
        Action::Deny(Deny { status }) => is_status(*status, 300),
        Action::Close(CloseClient { code, reason }) => is_close(*code, reason),
        Action::Respond(respond) => is_response(respond),
        Action::GroupAdd(InGroup { group }) | Action::GroupDiscard(InGroup { group }) => {
            is_group_name(group)
        }
        Action::GroupSend(GroupSend { group, text, json, bytes, .. }) => {
            is_group_name(group)?;
            let body = Body::one_of(text.as_ref(), json.as_ref(), bytes.as_ref())?;
            let lacks = || "it has nothing to send: give \"text\", \"json\" or \"bytes\"";
            body.map(drop).ok_or_else(|| lacks().to_owned())
        }
        Action::Push(push) => is_push(push, subject, queues),
        Action::Cancel(CancelTask { queue, .. }) => is_queue(queue, queues),
        Action::State(value) => is_small(value, limits.state),
        Action::Channels1(Channels1 { text, bytes, close, .. }) => {
            if text.is_some() && bytes.is_some() {
                return Err("give \"text\" or \"bytes\", and not both".to_owned());
            }
            close.map_or(Ok(()), |code| is_close(code, ""))
        }
        Action::Answer(Answer::File(_) | Answer::Body(_))
        | Action::Accept(_)
        | Action::Send(_)
        | Action::Progress(_)
        | Action::Log(_) => Ok(()),
    }
}

fn is_offered(name: &str, subject: Subject<'_>) -> Result<(), String> {
    let Subject::Event(EventFacts { offered, .. }) = subject else { return Ok(()) };
    if offered.iter().any(|offer| offer == name) {
        return Ok(());
    }
    // With a subprotocol that it did not offer, the client fails (RFC 6455, section 4.1).
    Err(match offered {
        [] => format!("the client offers no subprotocol, so {name:?} cannot be chosen"),
        _ => format!("the client does not offer {name:?}; it offers {}", offered.join(", ")),
    })
}

fn is_status(status: u16, least: u16) -> Result<(), String> {
    if (least..=599).contains(&status) && StatusCode::from_u16(status).is_ok() {
        return Ok(());
    }
    Err(format!("status {status} is not possible here: give one of {least} to 599"))
}

fn is_close(code: u16, reason: &str) -> Result<(), String> {
    // RFC 6455, section 7.4, and IANA's registry: codes that a close frame may have.
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(format!("code {code} cannot be sent: give 1000, or one of 3000 to 4999"));
    }
    match reason.len() {
        // A control frame has at most 125 bytes (RFC 6455, section 5.5).
        0..=123 => Ok(()),
        long => Err(format!("the reason has {long} bytes: at most 123 are allowed")),
    }
}

fn is_response(respond: &Respond) -> Result<(), String> {
    let Respond { status, headers, text, json, bytes } = respond;
    is_status(*status, 200)?;
    Body::one_of(text.as_ref(), json.as_ref(), bytes.as_ref())?;
    for (name, values) in headers {
        let read: HeaderName =
            name.parse().map_err(|_| format!("{name:?} is not the name of a header"))?;
        is_free(&read)?;
        let values = match values {
            HeaderValues::One(value) => std::slice::from_ref(value),
            HeaderValues::Several(values) => values,
        };
        if let Some(wrong) = values.iter().find(|value| HeaderValue::from_str(value).is_err()) {
            return Err(format!("the header {name} cannot have the value {wrong:?}"));
        }
    }
    Ok(())
}

/// Whether a consumer may set this header.
pub(super) fn is_free(name: &HeaderName) -> Result<(), String> {
    let own =
        [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION, header::UPGRADE];
    if own.contains(name) {
        return Err(format!("the service sets the header {name} itself: leave it out"));
    }
    Ok(())
}

fn is_push(push: &Push, subject: Subject<'_>, queues: &Queues) -> Result<(), String> {
    is_queue(&push.queue, queues)?;
    let body = Body::one_of(push.text.as_ref(), push.json.as_ref(), push.bytes.as_ref())?;
    let has_content = matches!(subject, Subject::Event(event) if event.has_content);
    if body.is_none() && !has_content {
        return Err("the event has no content: give \"text\", \"json\" or \"bytes\"".to_owned());
    }
    Ok(())
}

fn is_queue(name: &str, queues: &Queues) -> Result<(), String> {
    if queues.contains_key(name) {
        return Ok(());
    }
    let names: Vec<&str> = queues.keys().map(|name| &**name).collect();
    Err(match *names {
        [] => format!("there is no queue {name:?}: the table has none"),
        _ => format!("there is no queue {name:?}: the table has {}", names.join(", ")),
    })
}

fn is_small(state: &Value, most: usize) -> Result<(), String> {
    let bytes = state.to_string().len();
    if bytes <= most {
        return Ok(());
    }
    Err(format!("the state has {bytes} bytes as JSON: at most {most} are allowed"))
}
