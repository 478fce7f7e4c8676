//! A bucket of an S3-compatible service that stores files.

mod transit;

use std::ops::Range;
use std::sync::{Arc, Once};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::signer::Signer;
use object_store::{
    Attribute, AttributeValue, Attributes, ClientOptions, GetOptions, GetRange, ObjectStore,
    ObjectStoreExt, PutOptions, PutPayload, RetryConfig,
};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use waterway::Error;

use super::bucket_options::S3;
use super::error::failed;
use super::kind;

/// A bucket of an S3-compatible service. Clones are the same bucket and share its connections.
#[derive(Debug, Clone)]
pub struct Bucket(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: S3,
    store: AmazonS3,
    /// One permit for each KiB that may be passed on at a time.
    room: Arc<Semaphore>,
}

/// An object's metadata, known before the object is read.
pub(crate) struct Object {
    pub(crate) length: u64,
    pub(crate) etag: String,
    pub(crate) modified: SystemTime,
    /// Its type, if it is that of a picture, sound or film.
    pub(crate) kind: Option<&'static str>,
}

/// The longest that opening a connection may take. The time of the whole request may be shorter.
const CONNECT: Duration = Duration::from_secs(5);

/// Names are never used twice, so an object never changes.
const CACHE_CONTROL: &str = "max-age=31536000, immutable";

impl Bucket {
    /// The largest part of an object that is passed on through memory.
    pub(crate) const PASSED_ON_MAX: u64 = 64 << 20;

    /// KiB of objects that may be in memory at a time until clients have read them.
    const ROOM: usize = 256 << 10;

    /// A bucket. Sends no request yet.
    ///
    /// # Errors
    /// The reason why these settings do not work.
    pub(super) fn new(settings: S3) -> Result<Self, String> {
        static CRYPTOGRAPHY: Once = Once::new();
        CRYPTOGRAPHY.call_once(|| {
            // Fails if the program has installed another provider, which serves as well.
            let _ = rustls::crypto::ring::default_provider().install_default();
        });
        let store = builder(&settings).build().map_err(|error| error.to_string())?;
        let room = Arc::new(Semaphore::new(Self::ROOM));
        Ok(Self(Arc::new(Inner { settings, store, room })))
    }

    /// Stores a whole object or none, with the type that its first bytes show.
    pub(super) async fn keep(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let kind = kind::of(bytes);
        let text = |text: &'static str| AttributeValue::from(text);
        let mut attributes = Attributes::new();
        let shown = kind.unwrap_or("application/octet-stream");
        attributes.insert(Attribute::ContentType, text(shown));
        attributes.insert(Attribute::CacheControl, text(CACHE_CONTROL));
        if kind.is_none() {
            attributes.insert(Attribute::ContentDisposition, text("attachment"));
        }
        let payload = PutPayload::from(Bytes::copy_from_slice(bytes));
        let options = PutOptions { attributes, ..PutOptions::default() };
        let kept = self.0.store.put_opts(&self.path(name)?, payload, options).await;
        kept.map(drop).map_err(|error| self.failed("the picture could not be stored", name, &error))
    }

    /// Removes an object that no answer will name: soon, and on the runtime's own threads.
    pub(super) fn forget(&self, name: String) {
        // Without a runtime the process is ending, and the bucket's lifecycle rules remove the
        // object.
        let Ok(runtime) = Handle::try_current() else { return };
        let bucket = self.clone();
        runtime.spawn(async move {
            let Ok(path) = bucket.path(&name) else { return };
            match bucket.0.store.delete(&path).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => {
                    tracing::warn!(name, %error, "an object that no answer names may stay in the bucket");
                }
            }
        });
    }

    /// An address of an object that is valid for this long.
    pub(crate) async fn presigned(&self, name: &str, lasts: Duration) -> Result<String, Error> {
        let url = self.0.store.signed_url(http::Method::GET, &self.path(name)?, lasts).await;
        url.map(String::from)
            .map_err(|error| self.failed("the picture's address could not be signed", name, &error))
    }

    /// Looks for an object.
    ///
    /// # Errors
    /// `storage` if the bucket does not say whether the object exists.
    pub(crate) async fn find(&self, name: &str) -> Result<Option<Object>, Error> {
        // A name that is not a valid path names no object.
        let Ok(path) = self.path(name) else { return Ok(None) };
        let options = GetOptions { head: true, ..GetOptions::default() };
        let found = match self.0.store.get_opts(&path, options).await {
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            found => {
                found.map_err(|error| self.failed("the file could not be fetched", name, &error))?
            }
        };
        let claimed = found.attributes.get(&Attribute::ContentType);
        let length = found.meta.size;
        let tag = || format!("\"{:x}-{length:x}\"", found.meta.last_modified.timestamp_millis());
        Ok(Some(Object {
            length,
            etag: found.meta.e_tag.clone().unwrap_or_else(tag),
            modified: found.meta.last_modified.into(),
            kind: claimed.and_then(|claimed| kind::named(claimed.as_ref())),
        }))
    }

    /// Reads a part of an object, of at most [`PASSED_ON_MAX`](Self::PASSED_ON_MAX) bytes, once
    /// there is room for it in memory.
    pub(crate) async fn read(&self, name: &str, range: Range<u64>) -> Result<Bytes, Error> {
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        // At most 64 Ki of the permits, which fits into 32 bits. The semaphore is never closed.
        let permits = u32::try_from((range.end - range.start).div_ceil(1024)).unwrap_or(u32::MAX);
        let permit = Arc::clone(&self.0.room).acquire_many_owned(permits).await?;
        let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
        let bytes =
            async { self.0.store.get_opts(&self.path(name)?, options).await?.bytes().await };
        let bytes = bytes
            .await
            .map_err(|error| self.failed("the file could not be fetched", name, &error))?;
        Ok(Bytes::from_owner(Held { bytes, _permit: permit }))
    }

    /// An error whose cause, with the object's name, is written to the log.
    fn failed(&self, message: &'static str, name: &str, error: &object_store::Error) -> Error {
        let S3 { bucket, prefix, .. } = &self.0.settings;
        failed(message, format!("{}/{prefix}{name}: {error}", bucket.as_str()))
    }

    fn path(&self, name: &str) -> Result<Path, object_store::Error> {
        Ok(Path::parse(format!("{}{name}", self.0.settings.prefix))?)
    }
}

impl PartialEq for Bucket {
    fn eq(&self, other: &Self) -> bool {
        self.0.settings == other.0.settings
    }
}

/// Bytes with their permits, which are free again once the client has read the bytes.
struct Held {
    bytes: Bytes,
    _permit: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

fn builder(settings: &S3) -> AmazonS3Builder {
    let timeout = settings.timeout.duration();
    let mut builder = match (&settings.access_key, &settings.secret_key) {
        (Some(access), Some(secret)) => AmazonS3Builder::new()
            .with_access_key_id(access.expose())
            .with_secret_access_key(secret.expose()),
        _ => AmazonS3Builder::from_env(),
    };
    let bucket = settings.bucket.as_str();
    let mut plain = false;
    if let Some(endpoint) = &settings.endpoint {
        let endpoint = endpoint.as_str();
        plain = endpoint.starts_with("http://");
        let in_path = settings.path_style.unwrap_or(true);
        let endpoint = match endpoint.split_once("://").filter(|_| !in_path) {
            Some((scheme, host)) => format!("{scheme}://{bucket}.{host}"),
            None => endpoint.to_owned(),
        };
        builder = builder.with_endpoint(endpoint).with_virtual_hosted_style_request(!in_path);
    } else {
        let in_path = settings.path_style.unwrap_or(false);
        builder = builder.with_virtual_hosted_style_request(!in_path);
    }
    let client = ClientOptions::new()
        .with_allow_http(plain)
        .with_connect_timeout(timeout.min(CONNECT))
        .with_timeout(timeout);
    let attempts = u32::from(settings.retries) + 1;
    let retry = RetryConfig {
        max_retries: settings.retries.into(),
        retry_timeout: timeout * attempts,
        ..RetryConfig::default()
    };
    builder
        .with_bucket_name(bucket)
        .with_region(settings.region.as_deref().unwrap_or("us-east-1"))
        .with_disable_bulk_delete(true)
        .with_client_options(client)
        .with_retry(retry)
}
