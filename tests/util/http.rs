//! A plain HTTP client: every status is an answer and not an error, and redirects are not followed.

use serde_json::Value;
use ureq::Agent;
use ureq::http::{HeaderMap, Method, Request};

use super::PATIENCE;

/// The largest body that a test reads.
const BODY_MAX: u64 = 256 << 20;

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// A header's value; empty if the header is absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("headers are ASCII"))
    }

    /// The body as text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is UTF-8")
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {:?}", String::from_utf8_lossy(&self.body)))
    }
}

/// GET.
pub(crate) fn get(url: &str) -> Answer {
    request("GET", url, &[], Vec::new())
}

/// DELETE.
pub(crate) fn delete(url: &str) -> Answer {
    request("DELETE", url, &[], Vec::new())
}

/// POST with a body.
pub(crate) fn post(url: &str, body: impl Into<Vec<u8>>) -> Answer {
    request("POST", url, &[], body)
}

/// Any request; an empty body is not sent.
pub(crate) fn request(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: impl Into<Vec<u8>>,
) -> Answer {
    try_request(method, url, headers, body).unwrap_or_else(|error| panic!("{url}: {error}"))
}

/// As [`request`], but the server may be gone.
pub(crate) fn try_request(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: impl Into<Vec<u8>>,
) -> Result<Answer, ureq::Error> {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .allow_non_standard_methods(true)
        .timeout_global(Some(PATIENCE))
        .build();
    let method: Method = method.parse().expect("a method");
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = body.into();
    let agent = Agent::new_with_config(config);
    // A request with an empty body would announce its length, even a GET.
    let mut response = if body.is_empty() {
        agent.run(request.body(()).expect("a request"))?
    } else {
        agent.run(request.body(body).expect("a request"))?
    };
    let body = response.body_mut().with_config().limit(BODY_MAX).read_to_vec()?;
    Ok(Answer { status: response.status().as_u16(), headers: response.headers().clone(), body })
}
