//! Why a route takes a message: the table, asked about one path.

use std::sync::Arc;

use http::Method;
use serde::Serialize;

use super::Router;
use super::route::Route;
use super::table::Row;
use crate::message::{Cancellation, Channel, Content, Message, Scope};
use crate::reply::{Envelope, OutboxLimits, Payload, ReplyChannel};

/// A message to ask about.
#[derive(Debug, Clone)]
pub struct Question {
    /// The path, as a client would send it.
    pub path: String,
    /// The method of a request.
    pub method: Method,
    /// The text that a message begins with: its head.
    pub head: String,
}

/// What becomes of one kind of event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The event.
    pub channel: Channel,
    /// Routes that stand before the one that takes it, each with the reason why it does not.
    pub passed_over: Vec<(Row, String)>,
    /// The route that takes it.
    pub taken: Option<Row>,
    /// What happens, where no route takes it.
    pub otherwise: &'static str,
}

impl Router {
    /// Which routes take the events of a path, and why others do not.
    #[must_use]
    pub fn explain(&self, question: &Question) -> Vec<Explanation> {
        let way = self.way(&question.path);
        let asked = |channel: Channel| {
            let mut passed_over = Vec::new();
            let mut taken = None;
            let mut message = message(channel, question);
            let selected = way.select(&mut message).map(|route| route.index());
            for route in self.inner.routes.iter().filter(|route| route.takes(channel)) {
                if selected == Some(route.index()) {
                    taken = Some(Row::new(route));
                    break;
                }
                passed_over.push((Row::new(route), reason(route, &message, &question.path)));
            }
            let otherwise = match channel {
                Channel::Request if way.has_socket() => "426: a WebSocket is served here",
                Channel::Request => "404, or 405 when routes take other methods",
                _ if !way.has_socket() => "404 before the handshake",
                Channel::Connect => "the client is taken",
                Channel::Receive | Channel::Disconnect => "nothing",
            };
            Explanation { channel, passed_over, taken, otherwise }
        };
        Channel::ALL.into_iter().map(asked).collect()
    }
}

fn reason(route: &Route, message: &Message, path: &str) -> String {
    if let Some(template) = route.path.as_ref().filter(|path_of| path_of.matches(path).is_none()) {
        return format!("its path is {template}");
    }
    if let Content::Request { method, .. } = &message.content
        && !route.takes_method(method)
    {
        let methods: Vec<_> = route.methods.iter().map(Method::as_str).collect();
        return format!("its method is {}", methods.join(", "));
    }
    for (field, values) in &route.when {
        let found = message.head().and_then(|head| head.get(field));
        if found.is_none_or(|found| !values.contains(found)) {
            let wanted: Vec<_> = values.iter().map(ToString::to_string).collect();
            let found = found.map_or_else(|| "missing".to_owned(), ToString::to_string);
            return format!("its {field} is {}, the head's is {found}", wanted.join(" or "));
        }
    }
    // It would take it, but stands behind another.
    "an earlier one takes it".into()
}

fn message(channel: Channel, question: &Question) -> Message {
    // Nobody listens: the message is only looked at.
    let limits = OutboxLimits::default();
    let (reply_channel, _) = ReplyChannel::new("waterway.explain!0", Envelope::None, limits);
    let content = match channel {
        Channel::Connect => Content::Connect,
        Channel::Receive => Content::Receive(Payload::from(question.head.clone())),
        Channel::Disconnect => Content::Disconnect(crate::reply::close::DONE),
        Channel::Request => {
            let body = question.head.clone().into_bytes().into();
            Content::Request { method: question.method.clone(), body }
        }
    };
    Message::new(reply_channel, Arc::new(Scope::default()), content, Cancellation::default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Registry;

    async fn nothing() {}

    #[test]
    fn every_event_has_its_route_and_the_others_their_reasons() {
        let table = r#"
            [[route]]
            channel = "websocket.receive"
            path = "/ws/{page}"
            when = { type = ["viewport", "cancel"] }
            consumer = "first"
            [[route]]
            channel = ["websocket.receive", "http.request"]
            path = "/ws/{page}"
            consumer = "second"
            [[route]]
            channel = "http.request"
            method = "POST"
            path = "/work"
            consumer = "first"
        "#;
        let registry = Registry::new().function("first", nothing).function("second", nothing);
        let router = Router::parse(table, &registry).unwrap();
        let ask = |path: &str, method: Method, head: &str| {
            let question = Question { path: path.into(), method, head: head.into() };
            let explained = router.explain(&question).into_iter().map(|explanation| {
                let passed = explanation
                    .passed_over
                    .iter()
                    .map(|(row, why)| format!("{} {why}", row.number));
                let taken =
                    explanation.taken.map_or(explanation.otherwise.into(), |row| row.consumer);
                (taken, passed.collect::<Vec<_>>().join("; "))
            });
            explained.collect::<Vec<_>>()
        };
        let viewport = ask("/ws/a", Method::GET, r#"{"type": "viewport"}"#);
        assert_eq!(viewport[0].0, "the client is taken");
        assert_eq!(viewport[1], ("first".into(), String::new()));
        assert_eq!(viewport[3].0, "second");
        let picture = ask("/ws/a", Method::GET, r#"{"uuid": 1}"#);
        let why = r#"1 its type is "viewport" or "cancel", the head's is missing"#;
        assert_eq!(picture[1], ("second".into(), why.into()));
        let request = ask("/work", Method::GET, "");
        assert_eq!(request[3].1, "2 its path is /ws/{page}; 3 its method is POST");
        assert_eq!(request[1].0, "404 before the handshake");
    }
}
