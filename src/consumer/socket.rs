//! Consumers that keep state for a connection, like Tornado's `WebSocketHandler` and Channels'
//! consumer classes.

use std::future::Future;

use crate::error::Error;
use crate::extract::{FromMessage, Given, RouteCheck};
use crate::message::{Message, Scope};
use crate::reply::{Payload, ReplyChannel};

/// A consumer that has an instance for every connection, routed by `channel = "websocket.*"`.
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
    /// Whether a client whose page has this origin may connect; otherwise it gets HTTP 403. It is
    /// not called for a client without an `Origin` header, as in Tornado's `check_origin`. By
    /// default `[server] origins` decides.
    fn check_origin(&self, origin: &str, scope: &Scope) -> bool {
        let _ = origin;
        scope.origin_allowed
    }

    /// The subprotocol to choose among those that the client offers; none by default.
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

    /// The client has left, whichever side closed the connection; the instance is dropped after
    /// this. It is not called for a client that was refused before [`open`](Self::open).
    fn on_close(&mut self, code: u16) -> impl Future<Output = Result<(), Error>> + Send {
        let _ = code;
        async { Ok(()) }
    }
}

/// A function that makes the instance for a connection, with up to four arguments, each a
/// [`FromMessage`] taken from the connection's first message.
pub trait Constructor<A, S: SocketConsumer>: Send + Sync + 'static {
    /// Lets every argument check the route.
    fn check(&self, route: &mut RouteCheck<'_>);

    /// Makes the instance.
    ///
    /// # Errors
    /// If an argument cannot be taken from the message.
    fn construct(&self, message: &Message, given: &Given) -> Result<S, Error>;
}

macro_rules! constructors {
    ($(($($argument:ident),*))*) => {$(
        impl<F, S, $($argument),*> Constructor<($($argument,)*), S> for F
        where
            F: Fn($($argument),*) -> S + Send + Sync + 'static,
            S: SocketConsumer,
            $($argument: FromMessage,)*
        {
            fn check(&self, route: &mut RouteCheck<'_>) {
                <($($argument,)*)>::check(route);
            }

            fn construct(&self, message: &Message, given: &Given) -> Result<S, Error> {
                #[allow(non_snake_case, reason = "named as their types are")]
                let ($($argument,)*) = <($($argument,)*)>::from_message(message, given)?;
                Ok(self($($argument),*))
            }
        }
    )*};
}

constructors! { () (A1) (A1, A2) (A1, A2, A3) (A1, A2, A3, A4) }
