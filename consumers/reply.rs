//! `reply`: answers each event of a client with a text or JSON of the table.

use schemars::JsonSchema;
use serde::Deserialize;
use waterway::extract::RouteCheck;
use waterway::{Error, Message, Reply};

use crate::template::{Content, JsonTemplate, Template, Templated, Templates, without_group};

/// The answer: one of the options is required.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Text to send.
    #[serde(default)]
    #[schemars(extend("x-default" = "none", "x-bound" = "one of `text` and `json`"))]
    pub text: Option<Template>,
    /// JSON to send.
    #[serde(default)]
    #[schemars(extend("x-default" = "none", "x-bound" = "one of `text` and `json`"))]
    pub json: Option<JsonTemplate>,
}

/// Sends the text or the JSON to the client.
///
/// # Errors
/// `bad_message` if the message lacks a value that the table sends.
pub async fn reply(
    Templated(options): Templated<Answer>,
    message: Message,
) -> Result<Reply, Error> {
    options.content().reply((&message).into())
}

impl Answer {
    fn content(&self) -> Content<'_> {
        Content::new(self.text.as_ref(), self.json.as_ref())
    }
}

impl Templates for Answer {
    fn check(&self, route: &mut RouteCheck<'_>) {
        let content = self.content();
        content.check(route);
        without_group(content.parameters(), route);
        if content.is_absent() {
            let consumer = route.consumer().clone();
            route.report(
                format!("{consumer} has nothing to send"),
                "write text = \"…\" or json = { … }",
            );
        }
    }
}
