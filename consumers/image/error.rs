//! Errors of `imaging` as errors for clients.

use imaging::ErrorKind;
use waterway::{Error, code};

use super::code::{BAD_IMAGE, STEP_FAILED};

/// How long a client should wait before it sends a picture again after a lack of memory, in
/// milliseconds.
const RETRY_MS: u64 = 1000;

/// The same error with this service's code for its kind.
pub(super) fn reported(error: imaging::Error) -> Error {
    let kind = error.kind();
    let (message, source) = error.into_parts();
    let code = match kind {
        ErrorKind::BadPicture => BAD_IMAGE,
        ErrorKind::Enlarged => code::BAD_HEADER,
        ErrorKind::StepFailed => STEP_FAILED,
        ErrorKind::NoMemory => code::REFUSED,
        _ => return Error::failed(source.unwrap_or_else(|| message.into())),
    };
    let mut reported = Error::new(code, message);
    if kind == ErrorKind::NoMemory {
        reported = reported.with("retry_after_ms", RETRY_MS);
    }
    match source {
        Some(source) => reported.because(source),
        None => reported,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_error_has_its_code() {
        for (kind, code, message) in [
            (ErrorKind::BadPicture, "bad_image", "why"),
            (ErrorKind::Enlarged, "bad_header", "why"),
            (ErrorKind::StepFailed, "step_failed", "why"),
            (ErrorKind::NoMemory, "refused", "why"),
            (ErrorKind::Failed, "failed", "the consumer failed"),
        ] {
            let reported = reported(imaging::Error::new(kind, "why").because("for the log"));
            assert_eq!((reported.code(), reported.message()), (code, message));
            let retry = reported.field("retry_after_ms").is_some();
            assert_eq!(retry, kind == ErrorKind::NoMemory, "{kind:?}");
            assert!(reported.to_string().ends_with("for the log"), "{reported}");
        }
    }
}
