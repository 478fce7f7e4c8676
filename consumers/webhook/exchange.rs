//! One exchange with a webhook: a signed POST and its answer, within its bounds.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, CONTENT_TYPE, LOCATION, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client as Pool;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use waterway::Error;

use super::connector::Connector;
use super::endpoint::Endpoint;
use super::failure::Failure;
use super::options::WebhookOptions;
use super::signature::SigningKey;
use waterway::Time;
use waterway::setting::Size;

/// Sends events to one URL, over connections that it keeps.
#[derive(Debug)]
pub(super) struct Client {
    pool: Pool<HttpsConnector<Connector>, Full<Bytes>>,
    endpoint: Endpoint,
    keys: Vec<SigningKey>,
    timeout: Time,
    line: Size,
}

/// An answer with the status of success.
#[derive(Debug)]
pub(super) struct Answer {
    /// Its content; empty with the status 204.
    pub(super) content: Bytes,
    /// Its `Content-Type`; empty if the header is missing.
    pub(super) kind: String,
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The largest head of an answer, in bytes.
const HEAD_MAX: usize = 64 << 10;

/// The most of an answer without success that is read, so that its connection can be kept.
const DRAIN_MAX: usize = 16 << 10;

impl Client {
    /// A client without connections.
    ///
    /// # Errors
    /// If this machine cannot do TLS, and the URL asks for it.
    pub(super) async fn new(options: &WebhookOptions) -> Result<Self, Error> {
        let WebhookOptions { http, secret, timeout, line, concurrency, keep_alive, .. } = options;
        let connector = Connector { reaches_private: options.names_host() };
        let connector = connector.with_tls(http.is_https()).await?;
        let pool = Pool::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(keep_alive.duration())
            .pool_max_idle_per_host(if keep_alive.duration().is_zero() { 0 } else { *concurrency })
            .http1_max_buf_size(HEAD_MAX)
            .build(connector);
        let (endpoint, keys) = (http.clone(), secret.clone());
        Ok(Self { pool, endpoint, keys, timeout: *timeout, line: *line })
    }

    /// Sends an event under its id and waits for the answer. Dropped, it closes the connection.
    pub(super) async fn post(&self, id: &str, event: Bytes) -> Result<Answer, Failure> {
        let exchange = self.exchange(id, event);
        let ended = tokio::time::timeout(self.timeout.duration(), exchange).await;
        ended.unwrap_or(Err(Failure::Slow(self.timeout)))
    }

    async fn exchange(&self, id: &str, event: Bytes) -> Result<Answer, Failure> {
        let request = self.request(id, event).map_err(|error| Failure::of(error, false))?;
        let response = self.pool.request(request).await.map_err(|error| {
            let connected = !error.is_connect();
            Failure::of(error, connected)
        })?;
        let (head, body) = response.into_parts();
        if head.status.is_success() {
            let kind = text(&head.headers, CONTENT_TYPE.as_str()).to_owned();
            let content = read(body, self.line).await?;
            return Ok(Answer { content, kind });
        }
        let _ = read(body, Size::new(DRAIN_MAX as u64)).await;
        let (status, headers) = (head.status, &head.headers);
        let to = text(headers, LOCATION.as_str());
        Err(if status.is_redirection() && status != StatusCode::NOT_MODIFIED {
            Failure::Redirect { status, to: to.to_owned() }
        } else {
            // A date is not read: the clocks of two machines differ.
            let seconds = text(headers, RETRY_AFTER.as_str()).parse().ok();
            Failure::Status { status, retry_after: seconds.map(Duration::from_secs) }
        })
    }

    fn request(&self, id: &str, event: Bytes) -> Result<Request<Full<Bytes>>, http::Error> {
        let mut request = Request::post(self.endpoint.uri())
            .header(CONTENT_TYPE, JSON)
            .header(ACCEPT, JSON)
            .header(USER_AGENT, concat!("waterway/", env!("CARGO_PKG_VERSION")));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        request = request.header("webhook-id", id).header("webhook-timestamp", now);
        if !self.keys.is_empty() {
            let signatures: Vec<_> =
                self.keys.iter().map(|key| key.sign(id, now, &event)).collect();
            request = request.header("webhook-signature", signatures.join(" "));
        }
        request.body(Full::new(event))
    }
}

/// Reads a body up to this size.
async fn read(mut body: Incoming, limit: Size) -> Result<Bytes, Failure> {
    let most = limit.as_usize();
    // The other side may announce any length.
    if body.size_hint().lower() > limit.bytes() {
        return Err(Failure::TooLarge(limit));
    }
    let mut content = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Failure::of(error, true))?;
        // Trailers are not part of the answer.
        let Ok(data) = frame.into_data() else { continue };
        if content.len() + data.len() > most {
            return Err(Failure::TooLarge(limit));
        }
        content.extend_from_slice(&data);
    }
    Ok(content.freeze())
}

/// A header's value; empty if it is absent or not text.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
