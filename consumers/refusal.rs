//! The answer to a client whose event its consumer cannot take now.

use http::StatusCode;
use waterway::message::Channel;
use waterway::{Error, Reply, code};

/// The result of a consumer that cannot take an event of this channel.
///
/// A client that asks for a WebSocket gets 503 with `Retry-After`, as one that sends an HTTP request
/// does; otherwise its connection would be opened only to be closed. Other errors, and other events,
/// are left as they are.
///
/// # Errors
/// The same error, unless it becomes a reply.
pub fn refusal(channel: Channel, error: Error) -> Result<Reply, Error> {
    if channel != Channel::Connect || error.code() != code::REFUSED {
        return Err(error);
    }
    let mut reply = Reply::deny(StatusCode::SERVICE_UNAVAILABLE);
    for (name, value) in Reply::error(&error).headers() {
        reply = reply.with_header(name.clone(), value.clone());
    }
    Ok(reply)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_connects_gets_503_and_others_the_error() {
        let error = |code: &'static str| Error::new(code, "full").with("retry_after_ms", 1500);
        let reply = refusal(Channel::Connect, error(code::REFUSED)).unwrap();
        assert_eq!(reply.status, Some(StatusCode::SERVICE_UNAVAILABLE));
        assert_eq!(reply.headers()["retry-after"], "2");
        assert!(reply.content.is_none());
        for (channel, code) in [
            (Channel::Connect, code::FAILED),
            (Channel::Receive, code::REFUSED),
            (Channel::Request, code::REFUSED),
            (Channel::Task, code::REFUSED),
        ] {
            assert_eq!(refusal(channel, error(code)).unwrap_err().code(), code);
        }
    }
}
