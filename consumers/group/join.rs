//! `group.join`: puts a client into a group.

use schemars::JsonSchema;
use serde::Deserialize;
use waterway::extract::RouteCheck;
use waterway::{ChannelLayer, Error, Message};

use super::announce::announce;
use super::joined::Joined;
use super::name::{GroupName, MemberName};
use crate::template::{Content, JsonTemplate, Template, Templated, Templates};

/// Which group a client joins, and what its members are told.
///
/// [compose.md](compose.md) shows how consumers are composed in the table, and which parameters
/// (`{room}`, `{claims.sub}`, `{query.name:-guest}`) their texts may have.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Join {
    /// Name of the group: `"room.{room}"`. Values of parameters are escaped.
    pub group: GroupName,
    /// Name of the client, which the members are told: `"{claims.sub}"`.
    #[serde(default, rename = "as")]
    #[schemars(extend("x-default" = "none: the members are told nothing"))]
    pub name: Option<MemberName>,
    /// Text for all members, the new one among them.
    #[serde(default)]
    #[schemars(extend("x-default" = "none", "x-bound" = "not together with `json`"))]
    pub text: Option<Template>,
    /// The same as JSON.
    #[serde(default)]
    #[schemars(extend("x-default" = r#"`{"joined": <as>, "here": <members>}` if there is an `as`"#))]
    pub json: Option<JsonTemplate>,
}

/// Adds the client to the group, which it leaves when it disconnects, and tells the members. Adding
/// a member again only tells them again.
///
/// # Errors
/// `bad_message` for a name that is too long, `refused` if the client is in too many groups.
pub async fn join(
    Templated(options): Templated<Join>,
    message: Message,
    layer: ChannelLayer,
) -> Result<(), Error> {
    let name = options.group.fill((&message).into())?;
    let group = layer.group(name.as_str());
    // The client is added once nothing can refuse it any longer.
    if let Some(name) = &options.name {
        name.fill((&message).into())?;
    }
    group.add(&message.reply_channel).await?;
    if let Some(joined) = Joined::of(&message) {
        joined.add(name);
    }
    announce(&group, options.content(), options.name.as_ref(), "joined", &message).await?;
    Ok(())
}

impl Join {
    fn content(&self) -> Content<'_> {
        Content::new(self.text.as_ref(), self.json.as_ref())
    }
}

impl Templates for Join {
    fn check(&self, route: &mut RouteCheck<'_>) {
        self.group.check(route);
        if let Some(name) = &self.name {
            name.check(route);
        }
        self.content().check(route);
    }
}
