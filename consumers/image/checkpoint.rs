//! The checkpoint before each stage of the work on a picture.

/// Called before each stage, with the stage's name, to ask whether to go on. Through it a
/// cancellation reaches the work, and progress reaches the client. It breaks with the error for the
/// client.
pub type Checkpoint<'a> = imaging::Checkpoint<'a, waterway::Error>;
