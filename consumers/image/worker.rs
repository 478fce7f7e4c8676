//! `image.work`: takes pictures from the queue, one at a time, and works on them.

use std::ops::{ControlFlow, Not};
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use serde::Serialize;
use serde_json::{Map, Value, json};
use waterway::message::Content;
use waterway::worker::yield_now;
use waterway::{Cancellation, Error, Message, Reply, ReplyChannel, State, code};

use super::error::reported;
use super::framing::{ASIDE, into_picture};
use super::header::Header;
use super::job;
use super::options::Pictures;
use super::receive;
use super::service::{Service, Wish};
use super::worked::{Encoded, Worked};
use crate::storage::keep_swept;

/// Works on one picture. Between stages it checks whether a client still waits, yields to the
/// sockets' threads, and sends progress to pages that want it.
///
/// Of equal pictures with equal requests, it works on one and answers all. With a cache, it also
/// answers later ones.
///
/// # Errors
/// Those of `job::run`. The client gets them.
pub async fn work(message: Message, service: State<Service>) -> Result<Reply, Error> {
    let (asked, content) = Asked::new(message)?;
    let named = |error: Error| error.with("uuid", asked.header.uuid.clone());
    let picture = picture(content).map_err(named)?;
    let worked = worked(&picture, &asked, &service).await.map_err(named)?;
    reply(worked, &asked, &service).await.map_err(named)
}

/// A request for a picture, without the picture itself: that would be in memory twice.
struct Asked {
    header: Header,
    public_url: Arc<str>,
    reply_channel: ReplyChannel,
    cancellation: Cancellation,
    /// Whether it came in an HTTP request, whose answer is the response.
    is_request: bool,
    /// Whether the response is the picture itself.
    takes_picture: bool,
}

impl Asked {
    /// Also returns the content, which holds the picture.
    fn new(message: Message) -> Result<(Self, Content), Error> {
        // Read again: it costs less than a thousandth of the work on a small picture.
        let header = receive::header(&message)?;
        let is_request = matches!(message.content, Content::Request { .. });
        let accept = message.header("accept").unwrap_or_default();
        let takes_picture = is_request && accept.starts_with("image/");
        let public_url = Arc::clone(message.public_url());
        let Message { reply_channel, cancellation, content, .. } = message;
        let asked =
            Self { header, public_url, reply_channel, cancellation, is_request, takes_picture };
        Ok((asked, content))
    }
}

async fn worked(picture: &Bytes, asked: &Asked, service: &Service) -> Result<Worked, Error> {
    let Asked { header, public_url, reply_channel, cancellation, is_request, .. } = asked;
    let store = service.pictures.store(Arc::clone(public_url));
    let wish = Wish::new(header, public_url);
    let key = service.cache.key(picture, wish.clone());
    if let Some(key) = &key {
        let is_there = |worked: Worked| {
            let there = worked.name.is_none_or(|name| store.touch(&name));
            async move { there }
        };
        if let Some(worked) = service.cache.find(key, is_there).await {
            return Ok(worked);
        }
    }
    let progress = header.progress && !is_request;
    let mut checkpoint = |stage: &'static str| {
        let go_on = || {
            cancellation.check()?;
            if progress {
                let frame = json!({"uuid": header.uuid, "progress": "working", "stage": stage});
                reply_channel.send(Reply::json(&frame)?)?;
            }
            yield_now();
            Ok(())
        };
        go_on().map_or_else(ControlFlow::Break, ControlFlow::Continue)
    };
    // Pinned here: as an argument it would be in this future twice.
    let work = pin!(job::run(picture, header, service, &store, &mut checkpoint));
    let worked = service.coalescing.work(picture, wish, cancellation, work).await?;
    if let Some(key) = key {
        let bytes = worked.bytes() + public_url.len() as u64;
        service.cache.keep(key, worked.clone(), bytes);
    }
    Ok(worked)
}

/// The background job of `image.work`: keeps its folder within the bounds of `retention`.
pub async fn sweep(service: State<Service>) {
    let Pictures { storage, retention, .. } = &service.pictures;
    keep_swept(storage, retention).await;
}

fn picture(content: Content) -> Result<Bytes, Error> {
    match content {
        Content::Request { body, .. } => Ok(body),
        Content::Receive(payload) => into_picture(payload, ASIDE),
        Content::Connect | Content::Disconnect(_) => {
            Err(Error::new(code::BAD_MESSAGE, "this takes a picture"))
        }
    }
}

/// The answer as JSON, or the picture itself for a request that accepts only pictures.
async fn reply(worked: Worked, asked: &Asked, service: &Service) -> Result<Reply, Error> {
    let Worked { fields, name, picture, truncated } = worked;
    let mut answer = Answer { fields, image: None, url: None, truncated, uuid: &asked.header.uuid };
    if let Some(Encoded { format, bytes }) = picture {
        if asked.takes_picture {
            let media_type = HeaderValue::from_static(format.media_type());
            let reply = Reply::bytes(bytes).with_header(http::header::CONTENT_TYPE, media_type);
            let nosniff = HeaderValue::from_static("nosniff");
            return Ok(reply.with_header(http::header::X_CONTENT_TYPE_OPTIONS, nosniff));
        }
        let mut image = format!("data:{};base64,", format.media_type());
        imaging::check_room(base64_simd::STANDARD.encoded_length(bytes.len()) as u64)
            .map_err(reported)?;
        base64_simd::STANDARD.encode_append(&bytes, &mut image);
        answer.image = Some(image);
    } else if let Some(name) = name {
        let store = service.pictures.store(Arc::clone(&asked.public_url));
        answer.url = Some(store.url(&name).await?);
    }
    Reply::json(&answer)
}

/// The answer to a client about its picture.
#[derive(Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    fields: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Not::not")]
    truncated: bool,
    uuid: &'a Value,
}
