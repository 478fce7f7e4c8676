//! `room`: a room whose members see who is present, and read each other's texts.
//!
//! A client connects to `/rooms/{room}?name=anna`. Everyone in the room gets
//! `{"present": ["anna", "ben"]}` when someone comes or goes, and `{"from": "anna", "text": "hi"}`.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Deserialize;
use serde_json::json;
use waterway::layer::Group;
use waterway::{ChannelLayer, Error, Host, Path, Payload, Query, Reply, ReplyChannel, SocketConsumer, State, Stateful, code, schemars};

/// `[consumer.NAME]` with `use = "room"`.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// The most guests of one room.
    guests: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { guests: 50 }
    }
}

/// The guests of each room.
pub struct Presence {
    options: Options,
    rooms: Mutex<HashMap<String, Vec<String>>>,
}

impl Stateful for Presence {
    type Options = Options;

    async fn start(options: Options, _: &Host) -> Result<Self, Error> {
        Ok(Self { options, rooms: Mutex::default() })
    }
}

impl Presence {
    fn enter(&self, room: &str, name: &str) -> Result<(), Error> {
        let mut rooms = self.rooms();
        let names = rooms.entry(room.to_owned()).or_default();
        if names.len() >= self.options.guests {
            return Err(Error::new(code::REFUSED, "the room is full"));
        }
        names.push(name.to_owned());
        names.sort();
        Ok(())
    }

    fn leave(&self, room: &str, name: &str) {
        let mut rooms = self.rooms();
        let Some(names) = rooms.get_mut(room) else { return };
        if let Some(at) = names.iter().position(|known| known == name) {
            names.remove(at);
        }
        if names.is_empty() {
            rooms.remove(room);
        }
    }

    fn reply(&self, room: &str) -> Result<Reply, Error> {
        Reply::json(&json!({ "present": self.rooms().get(room) }))
    }

    fn rooms(&self) -> MutexGuard<'_, HashMap<String, Vec<String>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The query of a client's address: `?name=anna`.
#[derive(Deserialize)]
pub struct Name {
    name: String,
}

/// One connection to a room.
pub struct Guest {
    room: String,
    name: String,
    group: Group,
    presence: State<Presence>,
    present: bool,
}

impl Guest {
    /// The function for [`Registry::socket`](waterway::Registry::socket), which gives it its
    /// arguments.
    pub fn new(
        Path(room): Path<String>,
        Query(Name { name }): Query<Name>,
        presence: State<Presence>,
        layer: ChannelLayer,
    ) -> Self {
        let group = layer.group(format!("room {room}"));
        Self { room, name, group, presence, present: false }
    }
}

impl SocketConsumer for Guest {
    async fn open(&mut self, socket: &ReplyChannel) -> Result<(), Error> {
        self.presence.enter(&self.room, &self.name)?;
        self.present = true;
        self.group.add(socket).await?;
        self.group.send(self.presence.reply(&self.room)?).await?;
        Ok(())
    }

    async fn on_message(&mut self, _: &ReplyChannel, message: Payload) -> Result<(), Error> {
        let text = message.as_text().ok_or_else(|| Error::new(code::BAD_MESSAGE, "send a text"))?;
        let said = Reply::json(&json!({ "from": self.name, "text": text }))?;
        self.group.send(said).await?;
        Ok(())
    }

    async fn on_close(&mut self, _: u16) -> Result<(), Error> {
        if self.present {
            self.presence.leave(&self.room, &self.name);
            self.group.send(self.presence.reply(&self.room)?).await?;
        }
        Ok(())
    }
}
