//! What a consumer may return.

use std::fmt;

use bytes::Bytes;
use bytestring::ByteString;
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;

use crate::error::Error;
use crate::extract::Json;
use crate::reply::{Payload, Reply};

/// A consumer's result: a reply, something that becomes one, nothing, or an error.
///
/// ```
/// use waterway::http::{Method, StatusCode, header};
/// use waterway::testing::TestClient;
/// use waterway::{Path, Registry, Router};
///
/// async fn teapot(Path(name): Path<String>) -> (StatusCode, [(&'static str, String); 1], &'static str) {
///     (StatusCode::IM_A_TEAPOT, [("x-pot", name)], "short and stout")
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let registry = Registry::new().function("teapot", teapot);
/// let table = "[[route]]\nchannel = 'http.request'\npath = '/pot/{name}'\nconsumer = 'teapot'";
/// let router = Router::parse(table, &registry).expect("the table is sound");
///
/// let reply = TestClient::request(&router, Method::GET, "/pot/blue", "").await;
/// assert_eq!(reply.status, Some(StatusCode::IM_A_TEAPOT));
/// assert_eq!(reply.headers()["x-pot"], "blue");
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the result of a consumer",
    note = "return `()`, a `Reply`, a text, bytes, `Json<T>`, a `StatusCode`, `(StatusCode, body)`, \
            `(StatusCode, [(name, value)], body)`, an `Option` of one of them, or a `Result` of one \
            of them with an error that `?` turns into `waterway::Error`"
)]
pub trait IntoReply {
    /// The reply; an empty one sends nothing.
    ///
    /// # Errors
    /// The consumer's own.
    fn into_reply(self) -> Result<Reply, Error>;
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
}

impl<T: IntoReply, E: Into<Error>> IntoReply for Result<T, E> {
    fn into_reply(self) -> Result<Reply, Error> {
        self.map_err(Into::into)?.into_reply()
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
