//! Explains which route of the table takes a message, and why.

use std::sync::Arc;

use http::{HeaderMap, Method};
use serde::Serialize;

use super::route::Route;
use super::table::Row;
use super::terms::Terms;
use super::{MatchedRoutes, Refusal, Router};
use crate::message::{Cancellation, Channel, Content, Message, Scope};
use crate::reply::{Envelope, OutboxLimits, Payload, ReplyChannel};

/// A message to ask about.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Question {
    /// The path, as a client would send it.
    pub path: String,
    /// The query, without the `?`.
    pub query: String,
    /// The event; `None` asks about each.
    pub channel: Option<Channel>,
    /// The method of a request.
    pub method: Method,
    /// The text at the beginning of a message: its head.
    pub head: String,
    /// The headers of the handshake or the request.
    pub headers: HeaderMap,
    /// The client's token, wherever the client would put it.
    pub token: Option<String>,
}

/// What happens to one kind of event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Explanation {
    /// The event.
    pub channel: Channel,
    /// Earlier routes that do not take it, each with the reason.
    pub passed_over: Vec<(Row, String)>,
    /// The route that takes it.
    pub taken: Option<Row>,
    /// What happens if no route takes it.
    pub otherwise: &'static str,
    /// The terms on which the route takes it.
    #[serde(flatten)]
    pub terms: Option<Terms>,
}

impl Question {
    /// A question about every event of this path, which may have a query after a `?`.
    #[must_use]
    pub fn new(target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self { path: path.to_owned(), query: query.to_owned(), ..Self::default() }
    }

    fn scope(&self) -> Scope {
        Scope {
            path: self.path.as_str().into(),
            query: self.query.as_str().into(),
            headers: self.headers.clone(),
            ..Scope::default()
        }
    }
}

impl Router {
    /// Which routes take the events of a path and on which terms, and why others do not.
    #[must_use]
    pub fn explain(&self, question: &Question) -> Vec<Explanation> {
        let matched = MatchedRoutes::new(self.routes(), &question.path, self.limits());
        let asked = |channel: Channel| {
            let mut message = message(channel, question);
            let selected = matched.select(&mut message).cloned();
            let mut passed_over = Vec::new();
            for route in self.routes().iter().filter(|route| route.takes(channel)) {
                if selected.as_ref().is_some_and(|taken| taken.index() == route.index()) {
                    break;
                }
                passed_over.push((Row::new(route), reason(route, &message, &question.path)));
            }
            let otherwise = match channel {
                Channel::Request => match matched.takes(&question.method) {
                    Err(Refusal::Method(_)) => "405: the routes of this path take other methods",
                    Err(Refusal::NotFound) if matched.has_socket() => {
                        "426: this path serves a WebSocket"
                    }
                    // A route may take the method, but not this body.
                    _ => "404",
                },
                _ if !matched.has_socket() => "404 before the handshake",
                Channel::Connect => "the client is accepted",
                Channel::Receive | Channel::Disconnect | Channel::Task => "nothing",
            };
            let terms = selected
                .as_deref()
                .map(|route| Terms::of(self, &matched, route, &message, question.token.as_deref()));
            let taken = selected.as_deref().map(Row::new);
            Explanation { channel, passed_over, taken, otherwise, terms }
        };
        let channels = Channel::ALL.into_iter();
        let wanted = |channel: &Channel| question.channel.is_none_or(|wanted| wanted == *channel);
        channels.filter(wanted).map(asked).collect()
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
    // The route would take the message, but an earlier one does.
    "an earlier route takes it".into()
}

fn message(channel: Channel, question: &Question) -> Message {
    // The reply channel is never used: the message is only looked at.
    let limits = OutboxLimits::default();
    let (reply_channel, _) = ReplyChannel::new("waterway.explain!0", Envelope::None, limits);
    let content = match channel {
        // Routes do not name tasks.
        Channel::Connect | Channel::Task => Content::Connect,
        Channel::Receive => Content::Receive(Payload::from(question.head.clone())),
        Channel::Disconnect => Content::Disconnect(crate::reply::close::DONE),
        Channel::Request => {
            let body = question.head.clone().into_bytes().into();
            Content::Request { method: question.method.clone(), body }
        }
    };
    Message::new(reply_channel, Arc::new(question.scope()), content, Cancellation::default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consumer::Registry;

    async fn nothing() {}

    #[test]
    fn each_event_shows_its_route_and_the_reasons_of_the_others() {
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
            let question = Question { method, head: head.into(), ..Question::new(path) };
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
        assert_eq!(viewport[0].0, "the client is accepted");
        assert_eq!(viewport[1], ("first".into(), String::new()));
        assert_eq!(viewport[3].0, "second");
        let picture = ask("/ws/a", Method::GET, r#"{"uuid": 1}"#);
        let why = r#"1 its type is "viewport" or "cancel", the head's is missing"#;
        assert_eq!(picture[1], ("second".into(), why.into()));
        let request = ask("/work", Method::GET, "");
        assert_eq!(request[3].0, "405: the routes of this path take other methods");
        assert_eq!(ask("/other", Method::GET, "")[3].0, "404");
        assert_eq!(request[3].1, "2 its path is /ws/{page}; 3 its method is POST");
        assert_eq!(request[1].0, "404 before the handshake");
    }
}
