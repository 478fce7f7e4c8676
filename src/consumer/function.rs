//! Consumers that are functions.

use std::future::Future;

use super::into_reply::IntoReply;
use crate::action::OpenEvent;
use crate::error::Error;
use crate::extract::{FromMessage, Given, RouteCheck};
use crate::message::Message;
use crate::reply::Reply;

/// An `async fn` of up to eight arguments, each a [`FromMessage`], whose result is an
/// [`IntoReply`]. The parameter `A` is the tuple of its arguments; it is never written out.
///
/// ```
/// use waterway::{Path, Registry, Text};
///
/// async fn receive(Path(name): Path<String>, Text(text): Text) -> String {
///     format!("{name}: {text}")
/// }
///
/// let registry = Registry::new().function("parrot", receive);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a consumer",
    note = "a consumer is an `async fn` whose arguments implement `FromMessage` and whose result \
            implements `IntoReply`",
    note = "write `#[waterway::consumer]` above the function, and the compiler names the argument, \
            the result or the value without `Send` that is wrong"
)]
pub trait Consumer<A>: Send + Sync + 'static {
    /// Lets every argument check the route.
    fn check(&self, route: &mut RouteCheck<'_>);

    /// Takes the arguments from a message, drops the message, and calls the function. Parts of the
    /// message that no argument holds are freed before the call.
    fn consume(
        &self,
        message: Message,
        given: &Given,
    ) -> impl Future<Output = Result<Reply, Error>> + Send;
}

macro_rules! functions {
    ($(($($argument:ident),*))*) => {$(
        impl<F, R, Fut, $($argument),*> Consumer<($($argument,)*)> for F
        where
            F: Fn($($argument),*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = R> + Send,
            R: IntoReply,
            $($argument: FromMessage + Send,)*
        {
            fn check(&self, route: &mut RouteCheck<'_>) {
                <($($argument,)*)>::check(route);
            }

            fn consume(
                &self,
                message: Message,
                given: &Given,
            ) -> impl Future<Output = Result<Reply, Error>> + Send {
                // Taken before the future begins, so that it borrows only `self`.
                let arguments = <($($argument,)*)>::from_message(&message, given);
                let event = R::ACTS.then(|| OpenEvent::from_message(&message, given)).transpose();
                drop(message);
                async move {
                    #[allow(non_snake_case, reason = "named as their types are")]
                    let ($($argument,)*) = arguments?;
                    let event = event?;
                    self($($argument),*).await.end(event).await
                }
            }
        }
    )*};
}

functions! {
    () (A1) (A1, A2) (A1, A2, A3) (A1, A2, A3, A4) (A1, A2, A3, A4, A5)
    (A1, A2, A3, A4, A5, A6) (A1, A2, A3, A4, A5, A6, A7) (A1, A2, A3, A4, A5, A6, A7, A8)
}
