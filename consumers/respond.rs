//! `respond`: answers a request with a response of the table: a health check, a redirect, a text.

use http::{HeaderValue, StatusCode, header};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use waterway::extract::RouteCheck;
use waterway::{Error, Message, Reply};

use crate::head::Fields;
use crate::template::{Content, JsonTemplate, Template, Templated, Templates, without_group};

/// The response. Its texts may have parameters.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Respond {
    /// HTTP status.
    #[serde(deserialize_with = "status")]
    #[schemars(with = "u16", range(min = 200, max = 599), extend("default" = 200))]
    pub status: StatusCode,
    /// Headers: `{ location = "/rooms/{room}" }`. A list sends a header several times. Parameters are
    /// percent-encoded.
    #[schemars(extend("x-default" = "none", "x-bound" = "none that says how the message is sent"))]
    pub headers: Fields,
    /// Body as a text.
    #[schemars(extend("x-default" = "none", "x-bound" = "not together with `json`"))]
    pub text: Option<Template>,
    /// Body as JSON.
    #[schemars(extend("x-default" = "none", "x-bound" = "not together with `text`"))]
    pub json: Option<JsonTemplate>,
}

impl Default for Respond {
    fn default() -> Self {
        let (text, json, headers) = (None, None, Fields::default());
        Self { status: StatusCode::OK, headers, text, json }
    }
}

/// Sends the response. Parameters in headers are percent-encoded.
///
/// # Errors
/// `bad_message` if the request lacks a value that the table sends.
pub async fn respond(
    Templated(options): Templated<Respond>,
    message: Message,
) -> Result<Reply, Error> {
    let facts = (&message).into();
    let mut reply = options.content().reply(facts)?.with_status(options.status);
    options.headers.set(&mut reply, facts)?;
    reply
        .headers_mut()
        .entry(header::X_CONTENT_TYPE_OPTIONS)
        .or_insert(HeaderValue::from_static("nosniff"));
    Ok(reply)
}

impl Respond {
    fn content(&self) -> Content<'_> {
        Content::new(self.text.as_ref(), self.json.as_ref())
    }

    /// Whether a browser might run values of a client in the body.
    fn runs_parameters(&self) -> bool {
        let Some(kind) = self.headers.get(&header::CONTENT_TYPE) else { return false };
        let kind = kind.as_fixed().unwrap_or_default().to_ascii_lowercase();
        let is_plain = ["text/plain", "application/json"].iter().any(|safe| kind.starts_with(safe));
        !is_plain && self.content().parameters().next().is_some()
    }
}

impl Templates for Respond {
    fn check(&self, route: &mut RouteCheck<'_>) {
        let content = self.content();
        content.check(route);
        without_group(content.parameters(), route);
        self.headers.check(route);
        if self.runs_parameters() {
            let message = "clients could write into a page of this content-type";
            let help = "send text/plain or application/json, or leave the parameters out";
            route.report_option("headers", message, help);
        }
    }
}

/// A final status (RFC 9110, section 15).
fn status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<StatusCode, D::Error> {
    let status = u16::deserialize(deserializer)?;
    let found = StatusCode::from_u16(status).ok().filter(|_| (200..600).contains(&status));
    found.ok_or_else(|| {
        D::Error::custom(format!("{status} is not the status of a response\nwrite 200 to 599"))
    })
}
