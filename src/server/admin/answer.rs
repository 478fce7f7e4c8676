//! The answers of the admin listener.

use http::{HeaderValue, Method, Request, StatusCode, header};
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;
use serde_json::json;

use super::{Shared, access, body};
use crate::action::Line;
use crate::error::{Error, code};
use crate::reply::{Reply, close};
use crate::service::{Outcome, Service, Trigger};

/// A request that the listener understands.
enum Asked {
    /// `GET /healthz`: does the process answer?
    Health,
    /// `GET /readyz`: does the service take work?
    Ready,
    /// `POST /v1/actions`.
    Act,
    /// `GET /v1/clients`.
    Clients,
    /// `GET /v1/clients/{name}`.
    Client(String),
    /// `DELETE /v1/clients/{name}`.
    Close(String),
    /// `GET /v1/layer`.
    Layer,
    /// `GET /v1/queues`.
    Queues,
    /// `GET /v1/consumers`.
    Consumers,
    /// `GET /v1/reload`.
    LastReload,
    /// `POST /v1/reload`.
    Reload,
}

/// The answer to a request.
pub(super) async fn answer(shared: &Shared, request: Request<Incoming>) -> Reply {
    let Shared { service, settings, .. } = shared;
    let (head, content) = request.into_parts();
    if let Err(refusal) = access::check_caller(settings, head.version, &head.headers) {
        return *refusal;
    }
    let is_open = matches!(head.uri.path(), "/healthz" | "/readyz");
    if !is_open && let Err(refusal) = access::check_token(settings, &head.headers) {
        return *refusal;
    }
    let asked = match Asked::of(&head.method, head.uri.path()) {
        Ok(asked) => asked,
        Err(refusal) => return *refusal,
    };
    let limit = settings.body.as_usize();
    let answered = match asked {
        Asked::Health => Ok(Reply::text("alive\n")),
        Asked::Ready => ready(service),
        Asked::Act => match body::read(content, limit, settings.patience.duration()).await {
            Ok(bytes) => act(service, &bytes).await,
            Err(error) => Err(error),
        },
        Asked::Clients => Reply::json(&json!({"clients": service.layer().clients()})),
        Asked::Client(name) => client(service, &name),
        Asked::Close(name) => {
            close_client(service, &name, head.uri.query().unwrap_or_default()).await
        }
        Asked::Layer => Reply::json(&service.layer().report()),
        Asked::Queues => Reply::json(&service.queue_reports().await),
        Asked::Consumers => Reply::json(&service.consumer_reports()),
        Asked::LastReload => Reply::json(&json!({"reload": service.reloads().last()})),
        Asked::Reload => reload(service).await,
    };
    let reply = answered.unwrap_or_else(|error| {
        let reply = Reply::error(&error);
        if error.code() == code::GONE { reply.with_status(StatusCode::NOT_FOUND) } else { reply }
    });
    reply.with_header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))
}

impl Asked {
    /// Reads the method and the path of a request.
    fn of(method: &Method, path: &str) -> Result<Self, Box<Reply>> {
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let name = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let get = *method == Method::GET || *method == Method::HEAD;
        let (asked, allowed) = match *parts {
            ["healthz"] => (get.then_some(Self::Health), "GET, HEAD"),
            ["readyz"] => (get.then_some(Self::Ready), "GET, HEAD"),
            ["v1", "actions"] => ((*method == Method::POST).then_some(Self::Act), "POST"),
            ["v1", "clients"] => (get.then_some(Self::Clients), "GET, HEAD"),
            ["v1", "clients", client] if *method == Method::DELETE => {
                (Some(Self::Close(name(client))), "")
            }
            ["v1", "clients", client] => {
                (get.then(|| Self::Client(name(client))), "GET, HEAD, DELETE")
            }
            ["v1", "layer"] => (get.then_some(Self::Layer), "GET, HEAD"),
            ["v1", "queues"] => (get.then_some(Self::Queues), "GET, HEAD"),
            ["v1", "consumers"] => (get.then_some(Self::Consumers), "GET, HEAD"),
            ["v1", "reload"] if *method == Method::POST => (Some(Self::Reload), ""),
            ["v1", "reload"] => (get.then_some(Self::LastReload), "GET, HEAD, POST"),
            _ => {
                let error = Error::new(code::NOT_FOUND, "the admin listener has nothing here");
                return Err(Box::new(Reply::error(&error)));
            }
        };
        asked.ok_or_else(|| {
            let error = Error::new(code::BAD_MESSAGE, format!("this takes only {allowed}"));
            let reply = Reply::error(&error).with_status(StatusCode::METHOD_NOT_ALLOWED);
            Box::new(reply.with_header(header::ALLOW, allowed))
        })
    }
}

/// 503 while the service stops, and while a queue has no worker; else 200.
fn ready(service: &Service) -> Result<Reply, Error> {
    let reason = if service.is_stopping() {
        Some("the service is stopping".to_owned())
    } else {
        let idle = service.queue_without_workers();
        idle.map(|queue| format!("the queue {queue:?} has no live worker"))
    };
    match reason {
        None => Reply::json(&json!({"ready": true, "reload": service.reloads().last()})),
        Some(reason) => Reply::json(&json!({"ready": false, "reason": reason}))
            .map(|reply| reply.with_status(StatusCode::SERVICE_UNAVAILABLE)),
    }
}

/// Reads the table again and waits for the end: 200 if it is served, 422 if the former one still is.
async fn reload(service: &Service) -> Result<Reply, Error> {
    let Some(reload) = service.reloads().reload(Trigger::Request).await else {
        return Err(Error::new(code::REFUSED, "this service does not reload its table"));
    };
    let reply = Reply::json(&json!({"reload": reload}))?;
    Ok(match reload.outcome {
        Outcome::Changes(_) => reply,
        Outcome::Diagnostics(_) => reply.with_status(StatusCode::UNPROCESSABLE_ENTITY),
    })
}

/// Applies actions to a client or to a group.
async fn act(service: &Service, body: &[u8]) -> Result<Reply, Error> {
    let line =
        Line::read(body).map_err(|error| Error::new(code::BAD_MESSAGE, error.to_string()))?;
    match line {
        Line::Client { client, actions } => {
            service.publisher().to_client(&client, actions).await?;
            Ok(Reply::status(StatusCode::NO_CONTENT))
        }
        Line::Group { group, actions } => {
            let delivery = service.publisher().to_group(&group, actions).await?;
            Reply::json(&json!({"sent": delivery.sent, "dropped": delivery.dropped}))
        }
        Line::Ready | Line::Event { .. } => Err(Error::new(
            code::BAD_MESSAGE,
            "write {\"group\": …, \"actions\": […]} or {\"client\": …, \"actions\": […]}",
        )),
    }
}

fn client(service: &Service, name: &str) -> Result<Reply, Error> {
    let known = service.layer().client(name).ok_or_else(Error::gone)?;
    Reply::json(&known)
}

/// Closes a client's connection, with `?code=` and `?reason=` if they are given.
async fn close_client(service: &Service, name: &str, query: &str) -> Result<Reply, Error> {
    let (mut code, mut reason) = (close::DONE, String::new());
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*key {
            "code" => {
                let sent = value
                    .parse()
                    .ok()
                    .filter(|code| matches!(code, 1000 | 1008 | 1011..=1013 | 3000..=4999));
                code = sent.ok_or_else(|| {
                    let message = format!("{value:?} is not a close code: write 1000, 1008, 1011 to 1013 or 3000 to 4999");
                    Error::new(code::BAD_MESSAGE, message)
                })?;
            }
            "reason" => reason = value.into_owned(),
            _ => {
                let message =
                    format!("unknown parameter {key:?}: the parameters are code and reason");
                return Err(Error::new(code::BAD_MESSAGE, message));
            }
        }
    }
    service.layer().send(name, Reply::close_with(code, reason)).await?;
    Ok(Reply::status(StatusCode::NO_CONTENT))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::consumer::Registry;
    use crate::routing::Router;

    #[tokio::test]
    async fn a_service_is_not_ready_while_a_queue_has_no_live_worker() {
        let registry = Registry::new().function("work", async || {});
        let table = "[queue.images]\nconsumer = 'work'\nworkers = 2\n[[route]]\n\
                     channel = 'websocket.receive'\nconsumer = 'work'\nqueue = 'images'";
        let service = Service::start(Router::parse(table, &registry).unwrap()).await.unwrap();
        assert_eq!(ready(&service).unwrap().status, None, "200");
        // Its workers end when they have nothing more to do.
        service.queue("images").unwrap().stop();
        while service.queue_without_workers().is_none() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let reply = ready(&service).unwrap();
        assert_eq!(reply.status, Some(StatusCode::SERVICE_UNAVAILABLE));
        let said = format!("{:?}", reply.content);
        assert!(said.contains("images") && said.contains("no live worker"), "{said}");
    }
}
