//! `[limits]`: how much one client may ask of the service.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::text::some_above_zero;
use crate::reply::{OutboxLimits, Slow};
use crate::setting::{Rate, Size, Time, schema};

/// Limits of every route without its own `limits = { … }`. `message`, `rate` and `rate_action` apply
/// to the messages of a route. All others apply to a whole connection: each of them comes from the
/// first route on the connection's path that sets it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Largest message or body; a larger one gets close 1009 or status 413.
    #[serde(deserialize_with = "some_above_zero")]
    #[schemars(transform = schema::above_zero, extend("default" = Limits::default().message))]
    pub message: Option<Size>,
    /// Messages that a client may send over a WebSocket, counted for each route; one period's worth
    /// may come at once. Pings, pongs and empty message parts have a count of their own: a client
    /// that sends more of them than the rate, and more than one a second, is read more slowly, or
    /// closed if `rate_action` says so. HTTP requests are not counted, and a route of `http.request`
    /// alone cannot have a `rate`.
    #[schemars(extend("default" = Limits::default().rate, "x-bound" = Rate::BOUND))]
    pub rate: Option<Rate>,
    /// What happens to messages over the rate.
    #[schemars(extend("default" = Limits::default().rate_action))]
    pub rate_action: Option<RateAction>,
    /// Time that a client may be silent, pongs included. Over HTTP: time that it may leave its
    /// response unread; for that, only the limit of `[limits]` counts.
    #[serde(deserialize_with = "some_above_zero")]
    #[schemars(transform = schema::above_zero, extend("default" = Limits::default().idle))]
    pub idle: Option<Time>,
    /// Time after a client's last sign of life when it is pinged; at most half of `idle` counts.
    #[serde(deserialize_with = "some_above_zero")]
    #[schemars(transform = schema::above_zero, extend("default" = Limits::default().ping))]
    pub ping: Option<Time>,
    /// Bytes that may wait for a client that does not read. It is also the largest reply over a
    /// WebSocket: a larger one is `refused` with its size in `bytes`.
    #[serde(deserialize_with = "some_above_zero")]
    #[schemars(transform = schema::above_zero, extend("default" = Limits::default().outbox))]
    pub outbox: Option<Size>,
    /// Bytes of a client's messages that may wait for their consumer or for `rate`. While the inbox
    /// is full the socket is not read; after `idle` it is closed with 1008. An empty inbox accepts a
    /// message of any size.
    #[serde(deserialize_with = "some_above_zero")]
    #[schemars(transform = schema::above_zero, extend("default" = Limits::default().inbox))]
    pub inbox: Option<Size>,
    /// Bytes a second that must arrive while a message or body is half received, averaged over 10 s.
    /// A slower client is closed with 1008, or answered 408.
    #[serde(deserialize_with = "some_above_zero")]
    #[schemars(transform = schema::above_zero, extend("default" = Limits::default().pace))]
    pub pace: Option<Size>,
    /// Time for the closing handshake, after which the socket is cut. It is also the time that a
    /// consumer may still run after its client has left.
    #[serde(deserialize_with = "some_above_zero")]
    #[schemars(transform = schema::above_zero, extend("default" = Limits::default().closing))]
    pub closing: Option<Time>,
    /// What happens when the outbox is full.
    #[schemars(extend("default" = Limits::default().slow))]
    pub slow: Option<Slow>,
}

/// The limits of one client; the fields are those of [`LimitsConfig`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest message.
    pub message: Size,
    /// How many messages a client may send.
    pub rate: Rate,
    /// What happens to messages over the rate.
    pub rate_action: RateAction,
    /// How long a client may be silent.
    pub idle: Time,
    /// How long after a client's last sign of life it is pinged.
    pub ping: Time,
    /// How many bytes of replies may wait for a client that does not read.
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

/// What happens to a client's messages over the rate of their route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RateAction {
    /// They stay in the inbox, in their order; messages of other routes, `viewport`, `cancel` and
    /// the client's leaving do not wait for them.
    #[default]
    Wait,
    /// The client gets the error `rate` and is closed with 1008.
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

impl From<Limits> for LimitsConfig {
    fn from(limits: Limits) -> Self {
        Self {
            message: Some(limits.message),
            rate: Some(limits.rate),
            rate_action: Some(limits.rate_action),
            idle: Some(limits.idle),
            ping: Some(limits.ping),
            outbox: Some(limits.outbox),
            inbox: Some(limits.inbox),
            pace: Some(limits.pace),
            closing: Some(limits.closing),
            slow: Some(limits.slow),
        }
    }
}

impl RateAction {
    /// As it is written.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Wait => "wait",
            Self::Close => "close",
        }
    }
}

impl Limits {
    /// The limits of a client's outbox.
    pub(crate) fn outbox_limits(&self) -> OutboxLimits {
        OutboxLimits { bytes: self.outbox.as_usize(), slow: self.slow }
    }
}

impl LimitsConfig {
    /// The value of a key as text, if it is set.
    pub(crate) fn value(&self, key: &str) -> Option<String> {
        fn text<T: ToString>(value: Option<T>) -> Option<String> {
            value.map(|value| value.to_string())
        }
        match key {
            "message" => text(self.message),
            "rate" => text(self.rate),
            "rate_action" => text(self.rate_action.map(RateAction::name)),
            "idle" => text(self.idle),
            "ping" => text(self.ping),
            "outbox" => text(self.outbox),
            "inbox" => text(self.inbox),
            "pace" => text(self.pace),
            "closing" => text(self.closing),
            "slow" => text(self.slow.map(Slow::name)),
            _ => None,
        }
    }

    /// These limits, with those that are not set taken from `under`.
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
