//! `relay`: the clients of a group hear each other, with no other rule.

use schemars::JsonSchema;
use serde::Deserialize;
use waterway::extract::RouteCheck;
use waterway::message::Content;
use waterway::{ChannelLayer, Error, Message};

use crate::group::{GroupName, Recipients, as_it_is};
use crate::template::{Templated, Templates};

/// Which group a client is in, and which members get its messages.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Relay {
    /// Name of the group: `"room.{room}"`. Values of parameters are escaped.
    pub group: GroupName,
    /// Members that get a client's message.
    #[serde(default = "others")]
    pub to: Recipients,
}

fn others() -> Recipients {
    Recipients::Others
}

/// Adds a client that connects to the group, and passes on each of its messages as it is: text as
/// text, and bytes as bytes. The client leaves the group when it disconnects.
///
/// # Errors
/// `refused` if the client is in too many groups.
pub async fn relay(
    Templated(options): Templated<Relay>,
    message: Message,
    layer: ChannelLayer,
) -> Result<(), Error> {
    let client = &message.reply_channel;
    let group = layer.group(options.group.fill((&message).into())?);
    match &message.content {
        Content::Connect => group.add(client).await?,
        Content::Receive(_) => {
            options.to.send(&group, as_it_is(&message)?, client).await?;
        }
        Content::Disconnect(_) | Content::Request { .. } => {}
    }
    Ok(())
}

impl Templates for Relay {
    fn check(&self, route: &mut RouteCheck<'_>) {
        self.group.check(route);
    }
}
