//! `image.work`: takes pictures from the queue, one at a time, and does the work on them.

use std::ops::Not;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use serde::Serialize;
use serde_json::{Map, Value, json};
use waterway::{
    Cancellation, Content, Error, Message, Options, Reply, ReplyChannel, Scope, code, give_way,
};

use super::framing::{ASIDE, into_picture};
use super::job::{self, Encoded, Worked};
use super::service::{Service, Wish};
use super::{Header, Pictures, receive, scratch};
use crate::storage::keep_swept;

/// Works on one picture. Between stages it asks whether anybody still waits, lets the sockets go
/// first, and tells a page that wants to know how far it is.
///
/// Of equal pictures that are wanted in the same way one is worked on, and all are answered; with
/// a cache also those that come later.
///
/// # Errors
/// What the client is told: see `job::work`.
pub async fn work(message: Message, service: Options<Service>) -> Result<Reply, Error> {
    // The queue's threads are for this: nothing else waits while a picture is worked on.
    let header = receive::header(&message)?;
    let (asked, content) = Asked::new(message, header);
    let named = |error: Error| error.with("uuid", asked.header.uuid.clone());
    let picture = picture(content).map_err(named)?;
    let worked = worked(&picture, &asked, &service).await.map_err(named)?;
    reply(worked, &asked, &service).await.map_err(named)
}

/// Who asked for what, without the picture itself: that would be in memory twice.
struct Asked {
    header: Arc<Header>,
    scope: Arc<Scope>,
    reply_channel: ReplyChannel,
    cancellation: Cancellation,
    /// Whether it was asked for by a request, whose answer is a response.
    is_request: bool,
}

impl Asked {
    /// And what the picture is in.
    fn new(message: Message, header: Arc<Header>) -> (Self, Content) {
        let is_request = matches!(message.content, Content::Request { .. });
        let Message { reply_channel, scope, cancellation, content, .. } = message;
        (Self { header, scope, reply_channel, cancellation, is_request }, content)
    }
}

async fn worked(picture: &Bytes, asked: &Asked, service: &Service) -> Result<Worked, Error> {
    let Asked { header, scope, reply_channel, cancellation, is_request } = asked;
    let store = service.pictures.store(Arc::clone(&scope.public_url));
    let wish = Wish::new(header, &scope.public_url);
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
        cancellation.check()?;
        if progress {
            let frame = json!({"uuid": header.uuid, "progress": "working", "stage": stage});
            reply_channel.send(Reply::json(&frame)?)?;
        }
        give_way();
        Ok(())
    };
    // Where it is: as an argument it would be in this future twice.
    let work = pin!(job::work(picture, header, service, &store, &mut checkpoint));
    let worked = service.folding.work(picture, wish, cancellation, work).await?;
    if let Some(key) = key {
        let bytes = worked.bytes() + scope.public_url.len() as u64;
        service.cache.keep(key, worked.clone(), bytes);
    }
    Ok(worked)
}

/// Beside `image.work`: keeps its folder within what `retention` says.
pub async fn sweep(service: Options<Service>) {
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

/// The answer as JSON; to a request that accepts nothing but a picture, the picture itself.
async fn reply(worked: Worked, asked: &Asked, service: &Service) -> Result<Reply, Error> {
    let Worked { fields, name, picture, truncated } = worked;
    let mut answer = Answer { fields, image: None, url: None, truncated, uuid: &asked.header.uuid };
    if let Some(Encoded { format, bytes }) = picture {
        let accepts = asked.scope.header("accept").unwrap_or_default();
        if asked.is_request && accepts.starts_with("image/") {
            let media_type = HeaderValue::from_static(format.media_type());
            let reply = Reply::bytes(bytes).with_header(http::header::CONTENT_TYPE, media_type);
            let nosniff = HeaderValue::from_static("nosniff");
            return Ok(reply.with_header(http::header::X_CONTENT_TYPE_OPTIONS, nosniff));
        }
        let mut image = format!("data:{};base64,", format.media_type());
        scratch::check_room(base64_simd::STANDARD.encoded_length(bytes.len()) as u64)?;
        base64_simd::STANDARD.encode_append(&bytes, &mut image);
        answer.image = Some(image);
    } else if let Some(name) = name {
        let store = service.pictures.store(Arc::clone(&asked.scope.public_url));
        answer.url = Some(store.url(&name).await?);
    }
    Reply::json(&answer)
}

/// What a client is told of its picture.
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
