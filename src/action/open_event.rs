//! An event that has not ended, as an argument of consumers that act by [`Actions`].

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::HeaderName;

use super::kinds::{Action, Answer};
use super::rules::{self, ActionError, ActionLimits, EventFacts, Subject};
use super::{Actions, Outcome, Publisher, state};
use crate::error::Error;
use crate::extract::{FromGiven, FromMessage, Given};
use crate::message::{Cancellation, Channel, Content, Event, Message, Scope};
use crate::reply::Reply;

/// An event that has not ended. It gives the event as data, and applies the actions of a consumer
/// to it.
///
/// ```
/// use waterway::action::OpenEvent;
/// use waterway::{Actions, Error, Registry, Reply};
///
/// async fn twice(event: OpenEvent) -> Result<Reply, Error> {
///     let text = event.event(&[]).text.unwrap_or_default();
///     event.apply(Actions::new().send(&*text)).await?;
///     event.end(Actions::new().send(&*text)).await
/// }
///
/// let registry = Registry::new().function("twice", twice);
/// ```
pub struct OpenEvent {
    pub(super) message: Message,
    pub(super) publisher: Publisher,
    /// The consumer's name in the table.
    pub(super) consumer: Arc<str>,
    limits: ActionLimits,
    /// The answer of a task or the response to a request, which is sent when the event ends.
    // `std`'s mutex: it is locked for single statements.
    answer: Mutex<Option<Reply>>,
}

impl FromMessage for OpenEvent {
    fn from_message(message: &Message, given: &Given) -> Result<Self, Error> {
        Ok(Self {
            message: message.clone(),
            publisher: Publisher::from_given(given)?,
            consumer: Arc::clone(given.consumer()),
            limits: ActionLimits::default(),
            answer: Mutex::default(),
        })
    }
}

impl OpenEvent {
    /// Sets the bounds of its lists of actions.
    #[must_use]
    pub fn with_limits(mut self, limits: ActionLimits) -> Self {
        self.limits = limits;
        self
    }

    /// The event as data, with its headers of these names, and with the consumer's state for the
    /// connection. Its `id` is `None`.
    #[must_use]
    pub fn event(&self, headers: &[HeaderName]) -> Event {
        let mut event = Event::new(&self.message, headers);
        event.state = self.scope().and_then(|scope| state::get(scope, &self.consumer));
        event
    }

    /// The client's name.
    #[must_use]
    pub fn client(&self) -> &Arc<str> {
        self.message.reply_channel.name()
    }

    /// The name of the consumer in the table.
    #[must_use]
    pub fn consumer(&self) -> &Arc<str> {
        &self.consumer
    }

    /// Which event it is.
    #[must_use]
    pub fn channel(&self) -> Channel {
        self.message.channel()
    }

    /// The message.
    #[must_use]
    pub fn message(&self) -> &Message {
        &self.message
    }

    /// Tells whether the event is still wanted.
    #[must_use]
    pub fn cancellation(&self) -> &Cancellation {
        &self.message.cancellation
    }

    /// The scope of the connection; `None` for a task.
    #[must_use]
    pub fn scope(&self) -> Option<&Arc<Scope>> {
        self.message.scope()
    }

    /// Applies actions outside of this event.
    #[must_use]
    pub fn publisher(&self) -> &Publisher {
        &self.publisher
    }

    /// Checks a list of actions for this event. An answer that is a file is allowed here, but
    /// [`apply`](Self::apply) and [`end`](Self::end) refuse it: put the answer itself in its place.
    ///
    /// # Errors
    /// Why the list would be refused.
    pub fn check(&self, actions: &Actions) -> Result<(), ActionError> {
        let facts = EventFacts {
            channel: self.channel(),
            is_of_request: self.is_of_request(),
            offered: self.scope().map_or(&[], |scope| &scope.subprotocols),
            has_content: matches!(
                self.message.content,
                Content::Receive(_) | Content::Request { .. }
            ),
            is_answered: self.answer().is_some(),
        };
        rules::check(actions, Subject::Event(facts), &self.publisher.queues(), self.limits)
    }

    /// Applies a list of actions, after which others will follow.
    ///
    /// # Errors
    /// `failed` for a wrong list, of which nothing is applied.
    pub async fn apply(&self, actions: Actions) -> Result<(), Error> {
        self.check(&actions)?;
        let is_file = |action: &Action| matches!(action, Action::Answer(Answer::File(_)));
        if let Some(at) = actions.iter().position(is_file) {
            let why = "only a program can answer with a file";
            return Err(Error::failed(format!("actions[{at}].answer: {why}")));
        }
        for action in actions {
            self.perform(action).await;
        }
        Ok(())
    }

    /// Applies the last list of actions. The result is the answer of a task or the response to a
    /// request; a consumer returns it.
    ///
    /// # Errors
    /// `failed` for a wrong list, of which nothing is applied.
    pub async fn end(&self, actions: Actions) -> Result<Reply, Error> {
        self.apply(actions).await?;
        let answer = self.answer().take();
        Ok(answer.unwrap_or_default())
    }

    /// Ends the event with what its consumer wrote last.
    ///
    /// # Errors
    /// The consumer's error; `failed` for a wrong list, of which nothing is applied.
    pub async fn end_with(&self, outcome: Outcome) -> Result<Reply, Error> {
        match outcome {
            Outcome::Actions(actions) | Outcome::More(actions) => self.end(actions).await,
            Outcome::Error(error) => Err(error),
        }
    }

    /// Whether the event, or the one that pushed the task, is an HTTP request.
    pub(super) fn is_of_request(&self) -> bool {
        matches!(self.message.content, Content::Request { .. })
    }

    pub(super) fn answer(&self) -> MutexGuard<'_, Option<Reply>> {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for OpenEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OpenEvent").field(&self.message).finish()
    }
}
