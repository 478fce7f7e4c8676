//! The data of a task: its place in a queue, and its own copy of the client's data.

use std::net::IpAddr;
use std::sync::Arc;

use http::{HeaderMap, HeaderName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Scope, TaskUuid};

/// The place of a task, as an argument of a queue's consumer.
///
/// ```
/// use waterway::{Registry, TaskPlace, Text};
///
/// async fn work(Text(text): Text, place: TaskPlace) -> String {
///     format!("{} {}: {text}", place.queue, place.uuid)
/// }
///
/// let registry = Registry::new().function("work", work);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TaskPlace {
    /// The client's name for the task.
    pub uuid: TaskUuid,
    /// The queue's name in `routing.toml`.
    pub queue: Arc<str>,
    /// Its distance from the top of the page, px, when its worker began it.
    pub offset_top: i64,
    /// Its height on the page, px.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub height: i64,
}

/// A task's own copy of the client's data, in place of a [`Scope`]: a task may outlive its
/// connection, and another process may work on it.
#[derive(Debug, Clone)]
pub(super) struct TaskData {
    pub(super) place: TaskPlace,
    /// Which try this is, from 1.
    pub(super) attempt: u32,
    pub(super) path: Arc<str>,
    pub(super) query: Arc<str>,
    pub(super) address: Option<IpAddr>,
    pub(super) claims: Option<Arc<Map<String, Value>>>,
    /// The headers that the queue lists.
    pub(super) headers: HeaderMap,
    pub(super) public_url: Arc<str>,
    /// The tokens that the client showed.
    pub(super) tokens: Arc<[String]>,
    /// By which the workers' time is shared.
    pub(super) connection: Arc<str>,
}

impl TaskData {
    /// The data of a message's first task.
    pub(super) fn of_scope(scope: &Scope, place: TaskPlace, headers: &[HeaderName]) -> Self {
        Self {
            place,
            attempt: 1,
            path: Arc::clone(&scope.path),
            query: Arc::clone(&scope.query),
            address: scope.ip,
            claims: scope.claims.clone(),
            headers: listed(&scope.headers, headers),
            public_url: Arc::clone(&scope.public_url),
            tokens: Arc::clone(&scope.tokens),
            connection: Arc::clone(&scope.connection),
        }
    }

    /// The data of a task that the consumer of one queue pushes to another.
    pub(super) fn of_task(task: &Self, place: TaskPlace, headers: &[HeaderName]) -> Self {
        Self { place, attempt: 1, headers: listed(&task.headers, headers), ..task.clone() }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields so")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

fn listed(headers: &HeaderMap, names: &[HeaderName]) -> HeaderMap {
    let mut listed = HeaderMap::new();
    for name in names {
        for value in headers.get_all(name) {
            listed.append(name, value.clone());
        }
    }
    listed
}
