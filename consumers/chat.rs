//! `chat.*`: a chat room of three small consumers, for tables that were written before `group.*`.
//!
//! A client that connects to `/chat/{room}?name=anna` is in the room until it leaves. Its texts
//! go to all clients there as `{"from": "anna", "text": …}`.

use serde::Deserialize;
use serde_json::json;
use waterway::{ChannelLayer, Error, Path, Query, Reply, ReplyChannel, Text, code};

/// The query of a client's address.
#[derive(Debug, Deserialize)]
pub struct Guest {
    #[serde(default = "guest")]
    name: String,
}

/// The longest name, in bytes. Every message repeats it.
const NAME_LIMIT: usize = 64;

fn guest() -> String {
    "guest".into()
}

/// Adds the client to the room and tells the room's clients, including the new one.
///
/// # Errors
/// `bad_message` for a name that is too long, `refused` if the client is in too many rooms.
pub async fn join(
    Path(room): Path<String>,
    Query(guest): Query<Guest>,
    socket: ReplyChannel,
    layer: ChannelLayer,
) -> Result<(), Error> {
    if guest.name.len() > NAME_LIMIT {
        let message = format!("a name has at most {NAME_LIMIT} bytes");
        return Err(Error::new(code::BAD_MESSAGE, message));
    }
    let group = layer.group(name_of(&room));
    group.add(&socket).await?;
    let here = group.len().await?;
    group.send(Reply::json(&json!({"joined": guest.name, "here": here}))?).await?;
    Ok(())
}

/// Sends the client's message to the room.
///
/// # Errors
/// When the channel layer fails.
pub async fn say(
    Path(room): Path<String>,
    Query(guest): Query<Guest>,
    Text(text): Text,
    layer: ChannelLayer,
) -> Result<(), Error> {
    let said = json!({"from": guest.name, "text": &*text});
    layer.group(name_of(&room)).send(Reply::json(&said)?).await?;
    Ok(())
}

/// Tells the others that the client has left. The framework has already removed it from the room.
///
/// # Errors
/// When the channel layer fails.
pub async fn leave(
    Path(room): Path<String>,
    Query(guest): Query<Guest>,
    layer: ChannelLayer,
) -> Result<(), Error> {
    let group = layer.group(name_of(&room));
    let here = group.len().await?;
    group.send(Reply::json(&json!({"left": guest.name, "here": here}))?).await?;
    Ok(())
}

fn name_of(room: &str) -> String {
    format!("chat {room}")
}
