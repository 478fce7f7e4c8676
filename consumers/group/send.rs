//! `group.send`: sends a message to a group.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use waterway::extract::RouteCheck;
use waterway::layer::{Delivery, Group};
use waterway::message::{Channel, Content as EventContent};
use waterway::{ChannelLayer, Error, Message, Payload, Reply, ReplyChannel, code};

use super::announce::delivered;
use super::name::{GroupName, MemberName};
use crate::template::{Content, Facts, JsonTemplate, Source, Template, Templated, Templates};

/// Which group a message is sent to, and in which form.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Send {
    /// Name of the group: `"room.{room}"`. Values of parameters are escaped.
    pub group: GroupName,
    /// Name of the sender: the message is then sent as `{"from": <as>, "text": <the message>}`.
    #[serde(default, rename = "as")]
    #[schemars(extend("x-default" = "none: the message is sent as it is"))]
    pub name: Option<MemberName>,
    /// Text to send in place of the message.
    #[serde(default)]
    #[schemars(extend("x-default" = "none", "x-bound" = "not together with `as` or `json`"))]
    pub text: Option<Template>,
    /// The same as JSON.
    #[serde(default)]
    #[schemars(extend("x-default" = "none", "x-bound" = "not together with `as` or `text`"))]
    pub json: Option<JsonTemplate>,
    /// Members that get it.
    #[serde(default)]
    pub to: Recipients,
}

/// The members of a group that get a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Recipients {
    /// Every member.
    #[default]
    All,
    /// Every member but the sender.
    Others,
}

/// Sends to the group, which the sender need not be in. An HTTP request is answered with
/// `{"sent": <members>, "dropped": <members that are too slow>}`.
///
/// # Errors
/// `bad_message` if the message lacks a value that the table sends.
pub async fn send(
    Templated(options): Templated<Send>,
    message: Message,
    layer: ChannelLayer,
) -> Result<Option<Reply>, Error> {
    let group = layer.group(options.group.fill((&message).into())?);
    let has_size = options.content().has_group_size();
    let members = if has_size { Some(group.len().await?) } else { None };
    let reply = options.reply(Facts { message: &message, members })?;
    let delivery = options.to.send(&group, reply, &message.reply_channel).await?;
    let is_request = matches!(message.content, EventContent::Request { .. });
    is_request.then(|| delivered(delivery)).transpose()
}

impl Recipients {
    /// Sends to these members of a group.
    pub(crate) async fn send(
        self,
        group: &Group,
        reply: Reply,
        sender: &ReplyChannel,
    ) -> Result<Delivery, Error> {
        match self {
            Self::All => group.send(reply).await,
            Self::Others => group.send_except(reply, std::slice::from_ref(sender.name())).await,
        }
    }
}

impl Send {
    fn content(&self) -> Content<'_> {
        Content::new(self.text.as_ref(), self.json.as_ref())
    }

    /// The reply for the members.
    fn reply(&self, facts: Facts<'_>) -> Result<Reply, Error> {
        let content = self.content();
        if !content.is_absent() {
            return content.reply(facts);
        }
        let Some(name) = &self.name else { return as_it_is(facts.message) };
        let text = Source::Text.value(facts)?;
        Reply::json(&json!({"from": name.fill(facts)?, "text": text}))
    }
}

/// The message as it is: text as text, and bytes as bytes. A body that is UTF-8 is text.
pub(crate) fn as_it_is(message: &Message) -> Result<Reply, Error> {
    match &message.content {
        EventContent::Receive(payload) => Ok(payload.clone().into()),
        EventContent::Request { body, .. } => {
            let text = bytestring::ByteString::try_from(body.clone());
            Ok(text.map_or_else(|_| Payload::Binary(body.clone()), Payload::Text).into())
        }
        EventContent::Connect | EventContent::Disconnect(_) => {
            Err(Error::new(code::BAD_MESSAGE, "the event has no content"))
        }
    }
}

impl Templates for Send {
    fn check(&self, route: &mut RouteCheck<'_>) {
        self.group.check(route);
        if let Some(name) = &self.name {
            name.check(route);
        }
        let content = self.content();
        content.check(route);
        let consumer = route.consumer().clone();
        if self.name.is_some() && !content.is_absent() {
            let message = format!("{consumer} has both as and a content of its own");
            route.report_option(
                "as",
                message,
                "write {…} of the name into text or json, and leave as out",
            );
        }
        let without = [Channel::Connect, Channel::Disconnect];
        if content.is_absent()
            && let Some(channel) = without.iter().find(|channel| route.channels().contains(channel))
        {
            let message = format!("{consumer} sends the message, and {channel} has none");
            route.report(message, "give the consumer a text or json to send");
        }
    }
}
