//! Reads the body of a request to the admin listener.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use hyper::body::{Body, Bytes, Incoming};
use tokio::time::timeout;

use crate::error::{Error, code};

/// Reads a body of at most `limit` bytes within `patience`.
///
/// # Errors
/// `too_big`; `bad_message` if the body does not arrive.
pub(super) async fn read(body: Incoming, limit: usize, patience: Duration) -> Result<Bytes, Error> {
    let too_big = || Error::new(code::TOO_BIG, format!("the body may have at most {limit} bytes"));
    if body.size_hint().lower() > limit as u64 {
        return Err(too_big());
    }
    let whole = async {
        let (mut body, mut bytes) = (body, Vec::new());
        while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
            let broken = |error: hyper::Error| {
                Error::new(code::BAD_MESSAGE, "the body was cut short").because(error)
            };
            let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
            if bytes.len() + data.len() > limit {
                return Err(too_big());
            }
            bytes.extend_from_slice(&data);
        }
        Ok(bytes.into())
    };
    let late = |_| Error::new(code::BAD_MESSAGE, "the body did not arrive in time");
    timeout(patience, whole).await.map_err(late)?
}
