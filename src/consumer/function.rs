//! Consumers that are functions.

use std::future::Future;

use super::into_reply::IntoReply;
use crate::error::Error;
use crate::extract::{Binding, FromMessage};
use crate::message::Message;
use crate::reply::Reply;
use crate::setting::Mistake;

/// An `async fn` of up to eight arguments, each a [`FromMessage`], with a result that is an
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
            implements `IntoReply`"
)]
pub trait Consumer<A>: Send + Sync + 'static {
    /// Lets every argument look at the route.
    fn bind(&self, binding: &mut Binding, mistakes: &mut Vec<Mistake>);

    /// Takes the arguments from a message and works on it. The message itself is let go of before
    /// that: what no argument holds is free.
    fn consume(
        &self,
        message: Message,
        binding: &Binding,
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
            fn bind(&self, binding: &mut Binding, mistakes: &mut Vec<Mistake>) {
                <($($argument,)*)>::bind(binding, mistakes);
            }

            fn consume(
                &self,
                message: Message,
                binding: &Binding,
            ) -> impl Future<Output = Result<Reply, Error>> + Send {
                // Taken before the future begins, so that it borrows nothing but `self`.
                let arguments = <($($argument,)*)>::from_message(&message, binding);
                drop(message);
                async move {
                    #[allow(non_snake_case, reason = "named as their types are")]
                    let ($($argument,)*) = arguments?;
                    self($($argument),*).await.into_reply()
                }
            }
        }
    )*};
}

functions! {
    () (A1) (A1, A2) (A1, A2, A3) (A1, A2, A3, A4) (A1, A2, A3, A4, A5)
    (A1, A2, A3, A4, A5, A6) (A1, A2, A3, A4, A5, A6, A7) (A1, A2, A3, A4, A5, A6, A7, A8)
}
