//! `[log]`: how much the log buffers, shows and writes.

use std::num::NonZeroU32;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::text::above_zero;
use crate::setting::{Period, Rate, Size, Time};

/// `[log]`. The service never waits for its log: a record that cannot be kept is counted instead.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// How many bytes of records may wait to be written. Further ones are dropped and counted.
    /// Default `"1MiB"`; `"4KiB"` to `"1GiB"`.
    #[serde(deserialize_with = "buffer")]
    pub buffer: Size,
    /// How many bytes of each value a record shows; the rest is cut off. Default `"256B"`; `"64B"`
    /// to `"64KiB"`.
    #[serde(deserialize_with = "value")]
    pub value: Size,
    /// How many records of one kind are written. Further ones are counted, and one record each
    /// period gives their number. Two records are of one kind when the same line of the program
    /// makes them. Default `"100/s"`.
    pub rate: Rate,
    /// How often each queue logs how many of its tasks ended with which error code, if any did.
    /// Default `"10s"`.
    #[serde(deserialize_with = "above_zero")]
    pub summary: Time,
    /// How long the process waits at its end for the last records to be written. Default `"1s"`; at
    /// most `"1m"`, `"0s"` does not wait.
    #[serde(deserialize_with = "flush")]
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

fn buffer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Size, D::Error> {
    between(deserializer, Size::new(4 << 10), Size::new(1 << 30))
}

fn value<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Size, D::Error> {
    between(deserializer, Size::new(64), Size::new(64 << 10))
}

fn between<'de, D: Deserializer<'de>>(
    deserializer: D,
    least: Size,
    most: Size,
) -> Result<Size, D::Error> {
    let size = Size::deserialize(deserializer)?;
    if !(least..=most).contains(&size) {
        let text = format!("{size} is out of bounds\nwrite \"{least}\" to \"{most}\"");
        return Err(D::Error::custom(text));
    }
    Ok(size)
}

fn flush<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
    const MOST: Time = Time::from_secs(60);
    let time = Time::deserialize(deserializer)?;
    if time > MOST {
        let text = format!("{time} is too long\nwrite \"{MOST}\" at most");
        return Err(D::Error::custom(text));
    }
    Ok(time)
}
