//! A task is data: written as JSON and read in another process it is the same message.

use std::sync::Arc;

use http::header::{ACCEPT, COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Value, json};

use super::{Event, EventClose};
use crate::message::{Cancellation, Channel, Content, Message, Scope, TaskPlace, TaskUuid};
use crate::reply::{Envelope, OutboxLimits, Payload, ReplyChannel};

const LANGUAGE: HeaderName = http::header::ACCEPT_LANGUAGE;

fn channel() -> ReplyChannel {
    ReplyChannel::new("waterway.n!c", Envelope::None, OutboxLimits::default()).0
}

fn message(content: Content) -> Message {
    let mut headers = HeaderMap::new();
    for (name, value) in
        [(COOKIE, "a=1"), (COOKIE, "b=2"), (ACCEPT, "image/*"), (LANGUAGE, "de"), (LANGUAGE, "en")]
    {
        headers.append(name, HeaderValue::from_static(value));
    }
    headers.append("x-odd", HeaderValue::from_bytes(b"\xff").unwrap());
    let claims = json!({"sub": "u", "n": [1, null]}).as_object().cloned().map(Arc::new);
    let scope = Scope {
        path: "/r/a%20b".into(),
        query: "x=1&x=2".into(),
        headers,
        ip: Some([1, 2, 3, 4].into()),
        connection: "waterway.n!c".into(),
        subprotocols: vec!["j".into()],
        claims,
        public_url: "https://here".into(),
        origin_allowed: true,
        ..Scope::default()
    };
    let mut message = Message::new(channel(), Arc::new(scope), content, Cancellation::default());
    message.params = [("room".into(), "a b".into()), ("a".into(), "é".into())].into();
    message
}

fn task(content: Content) -> Message {
    let mut message = message(content);
    let (uuid, queue) = (TaskUuid::new(7).unwrap(), "ocr".into());
    let place = TaskPlace { uuid, queue, offset_top: -5, height: 40 };
    message.become_task(place, &[ACCEPT, LANGUAGE]);
    message.move_task(90);
    message
}

fn contents() -> [Content; 7] {
    let body = |method| Content::Request { method, body: "body".into() };
    [
        Content::Receive(Payload::Text("hi".into())),
        Content::Receive(Payload::Text("".into())),
        Content::Receive(Payload::Binary(vec![0, 255, 128].into())),
        body(Method::POST),
        body(Method::from_bytes(b"QUERY").unwrap()),
        Content::Disconnect(1001),
        Content::Connect,
    ]
}

#[test]
fn a_task_read_back_from_json_is_the_same_message() {
    for content in contents() {
        let task = task(content);
        let event = Event::new(&task, &[ACCEPT, LANGUAGE]);
        let text = serde_json::to_string(&event).unwrap();
        let read: Event = serde_json::from_str(&text).unwrap();
        assert_eq!(read, event, "{text}");
        let back = read.into_task(channel(), Cancellation::default()).unwrap();
        assert_eq!(back.channel(), Channel::Task);
        assert_eq!(format!("{:?}", back.content), format!("{:?}", task.content));
        assert_eq!(back.task(), task.task());
        assert_eq!((back.path(), back.query()), (task.path(), task.query()));
        assert_eq!((&back.params, back.claims()), (&task.params, task.claims()));
        assert_eq!((back.address(), back.public_url()), (task.address(), task.public_url()));
        assert_eq!(
            (back.header("accept"), back.header("accept-language")),
            (Some("image/*"), Some("de, en"))
        );
        assert!(back.scope().is_none());
        assert_eq!(Event::new(&back, &[ACCEPT, LANGUAGE]), event);
    }
}

#[test]
fn a_task_keeps_the_listed_headers_alone() {
    let task = task(Content::Connect);
    let names: Vec<_> = task.headers().keys().map(HeaderName::as_str).collect();
    assert_eq!(names, ["accept", "accept-language"]);
    assert_eq!(task.headers().get_all(LANGUAGE).iter().count(), 2);
    assert_eq!(task.task().unwrap().offset_top, 90);
}

#[test]
fn an_event_has_the_fields_that_apply() {
    let shared = json!({
        "v": 1, "client": "waterway.n!c", "path": "/r/a%20b", "params": {"room": "a b", "a": "é"},
        "query": "x=1&x=2", "address": "1.2.3.4", "claims": {"sub": "u", "n": [1, null]},
        "public_url": "https://here",
    });
    let with = |own: Value| {
        let mut event = shared.clone();
        event.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
        event
    };
    for (message, headers, own) in [
        (
            message(Content::Connect),
            &[COOKIE][..],
            json!({"channel": "websocket.connect", "subprotocols": ["j"], "headers": {"cookie": "a=1; b=2"}}),
        ),
        (
            message(Content::Receive(Payload::Text("hi".into()))),
            &[],
            json!({"channel": "websocket.receive", "text": "hi"}),
        ),
        (
            message(Content::Disconnect(1001)),
            &[HeaderName::from_static("x-odd")],
            json!({"channel": "websocket.disconnect", "close": {"code": 1001, "reason": ""}}),
        ),
        (
            message(Content::Request { method: Method::POST, body: "hi".into() }),
            &[],
            json!({"channel": "http.request", "method": "POST", "bytes": "aGk="}),
        ),
        (
            task(Content::Receive(Payload::Binary("hi".into()))),
            &[],
            json!({"channel": "task", "bytes": "aGk=", "attempt": 1,
                   "task": {"uuid": 7, "queue": "ocr", "offset_top": 90, "height": 40}}),
        ),
    ] {
        let event = serde_json::to_value(Event::new(&message, headers)).unwrap();
        assert_eq!(event, with(own));
    }
}

#[test]
fn other_events_are_not_tasks() {
    let event = |content| Event::new(&task(content), &[]);
    let close = Some(EventClose { code: 1001, reason: "bye".into() });
    for event in [
        Event::new(&message(Content::Connect), &[]),
        Event { v: 2, ..event(Content::Connect) },
        Event { headers: [("a b".into(), "c".into())].into(), ..event(Content::Connect) },
        Event { task: None, close, ..event(Content::Connect) },
    ] {
        let error = event.into_task(channel(), Cancellation::default()).unwrap_err();
        assert_eq!(error.code(), "bad_message");
    }
}
