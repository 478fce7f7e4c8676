//! One consumer at work: for one connection, or for one worker.

use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;

use futures_util::FutureExt;
use http::StatusCode;

use super::function::Consumer;
use super::socket::{Constructor, SocketConsumer};
use crate::error::Error;
use crate::extract::Binding;
use crate::message::{Content, Message, Scope};
use crate::reply::{Reply, ReplyChannel};
use crate::supervise::panic_message;

pub(super) type Answer<'a> = Pin<Box<dyn Future<Output = Result<Reply, Error>> + Send + 'a>>;

/// A consumer with what its route gives it. Functions share everything and keep nothing; a socket
/// consumer's instance is its connection's own.
pub(crate) trait Instance: Send {
    /// Works on one message.
    fn consume(&mut self, message: Message) -> Answer<'_>;
}

/// Lets an instance work on a message; a panic is an error like any other, and says so.
///
/// Not an `async fn`, because each `async fn` moves its arguments once more.
pub(crate) fn call(
    instance: &mut dyn Instance,
    message: Message,
) -> impl Future<Output = Called> + Send + use<'_> {
    // A worker keeps nothing of an instance that panicked. A connection is closed for it, and its
    // instance, if it is a socket consumer, still hears of that.
    let begun = catch_unwind(AssertUnwindSafe(|| instance.consume(message)));
    async move {
        let ended = match begun {
            Ok(answer) => AssertUnwindSafe(answer).catch_unwind().await,
            Err(panic) => Err(panic),
        };
        match ended {
            Ok(Ok(reply)) => Called::Replied(reply),
            Ok(Err(error)) => Called::Failed(error),
            Err(panic) => Called::Panicked(Error::failed(panic_message(panic.as_ref()))),
        }
    }
}

/// How a call ended.
#[derive(Debug)]
pub(crate) enum Called {
    Replied(Reply),
    Failed(Error),
    Panicked(Error),
}

pub(super) struct FunctionInstance<C, A> {
    pub(super) consumer: Arc<C>,
    pub(super) binding: Arc<Binding>,
    pub(super) arguments: PhantomData<fn(A)>,
}

impl<C: Consumer<A>, A: 'static> Instance for FunctionInstance<C, A> {
    fn consume(&mut self, message: Message) -> Answer<'_> {
        Box::pin(self.consumer.consume(message, &self.binding))
    }
}

pub(super) struct SocketInstance<C, A, S> {
    pub(super) constructor: Arc<C>,
    pub(super) binding: Arc<Binding>,
    pub(super) socket: Option<S>,
    /// It was told of the connection; only then it is told of its end.
    pub(super) begun: bool,
    pub(super) arguments: PhantomData<fn(A)>,
}

impl<C, A, S> Instance for SocketInstance<C, A, S>
where
    C: Constructor<A, S>,
    A: 'static,
    S: SocketConsumer,
{
    fn consume(&mut self, message: Message) -> Answer<'_> {
        Box::pin(async move {
            if matches!(message.content, Content::Disconnect(_)) && !self.begun {
                return Ok(Reply::default());
            }
            let socket = match self.socket.as_mut() {
                Some(socket) => socket,
                None => self.socket.insert(self.constructor.construct(&message, &self.binding)?),
            };
            let Message { reply_channel, scope, content, .. } = message;
            match content {
                Content::Connect => {
                    if accept(socket, &reply_channel, &scope)? {
                        self.begun = true;
                        socket.open(&reply_channel).await?;
                    }
                }
                Content::Receive(payload) => {
                    self.begun = true;
                    socket.on_message(&reply_channel, payload).await?;
                }
                Content::Disconnect(code) => socket.on_close(code).await?,
                Content::Request { .. } => return Ok(Reply::status(StatusCode::UPGRADE_REQUIRED)),
            }
            Ok(Reply::default())
        })
    }
}

/// Takes the client or refuses it for its origin; says which.
fn accept(
    socket: &impl SocketConsumer,
    reply_channel: &ReplyChannel,
    scope: &Scope,
) -> Result<bool, Error> {
    let allowed = scope.header("origin").is_none_or(|origin| socket.check_origin(origin, scope));
    if !allowed {
        reply_channel.send(Reply::deny(StatusCode::FORBIDDEN))?;
        return Ok(false);
    }
    // A subprotocol that was not offered would make the client fail the handshake.
    let subprotocol = socket
        .select_subprotocol(&scope.subprotocols)
        .filter(|chosen| scope.subprotocols.contains(chosen));
    reply_channel.send(Reply::accept().with_subprotocol(subprotocol))?;
    Ok(true)
}
