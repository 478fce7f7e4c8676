//! The messages about members of a group, and the answer to a request that sent to a group.

use serde_json::json;
use waterway::layer::{Delivery, Group};
use waterway::{Error, Message, Reply};

use super::name::MemberName;
use crate::template::{Content, Facts};

/// Tells a group that a member came or went, if the table says so: with `text` or `json`, or else,
/// if the member has a name, with `{<event>: <name>, "here": <members>}`.
pub(super) async fn announce(
    group: &Group,
    content: Content<'_>,
    name: Option<&MemberName>,
    event: &str,
    message: &Message,
) -> Result<Delivery, Error> {
    if content.is_absent() && name.is_none() {
        return Ok(Delivery::default());
    }
    let reply = match name.filter(|_| content.is_absent()) {
        Some(name) => {
            let here = group.len().await?;
            Reply::json(&json!({event: name.fill(message.into())?, "here": here}))?
        }
        None if content.has_group_size() => {
            content.reply(Facts { message, members: Some(group.len().await?) })?
        }
        None => content.reply(message.into())?,
    };
    group.send(reply).await
}

/// The answer to an HTTP request that a group was sent.
pub(super) fn delivered(delivery: Delivery) -> Result<Reply, Error> {
    Reply::json(&json!({"sent": delivery.sent, "dropped": delivery.dropped}))
}
