//! How an exchange with a webhook fails.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::time::Duration;

use http::StatusCode;
use waterway::Time;
use waterway::setting::Size;

/// Why an event was not answered. Its `Display` is for the log, and follows the webhook's name.
#[derive(Debug)]
pub(super) enum Failure {
    /// Events may not be sent to any address of the host.
    Forbidden(Forbidden),
    /// The host is unknown, or does not accept connections.
    Unreachable(Cause),
    /// The host's certificate is wrong.
    Certificate(Cause),
    /// The connection broke, or the answer was not HTTP.
    Broken(Cause),
    /// The exchange took longer than it may.
    Slow(Time),
    /// An answer with another status than success, and after how long the webhook asks to be tried
    /// again.
    Status { status: StatusCode, retry_after: Option<Duration> },
    /// A redirect, which is not followed.
    Redirect { status: StatusCode, to: String },
    /// The answer is too large.
    TooLarge(Size),
    /// The content is not an answer.
    Wrong { mistake: String, kind: String },
}

pub(super) type Cause = Box<dyn StdError + Send + Sync>;

/// None of a host's addresses is public.
#[derive(Debug)]
pub(super) struct Forbidden {
    pub(super) host: String,
    pub(super) address: String,
}

impl Failure {
    /// A failure to connect or to exchange messages.
    pub(super) fn of(error: impl Into<Cause>, connected: bool) -> Self {
        let mut cause: Cause = error.into();
        if let Some(forbidden) = find::<Forbidden>(cause.as_ref()) {
            let Forbidden { host, address } = forbidden;
            let (host, address) = (host.clone(), address.clone());
            return Self::Forbidden(Forbidden { host, address });
        }
        let certificate = find::<rustls::Error>(cause.as_ref()).and_then(|error| match error {
            rustls::Error::InvalidCertificate(_) => Some(error.clone()),
            _ => None,
        });
        if let Some(certificate) = certificate {
            cause = certificate.into();
            return Self::Certificate(cause);
        }
        if connected { Self::Broken(cause) } else { Self::Unreachable(cause) }
    }

    /// Whether the same event may succeed later.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Broken(_) | Self::Slow(_) => true,
            Self::Status { status, .. } => {
                matches!(status.as_u16(), 408 | 425 | 429) || status.is_server_error()
            }
            Self::Forbidden(_)
            | Self::Certificate(_)
            | Self::Redirect { .. }
            | Self::TooLarge(_)
            | Self::Wrong { .. } => false,
        }
    }

    /// Whether it says that the webhook as a whole is not available. Other failures may be due to
    /// one event, and one client's event must not keep the events of others from the webhook.
    pub(super) fn is_outage(&self) -> bool {
        match self {
            Self::Unreachable(_)
            | Self::Certificate(_)
            | Self::Forbidden(_)
            | Self::Broken(_)
            | Self::Slow(_) => true,
            Self::Status { status, .. } => matches!(status.as_u16(), 429 | 502..=504),
            Self::Redirect { .. } | Self::TooLarge(_) | Self::Wrong { .. } => false,
        }
    }

    /// After how long the webhook asks to be tried again.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forbidden(forbidden) => forbidden.fmt(f),
            Self::Unreachable(cause) => write!(f, "cannot be reached: {}", Chain(cause)),
            Self::Certificate(cause) => write!(f, "has a wrong certificate: {}", Chain(cause)),
            Self::Broken(cause) => write!(f, "broke off the exchange: {}", Chain(cause)),
            Self::Slow(limit) => write!(f, "did not answer within {limit} (`timeout`)"),
            Self::Status { status, .. } => write!(f, "answered with the status {status}"),
            Self::Redirect { status, to } => {
                write!(f, "redirects to {to:?} ({status}), which is not followed")
            }
            Self::TooLarge(limit) => write!(f, "answered with more than {limit} (`line`)"),
            Self::Wrong { mistake, kind } => {
                write!(f, "answered with the wrong content, of type {kind:?}: {mistake}")
            }
        }
    }
}

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, address } = self;
        write!(
            f,
            "has the address {address}, which is not public: name {host} in `hosts` if events may go there"
        )
    }
}

impl StdError for Forbidden {}

/// An error with its causes, each once.
struct Chain<'a>(&'a Cause);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = self.0.to_string();
        let mut cause = self.0.source();
        while let Some(error) = cause {
            let text = error.to_string();
            if !shown.ends_with(&text) {
                shown.extend([": ", &text]);
            }
            cause = error.source();
        }
        f.write_str(&shown)
    }
}

/// The error of this type among an error and its causes.
fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut error = Some(error);
    while let Some(found) = error {
        if let Some(found) = found.downcast_ref() {
            return Some(found);
        }
        // The source of an `io::Error` is the source of the error in it.
        let inner = found.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        error = match inner {
            Some(inner) => Some(inner),
            None => found.source(),
        };
    }
    None
}
