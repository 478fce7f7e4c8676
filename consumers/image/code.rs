//! The codes of the picture service's own errors, in addition to [`waterway::code`].

/// The message's body is not a picture that this service accepts.
pub const BAD_IMAGE: &str = "bad_image";
/// A step of the pipeline could not be done on this picture.
pub const STEP_FAILED: &str = "step_failed";
