//! The kind `s3` of `[layer] store`: a bucket for contents of queued tasks.

use std::sync::Arc;

use waterway::queue::TransitStore;

use super::bucket::Bucket;
use super::bucket_options::S3;

/// A bucket for contents of queued tasks. Sends no request yet.
///
/// # Errors
/// The reason why these settings do not work, and the way out on a second line.
pub fn transit(settings: S3) -> Result<Arc<dyn TransitStore>, String> {
    settings.check()?;
    // Only whole parts of paths can be listed.
    if settings.prefix.len() < 2 || !settings.prefix.ends_with('/') {
        return Err("the contents of tasks need a prefix of their own in the bucket\n\
                    write prefix = \"transit/\""
            .to_owned());
    }
    Ok(Arc::new(Bucket::new(settings)?))
}
