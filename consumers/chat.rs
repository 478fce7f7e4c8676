//! `chat.*`: a chat room of three small consumers, and an example of groups.
//!
//! A client that connects to `/chat/{room}?name=anna` is in the room until it leaves; what it says
//! goes to everybody there as `{"from": "anna", "text": …}`.

use serde::Deserialize;
use serde_json::json;
use waterway::{ChannelLayer, Error, Path, Query, Reply, ReplyChannel, Text, code};

/// What the query of a client's address says.
#[derive(Debug, Deserialize)]
pub struct Guest {
    #[serde(default = "guest")]
    name: String,
}

/// How long a name may be, in bytes: it goes out with every message.
const NAME_LIMIT: usize = 64;

fn guest() -> String {
    "guest".into()
}

/// Puts the client into the room and tells who is there.
///
/// # Errors
/// `bad_message` for a name that is too long, `refused` when the client is in too many rooms.
pub async fn join(
    Path(room): Path<String>,
    Query(guest): Query<Guest>,
    socket: ReplyChannel,
    layer: ChannelLayer,
) -> Result<(), Error> {
    if guest.name.len() > NAME_LIMIT {
        let message = format!("a name has {NAME_LIMIT} bytes at most");
        return Err(Error::new(code::BAD_MESSAGE, message));
    }
    let group = layer.group(name_of(&room));
    group.add(&socket)?;
    group.send(Reply::json(&json!({"joined": guest.name, "here": group.len()}))?);
    Ok(())
}

/// Says something to everybody in the room.
///
/// # Errors
/// Never of its own.
pub async fn say(
    Path(room): Path<String>,
    Query(guest): Query<Guest>,
    Text(text): Text,
    layer: ChannelLayer,
) -> Result<(), Error> {
    let said = json!({"from": guest.name, "text": &*text});
    layer.group(name_of(&room)).send(Reply::json(&said)?);
    Ok(())
}

/// Tells the others that the client has left. Its membership has ended with it.
///
/// # Errors
/// Never of its own.
pub async fn leave(
    Path(room): Path<String>,
    Query(guest): Query<Guest>,
    layer: ChannelLayer,
) -> Result<(), Error> {
    let group = layer.group(name_of(&room));
    group.send(Reply::json(&json!({"left": guest.name, "here": group.len()}))?);
    Ok(())
}

fn name_of(room: &str) -> String {
    format!("chat {room}")
}
