//! `poll`: counts votes. The count belongs to the `[consumer.NAME]`, so all its connections share it.
//!
//! A client sends the name of a choice. Everyone who is connected gets the new count:
//! `{"soup": 2, "salad": 0}`.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde::de::{Deserialize, Deserializer, Error as _};
use waterway::layer::Group;
use waterway::{Error, Host, Payload, Reply, ReplyChannel, SocketConsumer, State, Stateful, code, schemars};

/// `[consumer.NAME]` with `use = "poll"`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// The choices; at least two.
    #[serde(deserialize_with = "two_or_more")]
    choices: Vec<String>,
}

/// The second line of the error says what to write instead: `check` shows both.
fn two_or_more<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let choices = Vec::deserialize(deserializer)?;
    if choices.len() < 2 {
        return Err(D::Error::custom("this is no choice\nwrite two or more"));
    }
    Ok(choices)
}

/// The count of a poll. It is made once, when the service starts.
pub struct Tally {
    /// The group of everyone who is connected.
    everyone: Group,
    // A plain mutex is enough: no code awaits while it is locked.
    votes: Mutex<BTreeMap<String, u64>>,
}

impl Stateful for Tally {
    type Options = Options;

    async fn start(options: Options, host: &Host) -> Result<Self, Error> {
        let everyone = host.layer().group(format!("poll {}", host.consumer()));
        let votes = options.choices.into_iter().map(|choice| (choice, 0)).collect();
        Ok(Self { everyone, votes: Mutex::new(votes) })
    }
}

impl Tally {
    /// Counts a vote; `false` for an unknown choice.
    fn vote(&self, choice: &str) -> bool {
        let mut votes = self.votes.lock().unwrap_or_else(PoisonError::into_inner);
        votes.get_mut(choice).map(|count| *count += 1).is_some()
    }

    fn reply(&self) -> Result<Reply, Error> {
        Reply::json(&*self.votes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One connection to a poll.
pub struct Poll {
    tally: State<Tally>,
}

impl Poll {
    /// The function for [`Registry::socket`](waterway::Registry::socket), which gives it its
    /// arguments.
    pub fn new(tally: State<Tally>) -> Self {
        Self { tally }
    }
}

impl SocketConsumer for Poll {
    async fn open(&mut self, socket: &ReplyChannel) -> Result<(), Error> {
        self.tally.everyone.add(socket).await?;
        socket.send(self.tally.reply()?)
    }

    async fn on_message(&mut self, _: &ReplyChannel, message: Payload) -> Result<(), Error> {
        let choice = message.as_text().unwrap_or_default();
        if !self.tally.vote(choice) {
            return Err(Error::new(code::BAD_MESSAGE, format!("there is no choice {choice:?}")));
        }
        self.tally.everyone.send(self.tally.reply()?).await?;
        Ok(())
    }
}
