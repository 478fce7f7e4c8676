//! A consumer's instance, for one connection or one worker.

use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;

use futures_util::FutureExt;
use http::StatusCode;

use super::function::Consumer;
use super::socket::{Constructor, SocketConsumer};
use crate::error::Error;
use crate::extract::Given;
use crate::message::{Content, Message, Scope};
use crate::reply::{Reply, ReplyChannel};
use crate::supervise::panic_message;

pub(super) type Answer<'a> = Pin<Box<dyn Future<Output = Result<Reply, Error>> + Send + 'a>>;

/// A consumer with its arguments. Instances of a function share everything and are stateless; a
/// socket consumer's instance belongs to its connection.
pub(crate) trait Instance: Send {
    /// Works on one message.
    fn consume(&mut self, message: Message) -> Answer<'_>;
}

/// Calls an instance with a message; a panic becomes an error.
///
/// Not an `async fn`, because each `async fn` moves its arguments once more.
pub(crate) fn call(
    instance: &mut dyn Instance,
    message: Message,
) -> impl Future<Output = Called> + Send + use<'_> {
    // After a panic, a worker drops the instance. A connection is closed, but a socket consumer's
    // instance still gets the disconnect.
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
    pub(super) given: Arc<Given>,
    pub(super) arguments: PhantomData<fn(A)>,
}

impl<C: Consumer<A>, A: 'static> Instance for FunctionInstance<C, A> {
    fn consume(&mut self, message: Message) -> Answer<'_> {
        Box::pin(self.consumer.consume(message, &self.given))
    }
}

pub(super) struct SocketInstance<C, A, S> {
    pub(super) constructor: Arc<C>,
    pub(super) given: Arc<Given>,
    pub(super) socket: Option<S>,
    /// Whether it has been told of the connection; only then is it told of the end.
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
                None => self.socket.insert(self.constructor.construct(&message, &self.given)?),
            };
            let scope = message.scope().cloned();
            let Message { reply_channel, content, .. } = message;
            match content {
                Content::Connect => {
                    let scope = scope.ok_or_else(|| Error::failed("a task has no connection"))?;
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

/// Accepts the client, or refuses it because of its origin; returns whether it accepted.
fn accept(
    socket: &impl SocketConsumer,
    reply_channel: &ReplyChannel,
    scope: &Scope,
) -> Result<bool, Error> {
    // An origin that is not text is not the origin of any page.
    let origin = scope.headers.get("origin").map(|origin| origin.to_str().unwrap_or_default());
    let allowed = origin.is_none_or(|origin| socket.check_origin(origin, scope));
    if !allowed {
        reply_channel.send(Reply::deny(StatusCode::FORBIDDEN))?;
        return Ok(false);
    }
    // A subprotocol that the client did not offer would make its handshake fail.
    let subprotocol = socket
        .select_subprotocol(&scope.subprotocols)
        .filter(|chosen| scope.subprotocols.contains(chosen));
    reply_channel.send(Reply::accept().with_subprotocol(subprotocol))?;
    Ok(true)
}
