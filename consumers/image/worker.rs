//! `image.work`: takes pictures from the queue, one at a time, and does the work on them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, header};
use serde_json::{Value, json};
use waterway::{Content, Error, Message, Options, Reply};

use super::framing::Parts;
use super::job::{self, Encoded, Worked};
use super::{Pictures, receive};
use crate::storage::keep_swept;

/// Works on one picture. Between stages it asks whether anybody still waits, and tells a page that
/// wants to know how far it is.
///
/// # Errors
/// What the client is told: see `job::work`.
pub async fn work(message: Message, options: Options<Pictures>) -> Result<Reply, Error> {
    // The queue's threads are for this: nothing else waits while a picture is worked on.
    let header = receive::header(&message)?;
    let picture = picture(&message).map_err(|error| error.with("uuid", header.uuid.clone()))?;
    let store = options.store(&message.scope.public_url);
    let progress = header.progress && matches!(message.content, Content::Receive(_));
    let mut checkpoint = |stage: &'static str| {
        message.cancellation.check()?;
        if progress {
            let frame = json!({"uuid": header.uuid, "progress": "working", "stage": stage});
            message.reply_channel.send(Reply::json(&frame)?)?;
        }
        Ok(())
    };
    let worked = job::work(&picture, &header, &options, &store, &mut checkpoint).await?;
    reply(worked, &message)
}

/// Beside `image.work`: keeps its folder within what `retention` says.
pub async fn sweep(options: Options<Pictures>) {
    keep_swept(&options.storage, &options.retention).await;
}

fn picture(message: &Message) -> Result<Bytes, Error> {
    if let Content::Request { body, .. } = &message.content {
        return Ok(body.clone());
    }
    let Parts { body, .. } = receive::split(message)?;
    body.picture()
}

/// The answer as JSON; to a request that accepts nothing but a picture, the picture itself.
fn reply(Worked { mut fields, picture }: Worked, message: &Message) -> Result<Reply, Error> {
    if let Some(Encoded { media_type, bytes }) = picture {
        let accepts = message.scope.header("accept").unwrap_or_default();
        if matches!(message.content, Content::Request { .. }) && accepts.starts_with("image/") {
            let reply = Reply::bytes(bytes);
            let reply =
                reply.with_header(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
            let nosniff = HeaderValue::from_static("nosniff");
            return Ok(reply.with_header(header::X_CONTENT_TYPE_OPTIONS, nosniff));
        }
        let mut image = format!("data:{media_type};base64,");
        STANDARD.encode_string(bytes, &mut image);
        fields.insert("image".into(), Value::from(image));
    }
    Reply::json(&fields)
}
