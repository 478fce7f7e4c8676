//! What a consumer's arguments are taken from.

mod binding;
mod content;
mod options;
mod parameters;
mod shape;
mod strings;
mod tuples;

use std::sync::Arc;

use crate::error::{Error, code};
use crate::layer::ChannelLayer;
use crate::message::{Cancellation, Message, Scope};
use crate::reply::ReplyChannel;
use crate::setting::Mistake;

pub use binding::Binding;
pub use content::{Binary, CloseCode, Head, Headers, Json, Text};
pub use options::Options;
pub use parameters::{Path, Query};

/// An argument of a consumer: found out about when the routing table is loaded, taken from each
/// message when it comes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the argument of a consumer",
    note = "take `Message` itself, or one of `Text`, `Binary`, `Json<T>`, `Head`, `Path<T>`, \
            `Query<T>`, `Options<T>`, `Headers`, `Method`, `Claims`, `CloseCode`, `ReplyChannel`, \
            `TaskQueue`, `ChannelLayer`, `Cancellation`, `Arc<Scope>`"
)]
pub trait FromMessage: Sized {
    /// Looks at the route before any message comes, keeps in the binding what each message needs,
    /// and reports what the route lacks.
    fn bind(_binding: &mut Binding, _mistakes: &mut Vec<Mistake>) {}

    /// Takes the argument from a message.
    ///
    /// # Errors
    /// What the client is told when its message does not have it.
    fn from_message(message: &Message, binding: &Binding) -> Result<Self, Error>;
}

/// An argument that needs no message: it is the same for all of them, and for a job that runs
/// beside a consumer.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the argument of a job beside a consumer",
    note = "no message comes to it: take `Options<T>` or `ChannelLayer`"
)]
pub trait FromBinding: Sized {
    /// Looks at the consumer's options, keeps in the binding what will be needed, and reports
    /// what is wrong.
    fn bind(_binding: &mut Binding, _mistakes: &mut Vec<Mistake>) {}

    /// Takes the argument.
    ///
    /// # Errors
    /// When the binding does not have it, which is a fault of the program.
    fn from_binding(binding: &Binding) -> Result<Self, Error>;
}

impl FromMessage for Message {
    fn from_message(message: &Message, _: &Binding) -> Result<Self, Error> {
        Ok(message.clone())
    }
}

impl FromMessage for ReplyChannel {
    fn from_message(message: &Message, _: &Binding) -> Result<Self, Error> {
        Ok(message.reply_channel.clone())
    }
}

impl FromMessage for Cancellation {
    fn from_message(message: &Message, _: &Binding) -> Result<Self, Error> {
        Ok(message.cancellation.clone())
    }
}

impl FromMessage for Arc<Scope> {
    fn from_message(message: &Message, _: &Binding) -> Result<Self, Error> {
        Ok(Arc::clone(&message.scope))
    }
}

impl FromMessage for ChannelLayer {
    fn from_message(_: &Message, binding: &Binding) -> Result<Self, Error> {
        Self::from_binding(binding)
    }
}

impl FromBinding for ChannelLayer {
    fn from_binding(binding: &Binding) -> Result<Self, Error> {
        binding.get::<Self>().cloned().ok_or_else(|| lacks("a channel layer"))
    }
}

/// What the client's token claims.
#[derive(Debug, Clone)]
pub struct Claims(pub serde_json::Map<String, serde_json::Value>);

impl FromMessage for Claims {
    fn from_message(message: &Message, _: &Binding) -> Result<Self, Error> {
        let claims = message.scope.claims.clone().map(Self);
        claims.ok_or_else(|| Error::new(code::AUTH, "this needs a token"))
    }
}

/// The route was bound without something that its consumer needs: a fault of the program.
pub(crate) fn lacks(what: &str) -> Error {
    Error::failed(format!("the consumer's route has no {what}"))
}
