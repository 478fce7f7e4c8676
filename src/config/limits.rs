//! `[limits]`: how much one client may ask of the service.

use serde::Deserialize;

use super::text::some_above_zero;
use crate::reply::{OutboxLimits, Slow};
use crate::setting::{Rate, Size, Time};

/// `[limits]`, or a route's own `limits`: every key may be left out.
///
/// A route's go over the file's, and the file's over the defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// How large a message may be; a larger one closes with 1009. Default `"64KiB"`.
    #[serde(deserialize_with = "some_above_zero")]
    pub message: Option<Size>,
    /// How many messages a client may send over a WebSocket, such as `"60/s"`, counted for each
    /// route. Control frames and empty parts of messages have a count of their own. Default
    /// `"off"`.
    pub rate: Option<Rate>,
    /// What becomes of messages over the rate. Default `"wait"`.
    pub rate_action: Option<RateAction>,
    /// How long a client may be silent, pongs included, or over HTTP take nothing of its response
    /// (for that the file's own counts, whatever the route). Default `"60s"`.
    #[serde(deserialize_with = "some_above_zero")]
    pub idle: Option<Time>,
    /// How long after the last sign of a client it is pinged; at most half of `idle` counts.
    /// Default `"20s"`.
    #[serde(deserialize_with = "some_above_zero")]
    pub ping: Option<Time>,
    /// How many bytes may wait for a client that does not read; an empty outbox takes a reply of
    /// any size. Default `"4MiB"`.
    #[serde(deserialize_with = "some_above_zero")]
    pub outbox: Option<Size>,
    /// How many bytes of a client's messages may wait for their consumer or for their route's rate;
    /// while they are full, the socket is not read, and after `idle` it is closed with 1008. An
    /// empty inbox takes a message of any size. Default `"1MiB"`.
    #[serde(deserialize_with = "some_above_zero")]
    pub inbox: Option<Size>,
    /// How many bytes a second must arrive while a message or a body is half received, counted over
    /// 10 s. A slower client is closed with 1008, or answered 408 over HTTP. Default `"4KiB"`.
    #[serde(deserialize_with = "some_above_zero")]
    pub pace: Option<Size>,
    /// How long the closing handshake may take; then the socket is cut. As long may a consumer go
    /// on once its client has left. Default `"5s"`.
    #[serde(deserialize_with = "some_above_zero")]
    pub closing: Option<Time>,
    /// What happens when the outbox is full: `"close"` the connection, `"drop_oldest"` or
    /// `"drop_newest"` reply. Default `"close"`.
    pub slow: Option<Slow>,
}

/// What holds for a client; the fields are those of [`LimitsConfig`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How large a message may be.
    pub message: Size,
    /// How often a client may send.
    pub rate: Rate,
    /// What becomes of messages over the rate.
    pub rate_action: RateAction,
    /// How long a client may be silent.
    pub idle: Time,
    /// How long after the last sign of a client it is pinged.
    pub ping: Time,
    /// How many bytes may wait for a client that does not read.
    pub outbox: Size,
    /// How many bytes of a client's messages may wait for their consumer.
    pub inbox: Size,
    /// How many bytes a second must arrive while a message or a body is half received.
    pub pace: Size,
    /// How long the closing handshake may take.
    pub closing: Time,
    /// What happens when the outbox is full.
    pub slow: Slow,
}

/// What happens to a client's messages over their route's rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RateAction {
    /// They wait in the inbox, in their order, until the rate allows them.
    #[default]
    Wait,
    /// The client is told (`rate`) and closed with 1008.
    Close,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message: Size::new(64 << 10),
            rate: Rate::Off,
            rate_action: RateAction::Wait,
            idle: Time::from_secs(60),
            ping: Time::from_secs(20),
            outbox: Size::new(4 << 20),
            inbox: Size::new(1 << 20),
            pace: Size::new(4 << 10),
            closing: Time::from_secs(5),
            slow: Slow::Close,
        }
    }
}

impl Limits {
    /// What holds for a client's outbox.
    pub(crate) fn outbox_limits(&self) -> OutboxLimits {
        OutboxLimits { bytes: self.outbox.as_usize(), slow: self.slow }
    }
}

impl LimitsConfig {
    /// These limits, and what they leave open from `under`.
    #[must_use]
    pub fn over(&self, under: Limits) -> Limits {
        Limits {
            message: self.message.unwrap_or(under.message),
            rate: self.rate.unwrap_or(under.rate),
            rate_action: self.rate_action.unwrap_or(under.rate_action),
            idle: self.idle.unwrap_or(under.idle),
            ping: self.ping.unwrap_or(under.ping),
            outbox: self.outbox.unwrap_or(under.outbox),
            inbox: self.inbox.unwrap_or(under.inbox),
            pace: self.pace.unwrap_or(under.pace),
            closing: self.closing.unwrap_or(under.closing),
            slow: self.slow.unwrap_or(under.slow),
        }
    }
}
