//! The result types of consumers.

use std::fmt;
use std::future::{Future, ready};

use bytes::Bytes;
use bytestring::ByteString;
use futures_util::future::Either;
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;

use crate::action::{Actions, OpenEvent};
use crate::error::Error;
use crate::extract::Json;
use crate::reply::{Payload, Reply};

/// The result of a consumer: a reply, a value that becomes one, nothing, or an error.
///
/// ```
/// use waterway::http::{Method, StatusCode, header};
/// use waterway::testing::{self, TestClient};
/// use waterway::{Path, Registry};
///
/// async fn teapot(Path(name): Path<String>) -> (StatusCode, [(&'static str, String); 1], &'static str) {
///     (StatusCode::IM_A_TEAPOT, [("x-pot", name)], "short and stout")
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let registry = Registry::new().function("teapot", teapot);
/// let table = "[[route]]\nchannel = 'http.request'\npath = '/pot/{name}'\nconsumer = 'teapot'";
/// let service = testing::start(table, &registry).await;
///
/// let reply = TestClient::request(&service, Method::GET, "/pot/blue", "").await;
/// assert_eq!(reply.status, Some(StatusCode::IM_A_TEAPOT));
/// assert_eq!(reply.headers()["x-pot"], "blue");
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the result of a consumer",
    note = "return `()`, a `Reply`, `Actions`, a text, bytes, `Json<T>`, a `StatusCode`, `(StatusCode, body)`, \
            `(StatusCode, [(name, value)], body)`, an `Option` of one of them, or a `Result` of one \
            of them with an error that `?` turns into `waterway::Error`"
)]
pub trait IntoReply {
    /// The reply; an empty one sends nothing.
    ///
    /// # Errors
    /// The consumer's own error.
    fn into_reply(self) -> Result<Reply, Error>;

    /// Whether it may be [`Actions`], which need the event.
    #[doc(hidden)]
    const ACTS: bool = false;

    /// Ends the event with this result. The event is there if [`ACTS`](Self::ACTS) says so.
    #[doc(hidden)]
    fn end(self, event: Option<OpenEvent>) -> impl Future<Output = Result<Reply, Error>> + Send
    where
        Self: Sized,
    {
        drop(event);
        ready(self.into_reply())
    }
}

impl IntoReply for Actions {
    const ACTS: bool = true;

    fn into_reply(self) -> Result<Reply, Error> {
        if self.is_empty() {
            Ok(Reply::default())
        } else {
            Err(Error::failed("actions need an event"))
        }
    }

    async fn end(self, event: Option<OpenEvent>) -> Result<Reply, Error> {
        match event {
            Some(event) => event.end(self).await,
            None => self.into_reply(),
        }
    }
}

impl IntoReply for () {
    fn into_reply(self) -> Result<Reply, Error> {
        Ok(Reply::default())
    }
}

impl<T: IntoReply> IntoReply for Option<T> {
    fn into_reply(self) -> Result<Reply, Error> {
        self.map_or_else(|| Ok(Reply::default()), IntoReply::into_reply)
    }

    const ACTS: bool = T::ACTS;

    fn end(self, event: Option<OpenEvent>) -> impl Future<Output = Result<Reply, Error>> + Send {
        match self {
            Some(result) => Either::Left(result.end(event)),
            None => Either::Right(ready(Ok(Reply::default()))),
        }
    }
}

impl<T: IntoReply, E: Into<Error>> IntoReply for Result<T, E> {
    fn into_reply(self) -> Result<Reply, Error> {
        self.map_err(Into::into)?.into_reply()
    }

    const ACTS: bool = T::ACTS;

    fn end(self, event: Option<OpenEvent>) -> impl Future<Output = Result<Reply, Error>> + Send {
        match self {
            Ok(result) => Either::Left(result.end(event)),
            Err(error) => Either::Right(ready(Err(error.into()))),
        }
    }
}

impl<T: Serialize> IntoReply for Json<T> {
    fn into_reply(self) -> Result<Reply, Error> {
        Reply::json(&self.0)
    }
}

macro_rules! content {
    ($($type:ty),* $(,)?) => {$(
        impl IntoReply for $type {
            fn into_reply(self) -> Result<Reply, Error> {
                Ok(Payload::from(self).into())
            }
        }
    )*};
}

content!(String, &'static str, ByteString, Vec<u8>, Bytes, Payload);

impl IntoReply for Reply {
    fn into_reply(self) -> Result<Reply, Error> {
        self.checked()
    }
}

/// A response without a body.
impl IntoReply for StatusCode {
    fn into_reply(self) -> Result<Reply, Error> {
        Ok(Reply::status(self))
    }
}

/// A response with this status.
impl<T: IntoReply> IntoReply for (StatusCode, T) {
    fn into_reply(self) -> Result<Reply, Error> {
        Ok(self.1.into_reply()?.with_status(self.0))
    }
}

/// A response with this status and these headers.
impl<N, V, T, const COUNT: usize> IntoReply for (StatusCode, [(N, V); COUNT], T)
where
    N: TryInto<HeaderName, Error: fmt::Display>,
    V: TryInto<HeaderValue, Error: fmt::Display>,
    T: IntoReply,
{
    fn into_reply(self) -> Result<Reply, Error> {
        let (status, headers, body) = self;
        let reply = body.into_reply()?.with_status(status);
        headers.into_iter().fold(reply, |reply, (name, v)| reply.with_header(name, v)).checked()
    }
}

impl IntoReply for Error {
    fn into_reply(self) -> Result<Reply, Error> {
        Err(self)
    }
}
