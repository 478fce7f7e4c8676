//! `static`: serves a folder of web pages, and nothing outside of it.

mod coding;
mod find;
mod options;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use percent_encoding::percent_decode_str;
use waterway::extract::{Given, RouteCheck};
use waterway::message::Content;
use waterway::reply::FilePart;
use waterway::{Error, FromMessage, Message, Options, Reply, code};

use crate::files::{self, Validators, set};
use find::{Found, Page};
pub use options::Static;

/// The options of a folder, on a route whose path has at most one parameter.
#[derive(Debug, Clone)]
pub struct Folder(Options<Static>);

impl FromMessage for Folder {
    fn check(route: &mut RouteCheck<'_>) {
        route.read_options::<Static>();
        let parameters = route.parameters().unwrap_or_default();
        if parameters.len() > 1 {
            let message = format!(
                "{} takes one part of the path, and this path has {}",
                route.consumer(),
                parameters.len()
            );
            route.report(message, "name one: /app/{*file?} takes all files, / the index");
        }
    }

    fn from_message(message: &Message, given: &Given) -> Result<Self, Error> {
        Options::from_message(message, given).map(Self)
    }
}

/// Sends the file that the path's parameter names; on a path without one, the file that the whole
/// path names. A folder's name ends with a slash, and means its index; a client that leaves the slash
/// out is redirected. The request's conditions and ranges are obeyed (RFC 9110, sections 13 and 14).
///
/// # Errors
/// `not_found` if the name is not that of a file in the folder.
pub async fn serve(Folder(options): Folder, message: Message) -> Result<Reply, Error> {
    let (Content::Request { method, .. }, Some(scope)) = (&message.content, message.scope()) else {
        return Err(Error::new(code::BAD_MESSAGE, "files are fetched over HTTP"));
    };
    if method != Method::GET && method != Method::HEAD {
        return Ok(files::method_not_allowed());
    }
    let Some(name) = name(&message) else { return Err(not_found()) };
    let name = name.into_owned();
    let may_fall_back = takes_pages(&scope.headers);
    let accepted = coding::ALL.into_iter().filter(|coding| coding.is_accepted(&scope.headers));
    let accepted: Vec<_> = accepted.collect();
    let found = {
        let (options, name) = (options.clone(), name.clone());
        let find = move || find::find(&options, &name, may_fall_back, &accepted);
        // Opening a file may block for as long as the disk takes.
        tokio::task::spawn_blocking(find).await?
    };
    match found {
        Ok(Found::Page(page)) => {
            let is_private = scope.claims.is_some();
            Ok(from_page(*page, &name, &scope.headers, is_private, &options))
        }
        Ok(Found::Folder) => Ok(with_slash(&scope.path, &scope.query)),
        Err(error) => {
            if !files::is_of_the_name(&error) {
                let path = options.folder.join(&name);
                tracing::warn!(path = %path.display(), %error, "a file cannot be served");
            }
            Err(not_found())
        }
    }
}

/// The name of the file within the folder, without a slash at its beginning; `None` if it is not
/// UTF-8.
fn name(message: &Message) -> Option<Cow<'_, str>> {
    match &*message.params {
        [(_, value)] => Some(value.into()),
        _ => percent_decode_str(message.path().strip_prefix('/')?).decode_utf8().ok(),
    }
}

/// Whether the client takes a web page: an image or a script that is missing must not be answered
/// with one.
fn takes_pages(headers: &HeaderMap) -> bool {
    let Some(accept) = headers.get(header::ACCEPT) else { return true };
    let accept = accept.to_str().unwrap_or_default().to_ascii_lowercase();
    ["text/html", "text/*", "*/*"].iter().any(|kind| accept.contains(kind))
}

fn from_page(
    page: Page,
    name: &str,
    asked: &HeaderMap,
    is_private: bool,
    options: &Static,
) -> Reply {
    let mut reply = Reply::default();
    for (name, value) in &options.headers {
        reply.headers_mut().insert(name.clone(), value.clone());
    }
    set(&mut reply, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(&mut reply, header::CACHE_CONTROL, &caching(options, &page, name, is_private));
    if page.varies {
        reply.headers_mut().append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    }
    let mut validators = Validators::of(&page.metadata);
    if let Some(coding) = page.coding {
        validators = validators.encoded(coding.name());
    }
    let (mut reply, range) = files::answer(reply, &validators, page.metadata.len(), asked);
    let Some(range) = range else { return reply };
    set(&mut reply, header::CONTENT_TYPE, &page.media_type());
    if let Some(coding) = page.coding {
        set(&mut reply, header::CONTENT_ENCODING, coding.name());
    }
    reply.with_file(FilePart { file: Arc::new(page.file), range })
}

/// The value of `Cache-Control` for a file with this name.
fn caching(options: &Static, page: &Page, name: &str, is_private: bool) -> String {
    const YEAR: u64 = 365 * 24 * 3600;
    // An answer that needed a token must not be kept by shared caches.
    let whose = if is_private { "private" } else { "public" };
    let keep = options.keep.duration().as_secs();
    if page.is_document() {
        format!("{whose}, no-cache")
    } else if options.immutable.iter().any(|prefix| name.starts_with(prefix.as_str())) {
        format!("{whose}, max-age={YEAR}, immutable")
    } else if keep == 0 {
        format!("{whose}, no-cache")
    } else {
        format!("{whose}, max-age={keep}")
    }
}

/// Redirects to the same path with a slash at its end, so that relative links within the page lead
/// into the folder. The address is relative, because a path that begins with two slashes would be
/// the address of another host.
fn with_slash(path: &str, query: &str) -> Reply {
    let last = path.rsplit('/').next().unwrap_or_default();
    let query = if query.is_empty() { String::new() } else { format!("?{query}") };
    let mut reply = Reply::status(StatusCode::FOUND)
        .with_header(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    set(&mut reply, header::LOCATION, &format!("./{last}/{query}"));
    reply
}

fn not_found() -> Error {
    Error::new(code::NOT_FOUND, "the file does not exist")
}
