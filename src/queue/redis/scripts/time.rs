//! The clock of the server, for the contents in the store.

use std::time::Duration;

use redis::cmd;

use super::{Store, millis};
use crate::redis::Failure;

impl Store {
    /// The time of the server, ms since 1970.
    pub(in crate::queue::redis) async fn time(&self) -> Result<u64, Failure> {
        let (seconds, micros): (u64, u64) = self.server.query(&cmd("TIME")).await?;
        Ok(seconds.saturating_mul(1000).saturating_add(micros / 1000))
    }

    /// The time of the server, if it is this node's turn to sweep the store at this place: all
    /// processes with the same prefix have one turn within `every`.
    pub(in crate::queue::redis) async fn turn_to_sweep(
        &self,
        node: &str,
        place: &str,
        every: Duration,
    ) -> Result<Option<u64>, Failure> {
        // The part of the keys that all queues have: a prefix is without braces.
        let shared = self.base.split_once(":{").map_or("", |(shared, _)| shared);
        let mut turn = cmd("SET");
        turn.arg(format!("{shared}:sweep:{place}"))
            .arg(node)
            .arg("NX")
            .arg("PX")
            .arg(millis(every));
        let taken: Option<String> = self.server.query(&turn).await?;
        match taken {
            None => Ok(None),
            Some(_) => self.time().await.map(Some),
        }
    }
}
