//! `[[test]]`: what a client does and what it must see.

use std::collections::BTreeMap;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value};

use crate::setting::{Diagnostic, Spanned, Time};

/// A test of the table, which `waterway test` runs without sockets: a client opens WebSockets on
/// `path` and takes its `steps`, or it sends a `request` whose response is what `expect` says. Each
/// test has a service of its own.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TestConfig {
    /// Its name in reports.
    #[schemars(extend("x-default" = "its path"))]
    pub name: Option<String>,
    /// Path of the WebSockets, with a query after a `?`.
    #[schemars(extend("x-default" = "none", "x-bound" = "`path` or `request`"))]
    pub path: Option<String>,
    /// Headers of the handshakes or of the request.
    #[schemars(extend("x-default" = "none"))]
    pub headers: BTreeMap<String, String>,
    /// Subprotocols that the client offers.
    pub subprotocols: Vec<String>,
    /// Claims of the client's token. The test makes a token that each `[auth.NAME]` accepts; it needs
    /// no secret.
    #[schemars(extend("x-default" = "no token"))]
    pub claims: Option<Map<String, Value>>,
    /// Address of the client.
    #[schemars(with = "String", extend("default" = "127.0.0.1"))]
    pub address: Option<IpAddr>,
    /// What the client does and sees, in order.
    pub steps: Vec<Spanned<TestStep>>,
    /// The request that the client sends.
    #[schemars(extend("x-default" = "none", "x-bound" = "`path` or `request`"))]
    pub request: Option<TestRequest>,
    /// The response to the request.
    #[schemars(extend("x-default" = "none", "x-bound" = "with `request`"))]
    pub expect: Option<Spanned<TestExpect>>,
}

/// One step of a client: `send`, `expect`, `close` or `wait`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TestStep {
    /// Which client it is, if the test has several. A client connects at its first step.
    #[serde(rename = "as")]
    pub client: String,
    /// The client sends a message.
    pub send: Option<TestBody>,
    /// The client sees a message, a close, or the status that refuses its handshake.
    pub expect: Option<TestExpect>,
    /// The client leaves with this close code.
    pub close: Option<u16>,
    /// Time passes. The test does not wait for it, unless the table has a queue, a program or a
    /// webhook.
    pub wait: Option<Time>,
}

/// A message: `text`, `json` or `bytes` (base64).
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TestBody {
    /// A text.
    pub text: Option<String>,
    /// A value, sent as JSON.
    pub json: Option<Value>,
    /// Bytes, in base64.
    pub bytes: Option<String>,
}

/// What a client sees. What is not given is not compared, and a JSON object may have further
/// fields.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TestExpect {
    /// A text, or the content of a response.
    pub text: Option<String>,
    /// A part of the text.
    pub contains: Option<String>,
    /// A value, read as JSON.
    pub json: Option<Value>,
    /// Bytes, in base64.
    pub bytes: Option<String>,
    /// The close code.
    pub close: Option<u16>,
    /// The reason of the close.
    pub reason: Option<String>,
    /// The status of the response, or of the refusal of a handshake.
    pub status: Option<u16>,
    /// Headers of the response.
    pub headers: BTreeMap<String, String>,
}

/// An HTTP request.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TestRequest {
    /// Its method.
    #[serde(deserialize_with = "method")]
    #[schemars(with = "String", extend("default" = "GET"))]
    pub method: Method,
    /// Its path, with a query after a `?`.
    pub path: String,
    /// Its body.
    pub body: TestBody,
}

impl TestConfig {
    /// Its name in reports.
    #[must_use]
    pub fn title(&self) -> &str {
        let request = self.request.as_ref().map(|request| request.path.as_str());
        self.name.as_deref().or(self.path.as_deref()).or(request).unwrap_or_default()
    }
}

/// Reports what does not make a test.
pub(super) fn check(tests: &[Spanned<TestConfig>], diagnostics: &mut Vec<Diagnostic>) {
    for test in tests {
        let mut report = |span, message: &str, help: &str| {
            diagnostics.push(Diagnostic::new(span, message).help(help.to_owned()));
        };
        let path = match (&test.path, &test.request) {
            (Some(path), None) => path,
            (None, Some(request)) => &request.path,
            _ => {
                report(test.span, "a test has either a path or a request", "give one of them");
                continue;
            }
        };
        if !path.starts_with('/') {
            report(test.span, "the path of a test begins with /", "write it in full");
        }
        match (&test.request, &test.expect) {
            (Some(_), None) => {
                report(test.span, "the response is not compared", "add expect = { status = 200 }");
            }
            (None, Some(expect)) => report(
                expect.span,
                "without a request there is no response",
                "make it one of the steps",
            ),
            _ => {}
        }
        if test.request.is_some() != test.steps.is_empty() {
            let help = "add steps = [{ send = { text = \"hi\" } }, { expect = { text = \"hi\" } }]";
            match test.steps.first() {
                Some(step) => {
                    report(step.span, "a request has no steps", "make it a test of its own");
                }
                None => report(test.span, "the test has no steps", help),
            }
        }
        let bodies = test.request.iter().map(|request| (&request.body, test.span));
        let sent = test.steps.iter().filter_map(|step| Some((step.send.as_ref()?, step.span)));
        for (body, span) in bodies.chain(sent) {
            let TestBody { text, json, bytes } = body;
            let count = [text.is_some(), json.is_some(), bytes.is_some()];
            if count.into_iter().filter(|given| *given).count() > 1 {
                report(span, "a message has one content", "give text, json or bytes");
            }
            if bytes.as_ref().is_some_and(|bytes| STANDARD.decode(bytes).is_err()) {
                report(span, "the bytes are not base64", "encode them: base64 -w0 FILE");
            }
        }
        for step in &test.steps {
            let TestStep { send, expect, close, wait, .. } = &step.value;
            let count = [send.is_some(), expect.is_some(), close.is_some(), wait.is_some()];
            if count.into_iter().filter(|given| *given).count() != 1 {
                report(step.span, "a step is one thing", "give send, expect, close or wait");
            }
        }
    }
}

fn method<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Method, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| de::Error::custom(format!("{text:?} is not a method\nwrite \"GET\"")))
}
