//! What a consumer may return.

use bytes::Bytes;
use bytestring::ByteString;
use serde::Serialize;

use crate::error::Error;
use crate::extract::Json;
use crate::reply::{Payload, Reply};

/// A consumer's result: a reply, something that becomes one, nothing, or an error.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the result of a consumer",
    note = "return `()`, a `Reply`, a text, bytes, `Json<T>`, an `Option` of one of them, or a \
            `Result` of one of them with an error that `?` turns into `waterway::Error`"
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
        Ok(self)
    }
}

impl IntoReply for Error {
    fn into_reply(self) -> Result<Reply, Error> {
        Err(self)
    }
}
