//! The arguments of consumers.

mod check;
mod content;
mod given;
mod options;
mod parameters;
mod shape;
mod state;
mod strings;
mod tuples;

use std::sync::Arc;

use crate::error::{Error, code};
use crate::layer::ChannelLayer;
use crate::message::{Cancellation, Channel, Message, Scope, TaskPlace};
use crate::reply::ReplyChannel;

pub use check::RouteCheck;
pub(crate) use check::{Answers, ConsumerUse, QueueUse};
pub use content::{Binary, CloseCode, Head, Headers, Json, Text};
pub use given::{FromGiven, Given};
pub use options::Options;
pub use parameters::{Path, Query};

/// An argument of a consumer. It checks each route of the consumer when the table is checked, and
/// is taken from each message.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the argument of a consumer",
    note = "take `Message` itself, or one of `Text`, `Binary`, `Json<T>`, `Head`, `Path<T>`, \
            `Query<T>`, `Options<T>`, `State<S>`, `Headers`, `Method`, `Claims`, `CloseCode`, `ReplyChannel`, \
            `TaskQueue`, `ChannelLayer`, `Cancellation`, `TaskPlace`, `Arc<Scope>`"
)]
pub trait FromMessage: Sized {
    /// Checks the route when the table is checked, and reports what the route lacks. The consumer
    /// is not running then.
    fn check(_route: &mut RouteCheck<'_>) {}

    /// Takes the argument from a message, or from the values that the route gives its consumer.
    ///
    /// # Errors
    /// The error for the client, if its message does not have the argument.
    fn from_message(message: &Message, given: &Given) -> Result<Self, Error>;
}

impl FromMessage for Message {
    fn from_message(message: &Message, _: &Given) -> Result<Self, Error> {
        Ok(message.clone())
    }
}

impl FromMessage for ReplyChannel {
    fn from_message(message: &Message, _: &Given) -> Result<Self, Error> {
        Ok(message.reply_channel.clone())
    }
}

impl FromMessage for Cancellation {
    fn from_message(message: &Message, _: &Given) -> Result<Self, Error> {
        Ok(message.cancellation.clone())
    }
}

/// The scope of the message's connection. The consumer of a queue cannot take it.
impl FromMessage for Arc<Scope> {
    fn check(route: &mut RouteCheck<'_>) {
        if route.is_of_queue() {
            route.refuse();
            let consumer = route.consumer();
            let message =
                format!("{consumer} takes the scope of a connection, and a task has none");
            route
                .report(message, "a task has `Path`, `Query`, `Claims`, `Headers` and `TaskPlace`");
        }
    }

    fn from_message(message: &Message, _: &Given) -> Result<Self, Error> {
        message.scope().cloned().ok_or_else(|| Error::failed("a task has no scope"))
    }
}

/// The place of a task. Only a queue's consumer has one.
impl FromMessage for TaskPlace {
    fn check(route: &mut RouteCheck<'_>) {
        route.only_on(&[Channel::Task]);
    }

    fn from_message(message: &Message, _: &Given) -> Result<Self, Error> {
        message.task().cloned().ok_or_else(|| Error::failed("only a task has a place"))
    }
}

impl FromMessage for ChannelLayer {
    fn from_message(_: &Message, given: &Given) -> Result<Self, Error> {
        Self::from_given(given)
    }
}

impl FromGiven for ChannelLayer {
    fn from_given(given: &Given) -> Result<Self, Error> {
        given.get::<Self>().cloned().ok_or_else(|| lacks("a channel layer"))
    }
}

/// The claims of the client's token.
#[derive(Debug, Clone)]
pub struct Claims(pub serde_json::Map<String, serde_json::Value>);

impl FromMessage for Claims {
    fn from_message(message: &Message, _: &Given) -> Result<Self, Error> {
        let claims = message.claims().cloned().map(Self);
        claims.ok_or_else(|| Error::new(code::AUTH, "the consumer needs a token"))
    }
}

/// The error of a consumer that was not given a value that it needs, which is a fault of the
/// program.
pub(crate) fn lacks(what: &str) -> Error {
    Error::failed(format!("the consumer's route has no {what}"))
}
