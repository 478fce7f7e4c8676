//! `media`: serves the files of one folder, and never leaves it; or the objects of a bucket.

mod conditions;

use std::fs::{File, Metadata};
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Component, Path as FilePath};
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use serde::Deserialize;
use waterway::{Content, Error, FilePart, Message, Options, Path, Payload, Reply, Scope, code};

use crate::storage::{Bucket, Folder, Storage, kind};
use conditions::{Condition, Validators};

/// `[consumer.NAME]` with `use = "media"`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Media {
    /// The folder, `"media"` by default, or the bucket.
    #[serde(alias = "folder")]
    pub storage: Storage,
    /// What the names of files that may be fetched begin with; by default `""`, which is all.
    pub prefix: String,
    /// How long a browser may keep a file without asking again. The names that pictures get are
    /// never used twice, so the default is a year.
    pub keep: waterway::Time,
}

impl Default for Media {
    fn default() -> Self {
        const YEAR: u64 = 365 * 24 * 3600;
        Self {
            storage: Storage::default(),
            prefix: String::new(),
            keep: waterway::Time::from_secs(YEAR),
        }
    }
}

/// Sends a file, or the part of it that the client asks for, with the type that its first bytes
/// show. What is not a picture, sound or film is sent as a download. The request's conditions are
/// obeyed (RFC 9110, section 13): 304 for a file that the client has, 412 for one that is not the
/// one it expects.
///
/// # Errors
/// `not_found` for whatever is not a file in the folder.
pub async fn media(
    Path(name): Path<String>,
    message: Message,
    options: Options<Media>,
) -> Result<Reply, Error> {
    let Content::Request { method, .. } = &message.content else {
        return Err(Error::new(code::BAD_MESSAGE, "files are fetched over HTTP"));
    };
    if method != Method::GET && method != Method::HEAD {
        return Ok(Reply::status(StatusCode::METHOD_NOT_ALLOWED)
            .with_header(header::ALLOW, HeaderValue::from_static("GET, HEAD")));
    }
    if !is_served(&options, &name) {
        return Err(not_found());
    }
    let folder = match &options.storage {
        Storage::Folder(folder) => folder.clone(),
        Storage::S3(bucket) => return from_bucket(bucket, &name, &message.scope, &options).await,
    };
    // Opening a file can take as long as the disk likes.
    let asked = name.clone();
    let place = folder.clone();
    let opened = tokio::task::spawn_blocking(move || find(&place, &asked)).await?;
    let found = opened.map_err(|error| {
        if !is_of_the_name(&error) {
            let path = folder.path().join(&name);
            tracing::warn!(path = %path.display(), %error, "a file cannot be served");
        }
        not_found()
    })?;
    Ok(from_file(found, &message.scope, &options))
}

/// A file that was found, and what its first bytes show.
struct Found {
    file: File,
    metadata: Metadata,
    kind: Option<&'static str>,
}

/// Opens the file of this plain name, wherever in the folder it is.
fn find(folder: &Folder, name: &str) -> io::Result<Found> {
    let [by_time, flat] = folder.places(name);
    match open(folder.path(), &by_time) {
        Err(error) if is_of_the_name(&error) && by_time != flat => open(folder.path(), &flat),
        found => found,
    }
}

/// Opens a file, if it is in the folder.
fn open(folder: &FilePath, path: &FilePath) -> io::Result<Found> {
    let folder = folder.canonicalize()?;
    let path = path.canonicalize()?;
    // A link that leads out of the folder is not followed.
    if !path.starts_with(&folder) {
        return Err(io::ErrorKind::NotFound.into());
    }
    // Looked at before it is opened: to open a pipe would wait for whoever writes to it.
    if !path.metadata()?.is_file() {
        return Err(io::ErrorKind::NotFound.into());
    }
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::ErrorKind::NotFound.into());
    }
    let mut first = [0; kind::FIRST_BYTES];
    let read = file.read_at(&mut first, 0)?;
    Ok(Found { file, metadata, kind: kind::of(&first[..read]) })
}

/// Whether an error only says that there is no file of this name.
fn is_of_the_name(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidFilename, InvalidInput, NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory | InvalidFilename | InvalidInput)
}

fn is_served(options: &Media, name: &str) -> bool {
    is_plain(name) && name.starts_with(&options.prefix)
}

/// Whether a name has only plain parts: no `..`, nothing absolute, no file that hides behind a dot
/// (which is how files are named while they are written).
fn is_plain(name: &str) -> bool {
    let plain = |part: Component<'_>| match part {
        Component::Normal(part) => !part.as_encoded_bytes().starts_with(b"."),
        _ => false,
    };
    !name.is_empty() && !name.contains(['\0', '\\']) && FilePath::new(name).components().all(plain)
}

fn from_file(found: Found, scope: &Scope, options: &Media) -> Reply {
    let length = found.metadata.len();
    let validators = Validators::of(&found.metadata);
    let (reply, range) = answer(&validators, length, found.kind, scope, options);
    match range {
        Some(range) => reply.with_file(FilePart { file: Arc::new(found.file), range }),
        None => reply,
    }
}

/// Passes an object on, under the same rules as a file; one that is too large to hold in memory
/// has its client sent to the bucket.
async fn from_bucket(
    bucket: &Bucket,
    name: &str,
    scope: &Scope,
    options: &Media,
) -> Result<Reply, Error> {
    let Some(found) = bucket.find(name).await? else { return Err(not_found()) };
    let validators = Validators::tagged(found.etag, found.modified);
    let (mut reply, range) = answer(&validators, found.length, found.kind, scope, options);
    if let Some(range) = range {
        if range.end - range.start > Bucket::PASSED_ON_MAX {
            let url = bucket.presigned(name, REDIRECTED_FOR).await?;
            let mut reply = Reply::status(StatusCode::FOUND);
            set(&mut reply, header::LOCATION, &url);
            set(&mut reply, header::CACHE_CONTROL, "no-store");
            return Ok(reply);
        }
        reply.content = Some(Payload::Binary(bucket.read(name, range).await?));
    }
    Ok(reply)
}

/// How long a client may take to follow where it is sent.
const REDIRECTED_FOR: Duration = Duration::from_secs(300);

/// All but the body, and which part of the file that is to be.
fn answer(
    validators: &Validators,
    length: u64,
    kind: Option<&'static str>,
    scope: &Scope,
    options: &Media,
) -> (Reply, Option<Range<u64>>) {
    // What a token was asked for is not for caches that others share.
    let whose = if scope.claims.is_some() { "private" } else { "public" };
    let keep = format!("{whose}, max-age={}, immutable", options.keep.duration().as_secs());
    let mut reply = Reply::status(StatusCode::OK)
        .with_header(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"))
        .with_header(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"))
        .with_header(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    set(&mut reply, header::CACHE_CONTROL, &keep);
    set(&mut reply, header::ETAG, &validators.etag);
    set(&mut reply, header::LAST_MODIFIED, &validators.modified);
    let range = match validators.examine(&scope.headers, length) {
        Condition::Failed => return (refused(reply, StatusCode::PRECONDITION_FAILED), None),
        Condition::NotModified => return (reply.with_status(StatusCode::NOT_MODIFIED), None),
        Condition::Unsatisfiable => {
            set(&mut reply, header::CONTENT_RANGE, &format!("bytes */{length}"));
            return (refused(reply, StatusCode::RANGE_NOT_SATISFIABLE), None);
        }
        Condition::Whole => 0..length,
        Condition::Part(range) => {
            let (first, last) = (range.start, range.end - 1);
            set(&mut reply, header::CONTENT_RANGE, &format!("bytes {first}-{last}/{length}"));
            reply = reply.with_status(StatusCode::PARTIAL_CONTENT);
            range
        }
    };
    set(&mut reply, header::CONTENT_TYPE, kind.unwrap_or("application/octet-stream"));
    if kind.is_none() {
        set(&mut reply, header::CONTENT_DISPOSITION, "attachment");
    }
    (reply, Some(range))
}

/// A refusal, which caches must not keep as if it were the file.
fn refused(mut reply: Reply, status: StatusCode) -> Reply {
    set(&mut reply, header::CACHE_CONTROL, "no-store");
    reply.with_status(status)
}

/// Whatever a file is, as a page of its own it may do nothing.
const POLICY: &str = "default-src 'none'; sandbox";

fn set(reply: &mut Reply, name: HeaderName, value: &str) {
    // All of them are ASCII.
    if let Ok(value) = HeaderValue::from_str(value) {
        reply.headers_mut().insert(name, value);
    }
}

fn not_found() -> Error {
    Error::new(code::NOT_FOUND, "there is no such file")
}

#[cfg(test)]
mod tests;
