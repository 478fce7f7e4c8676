//! A message of the channel layer as a reply: what Django, or another process, asks of a client.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::{HeaderName, HeaderValue};
use rmpv::Value;

use super::Actions;
use super::body::Body;
use super::kinds::{Action, Channels1, CloseClient};
use super::publisher::of_channels1;
use super::rules::{self, ActionLimits, Subject};
use crate::error::Error;
use crate::layer::{Fields, Unwanted};
use crate::reply::{Reply, close};

/// Reads `websocket.send`, `websocket.close` and `websocket.accept` with the fields of ASGI, under
/// the rules for actions. A message of another type that is listed is sent to the client as JSON.
///
/// # Errors
/// Why the message is not applied.
pub(crate) fn reply_of(fields: &Fields, forward: &[Arc<str>]) -> Result<Reply, Unwanted> {
    let kind = fields.text("type").unwrap_or_default();
    if forward.iter().any(|listed| **listed == *kind) {
        return Reply::json(&fields.to_json()).map_err(|error| wrong(&error));
    }
    let read = match kind {
        "websocket.send" => send(fields),
        "websocket.close" => closed(fields),
        "websocket.accept" => accept(fields),
        _ => return Err(Unwanted::Type(kind.to_owned())),
    };
    read.map_err(|why| Unwanted::Wrong(format!("{kind}: {why}")))
}

fn wrong(error: &Error) -> Unwanted {
    Unwanted::Wrong(error.to_string())
}

fn send(fields: &Fields) -> Result<Reply, String> {
    let text = fields.text("text").map(str::to_owned);
    let bytes = fields.bytes("bytes").map(bytes::Bytes::copy_from_slice);
    let Some(end) = fields.get("close") else {
        let body = Body::one_of(text.as_ref(), None, bytes.as_ref())?;
        let body = body.ok_or("it has neither \"text\" nor \"bytes\"")?;
        let reply = body.into_reply().map_err(|error| error.to_string())?;
        return Ok(reply);
    };
    let code = match end {
        Value::Boolean(true) => Some(close::DONE),
        Value::Boolean(false) => None,
        other => Some(code_of(other)?),
    };
    let reason = reason_of(fields)?;
    let written = Channels1 { accept: false, text, bytes, close: code };
    check(Action::Channels1(written.clone()))?;
    let reply = of_channels1(written);
    Ok(match code {
        Some(code) => {
            check(Action::Close(CloseClient { code, reason: reason.clone() }))?;
            reply.and_close(code, reason)
        }
        None => reply,
    })
}

fn closed(fields: &Fields) -> Result<Reply, String> {
    let code = fields.get("code").map_or(Ok(close::DONE), code_of)?;
    let reason = reason_of(fields)?;
    check(Action::Close(CloseClient { code, reason: reason.clone() }))?;
    Ok(Reply::close_with(code, reason))
}

fn accept(fields: &Fields) -> Result<Reply, String> {
    let subprotocol = fields.text("subprotocol").map(str::to_owned);
    let mut reply = Reply::accept().with_subprotocol(subprotocol);
    // A list of pairs of bytes.
    let Some(headers) = fields.get("headers") else { return Ok(reply) };
    for pair in headers.as_array().ok_or("\"headers\" is not a list")? {
        let pair = pair.as_array().map(Vec::as_slice);
        let Some([name, value]) = pair else { return Err("a header is not a pair".to_owned()) };
        let name = name.as_slice().and_then(|name| HeaderName::from_bytes(name).ok());
        let value = value.as_slice().and_then(|value| HeaderValue::from_bytes(value).ok());
        let (Some(name), Some(value)) = (name, value) else {
            return Err("a header is not one that HTTP allows".to_owned());
        };
        rules::is_free(&name)?;
        reply.headers_mut().append(name, value);
    }
    Ok(reply)
}

fn code_of(value: &Value) -> Result<u16, String> {
    let code = value.as_u64().and_then(|code| code.try_into().ok());
    code.ok_or_else(|| format!("{value} is not a close code"))
}

fn reason_of(fields: &Fields) -> Result<String, String> {
    match fields.get("reason") {
        None => Ok(String::new()),
        Some(reason) => reason.as_str().map(str::to_owned).ok_or("\"reason\" is not a text".into()),
    }
}

/// Checks an action for a client outside of its events.
fn check(action: Action) -> Result<(), String> {
    let limits = ActionLimits::default();
    rules::check(&Actions::from(action), Subject::Client, &BTreeMap::new(), limits)
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::reply::{Close, Payload};

    fn read(message: serde_json::Value) -> Result<Reply, Unwanted> {
        let forward = [Arc::from("chat.message")];
        reply_of(&Fields::of_json(message), &forward)
    }

    #[test]
    fn messages_of_asgi_are_replies() {
        let text = |text: &'static str| Some(Payload::from(text));
        let end = |code, reason: &str| Some(Close { code, reason: reason.into() });
        for (message, content, close) in [
            (json!({"type": "websocket.send", "text": "hi", "bytes": null}), text("hi"), None),
            (json!({"type": "websocket.send", "text": ""}), text(""), None),
            (
                json!({"type": "websocket.send", "text": "bye", "close": true}),
                text("bye"),
                end(1000, ""),
            ),
            (
                json!({"type": "websocket.send", "text": "bye", "close": 4000, "reason": "now"}),
                text("bye"),
                end(4000, "now"),
            ),
            (json!({"type": "websocket.close"}), None, end(1000, "")),
            (
                json!({"type": "websocket.close", "code": 4001, "reason": "see you"}),
                None,
                end(4001, "see you"),
            ),
            (
                json!({"type": "chat.message", "text": "hi"}),
                text(r#"{"type": "chat.message", "text": "hi"}"#),
                None,
            ),
        ] {
            let reply = read(message.clone()).unwrap();
            assert_eq!((reply.content, reply.close), (content, close), "{message}");
        }
        let accepted = read(json!({"type": "websocket.accept", "subprotocol": "j"})).unwrap();
        assert!(accepted.accept);
        assert_eq!(accepted.subprotocol(), Some("j"));
    }

    #[test]
    fn messages_that_break_a_rule_are_not_applied() {
        for (message, why) in [
            (json!({"type": "websocket.send"}), "neither"),
            (json!({"type": "websocket.send", "text": 1}), "neither"),
            (json!({"type": "websocket.close", "code": 1005}), "code 1005 cannot be sent"),
            (json!({"type": "websocket.close", "code": "a"}), "is not a close code"),
            (json!({"type": "websocket.close", "reason": "x".repeat(124)}), "124 bytes"),
            (json!({"type": "websocket.send", "text": "a", "close": 1}), "code 1 cannot be sent"),
            (json!({"type": "websocket.accept", "headers": 1}), "not a list"),
            (json!({"type": "websocket.accept", "headers": [["a"]]}), "not a pair"),
        ] {
            match read(message.clone()) {
                Err(Unwanted::Wrong(said)) => assert!(said.contains(why), "{message}: {said}"),
                other => panic!("{message}: {other:?}"),
            }
        }
        for message in [json!({"type": "chat.other"}), json!({"text": "hi"}), json!({"type": 1})] {
            assert!(matches!(read(message), Err(Unwanted::Type(_))));
        }
    }
}
