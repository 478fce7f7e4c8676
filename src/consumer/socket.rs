//! Consumers that keep state for a connection, as Tornado's `WebSocketHandler` and Channels'
//! consumer classes do.

use std::future::Future;

use crate::error::Error;
use crate::extract::{Binding, FromMessage};
use crate::message::{Message, Scope};
use crate::reply::{Payload, ReplyChannel};
use crate::setting::Mistake;

/// A consumer of which every connection has an instance of its own, routed by
/// `channel = "websocket.*"`.
///
/// ```
/// use waterway::{Error, Payload, Reply, ReplyChannel, Registry, SocketConsumer};
///
/// #[derive(Default)]
/// struct Count(u64);
///
/// impl SocketConsumer for Count {
///     async fn on_message(&mut self, socket: &ReplyChannel, _: Payload) -> Result<(), Error> {
///         self.0 += 1;
///         socket.send(self.0.to_string())
///     }
/// }
///
/// let registry = Registry::new().socket("count", Count::default);
/// ```
pub trait SocketConsumer: Send + 'static {
    /// Whether a client whose page is of this origin may connect; else it gets HTTP 403. It is
    /// not asked about a client without an `Origin` header, as in Tornado's `check_origin`.
    /// By default `[server] origins` decides.
    fn check_origin(&self, origin: &str, scope: &Scope) -> bool {
        let _ = origin;
        scope.origin_allowed
    }

    /// The subprotocol to connect with, one of those that the client offers; none by default.
    fn select_subprotocol(&self, offered: &[String]) -> Option<String> {
        let _ = offered;
        None
    }

    /// The client is connected.
    fn open(&mut self, socket: &ReplyChannel) -> impl Future<Output = Result<(), Error>> + Send {
        let _ = socket;
        async { Ok(()) }
    }

    /// The client sent a text or bytes.
    fn on_message(
        &mut self,
        socket: &ReplyChannel,
        message: Payload,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// The client has left, whoever closed and why; the instance is dropped after this. It is not
    /// called for a client that was refused before [`open`](Self::open).
    fn on_close(&mut self, code: u16) -> impl Future<Output = Result<(), Error>> + Send {
        let _ = code;
        async { Ok(()) }
    }
}

/// What makes the instance for a connection: a function of up to four arguments, each a
/// [`FromMessage`] taken from the connection's first message.
pub trait Constructor<A, S: SocketConsumer>: Send + Sync + 'static {
    /// Lets every argument look at the route.
    fn bind(&self, binding: &mut Binding, mistakes: &mut Vec<Mistake>);

    /// Makes the instance.
    ///
    /// # Errors
    /// When an argument cannot be taken from the message.
    fn construct(&self, message: &Message, binding: &Binding) -> Result<S, Error>;
}

macro_rules! constructors {
    ($(($($argument:ident),*))*) => {$(
        impl<F, S, $($argument),*> Constructor<($($argument,)*), S> for F
        where
            F: Fn($($argument),*) -> S + Send + Sync + 'static,
            S: SocketConsumer,
            $($argument: FromMessage,)*
        {
            fn bind(&self, binding: &mut Binding, mistakes: &mut Vec<Mistake>) {
                <($($argument,)*)>::bind(binding, mistakes);
            }

            fn construct(&self, message: &Message, binding: &Binding) -> Result<S, Error> {
                #[allow(non_snake_case, reason = "named as their types are")]
                let ($($argument,)*) = <($($argument,)*)>::from_message(message, binding)?;
                Ok(self($($argument),*))
            }
        }
    )*};
}

constructors! { () (A1) (A1, A2) (A1, A2, A3) (A1, A2, A3, A4) }
