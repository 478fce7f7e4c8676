//! Actions: the effects of a consumer as data, such as a message to send. Consumers outside of this
//! process write them as JSON, and compiled ones may return the same [`Actions`].

mod base64;
mod body;
mod kinds;
mod line;
#[cfg(feature = "redis")]
mod message;
mod open_event;
mod perform;
mod publisher;
mod read;
mod rules;
mod state;
#[cfg(test)]
mod tests;

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

pub use body::Body;
pub use kinds::{
    Accept, Action, Answer, CancelTask, Channels1, CloseClient, Deny, GroupSend, HeaderValues,
    InGroup, Log, LogLevel, Push, Respond,
};
pub use line::{Line, LineError, Outcome, schema};
#[cfg(feature = "redis")]
pub(crate) use message::reply_of;
pub use open_event::OpenEvent;
pub use publisher::Publisher;
pub use rules::{ActionError, ActionLimits};

/// A list of actions. It is checked as a whole before its first action is applied: one wrong
/// action refuses the list.
///
/// A compiled consumer may return it:
///
/// ```
/// use waterway::testing::{self, TestClient};
/// use waterway::{Actions, Registry, Text};
///
/// async fn count(Text(text): Text) -> Actions {
///     Actions::new().send(text.len().to_string()).close(1000, "counted")
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let registry = Registry::new().function("count", count);
/// let table = "route = [{ channel = 'websocket.receive', path = '/', consumer = 'count' }]";
/// let service = testing::start(table, &registry).await;
/// let mut client = TestClient::connect(&service, "/").await.expect("accepted");
/// client.send("hello").await;
/// assert_eq!(client.receive().await.text(), "5");
/// # }
/// ```
///
/// Written as JSON, each action is an object of one key:
///
/// ```
/// use waterway::Actions;
///
/// let actions: Actions = serde_json::from_str(r#"[{"send": {"text": "hi"}}, {"close": {}}]"#)?;
/// assert_eq!(actions, Actions::new().send("hi").close(1000, ""));
/// let wrong = serde_json::from_str::<Actions>(r#"[{"sned": {"text": "hi"}}]"#).unwrap_err();
/// let why = "actions[0]: sned: there is no action \"sned\": did you mean \"send\"?";
/// assert!(wrong.to_string().starts_with(why));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Actions(Vec<Action>);

impl Actions {
    /// An empty list.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an action.
    #[must_use]
    pub fn and(mut self, action: impl Into<Action>) -> Self {
        self.0.push(action.into());
        self
    }

    /// Adds a text or bytes for the client.
    #[must_use]
    pub fn send(self, body: impl Into<Body>) -> Self {
        self.and(Action::Send(body.into()))
    }

    /// Adds the end of the connection, with this close code and reason.
    #[must_use]
    pub fn close(self, code: u16, reason: impl Into<String>) -> Self {
        self.and(Action::Close(CloseClient { code, reason: reason.into() }))
    }

    /// Adds the answer of a task.
    #[must_use]
    pub fn answer(self, body: impl Into<Body>) -> Self {
        self.and(Action::Answer(Answer::Body(body.into())))
    }

    /// How many actions it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it is without actions.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The actions in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Action> {
        self.0.iter()
    }

    /// The actions in their order, for changing them.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Action> {
        self.0.iter_mut()
    }
}

impl From<Action> for Actions {
    fn from(action: Action) -> Self {
        Self(vec![action])
    }
}

impl FromIterator<Action> for Actions {
    fn from_iter<I: IntoIterator<Item = Action>>(actions: I) -> Self {
        Self(actions.into_iter().collect())
    }
}

impl IntoIterator for Actions {
    type Item = Action;
    type IntoIter = std::vec::IntoIter<Action>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// The actions as JSON.
impl fmt::Display for Actions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}
