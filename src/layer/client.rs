//! A connected client, as operators see it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use serde::{Serialize, Serializer};

/// A client, as its handshake shows it.
#[derive(Debug, Clone)]
pub(crate) struct About {
    /// The path as it came, percent-encoded.
    pub(crate) path: Arc<str>,
    /// The client's address.
    pub(crate) address: Option<IpAddr>,
    /// When the client connected.
    pub(crate) since: SystemTime,
}

/// A client that is connected.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ClientReport {
    pub(crate) client: Arc<str>,
    pub(crate) path: Arc<str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) address: Option<IpAddr>,
    /// When it connected, in seconds since 1970.
    #[serde(serialize_with = "seconds")]
    pub(crate) since: SystemTime,
    /// The groups that it is in, sorted.
    pub(crate) groups: Vec<Arc<str>>,
}

impl About {
    pub(crate) fn new(path: Arc<str>, address: Option<IpAddr>) -> Self {
        Self { path, address, since: SystemTime::now() }
    }
}

fn seconds<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    serializer.serialize_u64(since.as_secs())
}
