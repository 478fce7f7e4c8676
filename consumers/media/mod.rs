//! `media`: serves the files of one folder and nothing outside it, or the objects of a bucket.

use std::fs::{File, Metadata};
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Method, StatusCode, header};
use schemars::JsonSchema;
use serde::Deserialize;
use waterway::message::{Content, Scope};
use waterway::reply::FilePart;
use waterway::{Error, Message, Options, Path, Payload, Reply, code};

use crate::files::{self, Links, Validators, is_of_the_name, set};
use crate::storage::{self, Bucket, Folder, Storage, kind};

/// Which files are served, and how long browsers keep them.
///
/// `media` never leaves its folder. It finds a picture in its folder by time, or at the top. It does
/// not serve a file whose name begins with a dot. A file that is not a picture, sound or film is sent
/// as a download. An object of more than 64 MiB in a bucket is answered with a redirect to a presigned
/// URL.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(transform = storage::or_folder)]
pub struct Media {
    /// In place of `folder`: `{ folder = "media" }`, or a bucket, `{ s3 = { … } }`.
    #[serde(alias = "folder")]
    #[schemars(extend("x-default" = "`folder`"))]
    pub storage: Storage,
    /// Beginning of the names that may be fetched; `""` allows all.
    pub prefix: String,
    /// Time that browsers may keep a file without asking again. The service never uses a picture's
    /// name twice.
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

/// Sends a file, or the part that the client asks for, with the type that its first bytes show. A
/// file other than a picture, sound or film is sent as a download. The request's conditions are
/// obeyed (RFC 9110, section 13): 304 if the client has the file already, 412 if the client expects
/// another version.
///
/// # Errors
/// `not_found` if the name is not that of a file in the folder.
pub async fn media(
    Path(name): Path<String>,
    message: Message,
    options: Options<Media>,
) -> Result<Reply, Error> {
    let (Content::Request { method, .. }, Some(scope)) = (&message.content, message.scope()) else {
        return Err(Error::new(code::BAD_MESSAGE, "files are fetched over HTTP"));
    };
    if method != Method::GET && method != Method::HEAD {
        return Ok(files::method_not_allowed());
    }
    if !is_served(&options, &name) {
        return Err(not_found());
    }
    let folder = match &options.storage {
        Storage::Folder(folder) => folder.clone(),
        Storage::S3(bucket) => return from_bucket(bucket, &name, scope, &options).await,
    };
    // Opening a file may block for as long as the disk takes.
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
    Ok(from_file(found, scope, &options))
}

/// A file that was found, and the type that its first bytes show.
struct Found {
    file: File,
    metadata: Metadata,
    kind: Option<&'static str>,
}

/// Opens the file with this plain name, wherever it is in the folder.
fn find(folder: &Folder, name: &str) -> io::Result<Found> {
    let [by_time, flat] = folder.places(name);
    match open(folder.path(), &by_time) {
        Err(error) if is_of_the_name(&error) && by_time != flat => open(folder.path(), &flat),
        found => found,
    }
}

/// Opens a file, if it is in the folder.
fn open(folder: &FilePath, path: &FilePath) -> io::Result<Found> {
    // The folder's own places are relative to the working folder, as the folder is.
    let name = path.strip_prefix(folder).map_err(|_| io::ErrorKind::NotFound)?;
    // A link may lead out of the folder; such a file is not served.
    let (file, metadata) = files::open(folder, name, Links::Inside)?;
    let mut first = [0; kind::FIRST_BYTES];
    let read = file.read_at(&mut first, 0)?;
    Ok(Found { file, metadata, kind: kind::of(&first[..read]) })
}

fn is_served(options: &Media, name: &str) -> bool {
    files::is_plain(name, &[]) && name.starts_with(&options.prefix)
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

/// Passes an object on, under the same rules as a file. If the object is too large for memory,
/// redirects the client to the bucket.
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

/// How long a redirected client may take to follow the redirect.
const REDIRECTED_FOR: Duration = Duration::from_secs(300);

/// The answer without its body, and the part of the file that the body must be.
fn answer(
    validators: &Validators,
    length: u64,
    kind: Option<&'static str>,
    scope: &Scope,
    options: &Media,
) -> (Reply, Option<Range<u64>>) {
    // An answer that needed a token must not be kept by shared caches.
    let whose = if scope.claims.is_some() { "private" } else { "public" };
    let keep = format!("{whose}, max-age={}, immutable", options.keep.duration().as_secs());
    let mut reply = Reply::default()
        .with_header(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"))
        .with_header(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    set(&mut reply, header::CACHE_CONTROL, &keep);
    let (mut reply, range) = files::answer(reply, validators, length, &scope.headers);
    if range.is_none() {
        return (reply, None);
    }
    set(&mut reply, header::CONTENT_TYPE, kind.unwrap_or("application/octet-stream"));
    if kind.is_none() {
        set(&mut reply, header::CONTENT_DISPOSITION, "attachment");
    }
    (reply, range)
}

/// A file that a browser opens as a page may not run scripts or load anything.
const POLICY: &str = "default-src 'none'; sandbox";

fn not_found() -> Error {
    Error::new(code::NOT_FOUND, "the file does not exist")
}

#[cfg(test)]
mod tests;
