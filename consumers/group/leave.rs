//! `group.leave`: takes a client out of a group, or tells the others that it has left.

use schemars::JsonSchema;
use serde::Deserialize;
use waterway::extract::RouteCheck;
use waterway::message::Content as EventContent;
use waterway::{ChannelLayer, Error, Message};

use super::announce::announce;
use super::joined::Joined;
use super::name::{GroupName, MemberName};
use crate::template::{Content, JsonTemplate, Template, Templated, Templates};

/// The group that a client leaves, and the message to its other members.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Leave {
    /// Name of the group: `"room.{room}"`. Values of parameters are escaped.
    pub group: GroupName,
    /// Name of the client, which the others are told: `"{claims.sub}"`.
    #[serde(default, rename = "as")]
    #[schemars(extend("x-default" = "none: the others are told nothing"))]
    pub name: Option<MemberName>,
    /// Text for the members that stay.
    #[serde(default)]
    #[schemars(extend("x-default" = "none", "x-bound" = "not together with `json`"))]
    pub text: Option<Template>,
    /// The same as JSON.
    #[serde(default)]
    #[schemars(extend("x-default" = r#"`{"left": <as>, "here": <members>}` if there is an `as`"#))]
    pub json: Option<JsonTemplate>,
}

/// Removes the client from the group and tells the members that stay. A client that disconnects has
/// already been removed from all its groups; the members are told only if it had joined theirs by
/// `group.join`, which a client that was refused has not.
///
/// # Errors
/// `bad_message` for a name that is too long.
pub async fn leave(
    Templated(options): Templated<Leave>,
    message: Message,
    layer: ChannelLayer,
) -> Result<(), Error> {
    let name = options.group.fill((&message).into())?;
    let had_joined = Joined::of(&message).is_some_and(|joined| joined.remove(&name));
    if matches!(message.content, EventContent::Disconnect(_)) && !had_joined {
        return Ok(());
    }
    let group = layer.group(name);
    group.discard(&message.reply_channel).await?;
    announce(&group, options.content(), options.name.as_ref(), "left", &message).await?;
    Ok(())
}

impl Leave {
    fn content(&self) -> Content<'_> {
        Content::new(self.text.as_ref(), self.json.as_ref())
    }
}

impl Templates for Leave {
    fn check(&self, route: &mut RouteCheck<'_>) {
        self.group.check(route);
        if let Some(name) = &self.name {
            name.check(route);
        }
        self.content().check(route);
    }
}
