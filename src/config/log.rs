//! `[log]`: how much the log buffers, shows and writes.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::text::above_zero;
use crate::setting::{Period, Rate, Size, Time, schema};

/// How much the log buffers and writes. The service never waits for its log: a record that cannot be
/// kept is counted instead.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// Bytes of records that may wait to be written; further records are dropped and counted.
    #[serde(deserialize_with = "buffer")]
    #[schemars(extend("x-bound" = schema::between(BUFFER.0, BUFFER.1)))]
    pub buffer: Size,
    /// Bytes of each value that a record shows; the rest is cut off.
    #[serde(deserialize_with = "value")]
    #[schemars(extend("x-bound" = schema::between(VALUE.0, VALUE.1)))]
    pub value: Size,
    /// Records of one kind that are written; further ones are counted, and one record per period
    /// gives their number. Records are of one kind if the same line of the program makes them.
    #[schemars(extend("x-bound" = Rate::BOUND))]
    pub rate: Rate,
    /// How often each queue logs how many of its tasks ended with which error code, if any did.
    #[serde(deserialize_with = "above_zero")]
    #[schemars(transform = schema::above_zero)]
    pub summary: Time,
    /// Time that the process waits at its end for the last records to be written; `"0s"` does not
    /// wait.
    #[serde(deserialize_with = "flush")]
    #[schemars(extend("x-bound" = schema::at_most(FLUSH_MAX)))]
    pub flush: Time,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            buffer: Size::new(1 << 20),
            value: Size::new(256),
            rate: Rate::Per { count: NonZeroU32::MIN.saturating_add(99), period: Period::Second },
            summary: Time::from_secs(10),
            flush: Time::from_secs(1),
        }
    }
}

/// The least and the most of `buffer`.
const BUFFER: (Size, Size) = (Size::new(4 << 10), Size::new(1 << 30));

/// The least and the most of `value`.
const VALUE: (Size, Size) = (Size::new(64), Size::new(64 << 10));

const FLUSH_MAX: Time = Time::from_secs(60);

fn buffer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Size, D::Error> {
    between(deserializer, BUFFER)
}

fn value<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Size, D::Error> {
    between(deserializer, VALUE)
}

fn between<'de, D: Deserializer<'de>>(
    deserializer: D,
    (least, most): (Size, Size),
) -> Result<Size, D::Error> {
    let size = Size::deserialize(deserializer)?;
    if !(least..=most).contains(&size) {
        let text = format!("{size} is out of bounds\nwrite \"{least}\" to \"{most}\"");
        return Err(D::Error::custom(text));
    }
    Ok(size)
}

fn flush<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
    let time = Time::deserialize(deserializer)?;
    if time > FLUSH_MAX {
        let text = format!("{time} is too long\nwrite \"{FLUSH_MAX}\" at most");
        return Err(D::Error::custom(text));
    }
    Ok(time)
}
