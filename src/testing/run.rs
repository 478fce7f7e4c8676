//! Runs the `[[test]]` entries of a table.

use std::collections::BTreeMap;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::Value;

use super::{Handshake, PATIENCE, Received, TestClient};
use crate::auth::Source;
use crate::config::{TestBody, TestConfig, TestExpect, TestStep};
use crate::reply::{Close, Payload, Reply};
use crate::routing::Router;
use crate::service::Service;
use crate::setting::{Diagnostic, Span, Spanned};

/// A token, and where a client puts it.
#[derive(Debug, Clone)]
pub(crate) struct ShownToken {
    pub(crate) source: Source,
    pub(crate) token: String,
}

/// How long a test waits to see that nothing comes.
const SILENCE: Duration = Duration::from_millis(100);

/// Runs a test on a service of its own. A failure says at which step what was seen.
///
/// # Errors
/// The failure.
pub(crate) async fn run(
    router: &Router,
    test: &Spanned<TestConfig>,
    tokens: &[ShownToken],
) -> Result<(), Diagnostic> {
    let failed = |span: Span, message: String| {
        Diagnostic::new(span, format!("test {:?}: {message}", test.title()))
    };
    let started = Service::start_alone(router.clone()).await;
    let service = started
        .map_err(|error| failed(test.span, format!("the service does not start: {error}")))?;
    let ended = match (&test.request, &test.path) {
        (Some(request), _) => {
            let expect = test.expect.clone().unwrap_or_default();
            match handshake(test, &request.path, tokens) {
                Err(message) => Err((test.span, message)),
                Ok(handshake) => {
                    let body = bytes_of(&request.body);
                    let reply = handshake.request(&service, request.method.clone(), body).await;
                    see_response(&reply, &expect).map_err(|message| (expect.span, message))
                }
            }
        }
        (None, path) => steps(&service, test, path.as_deref().unwrap_or("/"), tokens).await,
    };
    service.stop().await;
    ended.map_err(|(span, message)| failed(span, message))
}

/// A client of a test: connected, refused with a status, or gone.
enum Client {
    Connected(TestClient),
    Refused(StatusCode),
    Gone,
}

async fn steps(
    service: &Service,
    test: &TestConfig,
    path: &str,
    tokens: &[ShownToken],
) -> Result<(), (Span, String)> {
    let mut clients: BTreeMap<&str, Client> = BTreeMap::new();
    for (number, step) in test.steps.iter().enumerate() {
        let at = |message: String| (step.span, format!("step {}: {message}", number + 1));
        if let Some(wait) = step.wait {
            tokio::time::sleep(wait.duration()).await;
            continue;
        }
        let name = step.client.as_str();
        if !clients.contains_key(name) {
            let handshake = handshake(test, path, tokens).map_err(at)?;
            let client = match handshake.attempt(service).await {
                Some(Ok(client)) => Client::Connected(client),
                Some(Err(status)) => Client::Refused(status),
                None => return Err(at("the consumer of websocket.connect did not decide".into())),
            };
            clients.insert(name, client);
        }
        if let Some(client) = clients.get_mut(name) {
            take(client, step).await.map_err(at)?;
        }
    }
    for client in clients.into_values() {
        if let Client::Connected(client) = client {
            client.disconnect(1001).await;
        }
    }
    Ok(())
}

/// Takes one step; the error says what was seen in place of what was expected.
async fn take(client: &mut Client, step: &TestStep) -> Result<(), String> {
    let connected = match client {
        Client::Connected(connected) => connected,
        Client::Refused(status) => {
            let wanted = step.expect.as_ref().and_then(|expect| expect.status);
            let seen = status.as_u16();
            return match wanted {
                Some(wanted) if wanted == seen => Ok(()),
                Some(wanted) => {
                    Err(format!("expected the status {wanted}, the client was refused with {seen}"))
                }
                None => Err(format!("the client was refused with the status {seen}")),
            };
        }
        Client::Gone => return Err("the client has left".into()),
    };
    if let Some(body) = &step.send {
        match &body.bytes {
            Some(_) => connected.send(bytes_of(body)).await,
            None => connected.send(text_of(body)).await,
        }
    } else if let Some(code) = step.close {
        if let Client::Connected(client) = std::mem::replace(client, Client::Gone) {
            client.disconnect(code).await;
        }
    } else if let Some(expect) = &step.expect {
        if let Some(status) = expect.status {
            return Err(format!("expected the status {status}, the client was accepted"));
        }
        let is_nothing = *expect == TestExpect::default();
        let patience = if is_nothing { SILENCE } else { PATIENCE };
        return match connected.next(patience).await {
            None if is_nothing => Ok(()),
            None => Err(format!("expected {}, nothing came", shown(expect))),
            Some(Received::Frame(payload)) if is_nothing => {
                Err(format!("expected nothing, {} came", named(&payload)))
            }
            Some(received) => see(&received, expect),
        };
    }
    Ok(())
}

fn handshake(test: &TestConfig, path: &str, tokens: &[ShownToken]) -> Result<Handshake, String> {
    let mut target = path.to_owned();
    let mut token_headers = Vec::new();
    let mut protocols = test.subprotocols.clone();
    for ShownToken { source, token } in tokens.iter().filter(|_| test.claims.is_some()) {
        let between = if target.contains('?') { "&" } else { "?" };
        match source {
            Source::Header(name) => token_headers.push((name.clone(), format!("Bearer {token}"))),
            Source::QueryParameter(name) => target.extend([between, name, "=", token]),
            Source::Query => target.extend([between, token]),
            Source::Subprotocol => protocols.push(token.clone()),
        }
    }
    let mut handshake = Handshake::new(&target);
    for (name, value) in
        test.headers.iter().map(|(n, v)| (n.clone(), v.clone())).chain(token_headers)
    {
        let header = name.parse::<HeaderName>().ok().zip(HeaderValue::from_str(&value).ok());
        let (name, value) = header.ok_or_else(|| format!("{name:?} is not a header"))?;
        handshake.scope.headers.append(name, value);
    }
    for protocol in &protocols {
        handshake = handshake.subprotocol(protocol);
    }
    if let Some(address) = test.address {
        handshake.scope.ip = Some(address);
    }
    Ok(handshake)
}

/// Compares a message or a close.
fn see(received: &Received, expect: &TestExpect) -> Result<(), String> {
    match received {
        Received::Close(Close { code, reason }) => {
            let right = expect.close == Some(*code)
                && expect.reason.as_ref().is_none_or(|wanted| *wanted == *reason);
            let seen = || format!("the close {code} {reason:?} came");
            if right { Ok(()) } else { Err(format!("expected {}, {}", shown(expect), seen())) }
        }
        Received::Frame(payload) => {
            if expect.close.is_some() {
                return Err(format!("expected {}, {} came", shown(expect), named(payload)));
            }
            see_content(payload, expect)
        }
    }
}

fn see_response(reply: &Reply, expect: &TestExpect) -> Result<(), String> {
    let status = reply.status.unwrap_or(StatusCode::OK).as_u16();
    let content = match (reply.file(), &reply.content) {
        (Some(part), _) => {
            let length = usize::try_from(part.range.end - part.range.start).unwrap_or_default();
            let mut bytes = vec![0; length];
            part.file
                .read_exact_at(&mut bytes, part.range.start)
                .map_err(|error| error.to_string())?;
            Payload::from(Bytes::from(bytes))
        }
        (None, Some(content)) => content.clone(),
        (None, None) => Payload::from(Bytes::new()),
    };
    if let Some(wanted) = expect.status.filter(|wanted| *wanted != status) {
        return Err(format!(
            "expected the status {wanted}, {status} with {} came",
            named(&content)
        ));
    }
    for (name, wanted) in &expect.headers {
        let seen: Vec<_> =
            reply.headers().get_all(name.as_str()).iter().filter_map(|v| v.to_str().ok()).collect();
        let seen = seen.join(", ");
        if seen != *wanted {
            return Err(format!("expected the header {name}: {wanted}, {seen:?} came"));
        }
    }
    see_content(&content, expect)
}

/// Compares the content of a message or a response.
fn see_content(payload: &Payload, expect: &TestExpect) -> Result<(), String> {
    let bytes = payload.as_bytes();
    let differs = || Err(format!("expected {}, {} came", shown(expect), named(payload)));
    let TestExpect { text, contains, json, bytes: wanted_bytes, .. } = expect;
    if text.as_ref().is_some_and(|wanted| wanted.as_bytes() != bytes) {
        return differs();
    }
    let lacks = |wanted: &String| !String::from_utf8_lossy(bytes).contains(wanted);
    if contains.as_ref().is_some_and(lacks) {
        return differs();
    }
    if wanted_bytes.as_ref().is_some_and(|wanted| *wanted != STANDARD.encode(bytes)) {
        return differs();
    }
    if let Some(wanted) = json {
        let seen: Option<Value> = serde_json::from_slice(bytes).ok();
        if !seen.is_some_and(|seen| fits(&seen, wanted)) {
            return differs();
        }
    }
    Ok(())
}

/// Whether a value is the expected one. An object may have further fields.
fn fits(seen: &Value, wanted: &Value) -> bool {
    match (seen, wanted) {
        (Value::Object(seen), Value::Object(wanted)) => {
            wanted.iter().all(|(key, wanted)| seen.get(key).is_some_and(|seen| fits(seen, wanted)))
        }
        (Value::Array(seen), Value::Array(wanted)) => {
            seen.len() == wanted.len() && seen.iter().zip(wanted).all(|(s, w)| fits(s, w))
        }
        (Value::Number(seen), Value::Number(wanted)) => seen.as_f64() == wanted.as_f64(),
        _ => seen == wanted,
    }
}

fn text_of(body: &TestBody) -> String {
    let json = body.json.as_ref().map(Value::to_string);
    body.text.clone().or(json).unwrap_or_default()
}

fn bytes_of(body: &TestBody) -> Bytes {
    match &body.bytes {
        Some(encoded) => STANDARD.decode(encoded).map(Bytes::from).unwrap_or_default(),
        None => text_of(body).into(),
    }
}

/// The expectation in words.
fn shown(expect: &TestExpect) -> String {
    let TestExpect { text, contains, json, bytes, close, reason, .. } = expect;
    let parts = [
        text.as_ref().map(|text| format!("the text {text:?}")),
        contains.as_ref().map(|part| format!("a text with {part:?}")),
        json.as_ref().map(|json| format!("the JSON {json}")),
        bytes.as_ref().map(|bytes| format!("the bytes {bytes}")),
        close.map(|code| format!("the close {code}")),
        reason.as_ref().map(|reason| format!("the reason {reason:?}")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(" and ") }
}

/// A content in words, cut short.
fn named(payload: &Payload) -> String {
    const SHOWN: usize = 200;
    match std::str::from_utf8(payload.as_bytes()) {
        Ok(text) => format!("{:?}", text.chars().take(SHOWN).collect::<String>()),
        Err(_) => format!("{} bytes", payload.len()),
    }
}
