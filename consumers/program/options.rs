//! The options of a program.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::HeaderName;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;
use waterway::Time;
use waterway::action::ActionLimits;
use waterway::cli::Confinement;
use waterway::config::WatchedFiles;
use waterway::setting::Size;

use super::command::command;
use crate::backoff::Backoff;
use crate::breaker::BreakerOptions;
use crate::storage::Storage;

/// The program, how many of it run, and what they may use.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Program and its arguments: `["python3", "-u", "ocr.py"]`. A program without a slash is looked
    /// for in `PATH`.
    #[serde(deserialize_with = "command")]
    #[schemars(length(min = 1))]
    pub(super) exec: Vec<String>,
    /// Lines of the program: `"events"` as JSON, or `"lines"` of text, with one program for each
    /// connection.
    #[serde(default)]
    pub(super) mode: Mode,
    /// Files whose changes replace the program at once: with `"watch"`, the program's file and files
    /// among its arguments; with a list of patterns such as `["*.py"]`, also those that match in
    /// `folder`. `"off"` waits for a reload of the table. The patterns may match 256 files, and `**`
    /// is not allowed.
    #[serde(default)]
    pub(super) reload: WatchedFiles,
    /// Working folder of the program.
    #[serde(default)]
    #[schemars(extend("x-default" = "`[server] root`"))]
    pub(super) folder: Option<PathBuf>,
    /// Variables of the environment, beside PATH, HOME, LANG and TZ.
    #[serde(default, deserialize_with = "variables")]
    pub(super) env: BTreeMap<String, String>,
    /// User that the program runs as: a name or a number, or `"user:group"`.
    #[serde(default)]
    #[schemars(extend("x-default" = "that of the service"))]
    pub(super) user: Option<String>,
    /// Limits of one program: `{ memory = "1GiB", cpu = "10m", open_files = 256 }`. `memory` is its
    /// heap and private mappings, `cpu` its whole CPU time.
    #[serde(default)]
    #[schemars(extend("x-default" = "none"))]
    pub(super) limits: Limits,
    /// How many programs run: a number, or `{ min = 1, max = 4 }`. With `mode = "lines"`, how many
    /// connections have one at most.
    #[serde(default)]
    #[schemars(extend("x-default" = "1; 64 for lines"))]
    pub(super) instances: Option<Instances>,
    /// Time that an event may take. After it the program is killed.
    #[serde(default = "timeout")]
    pub(super) timeout: Time,
    /// Time until a program must write `{"ready":true}`.
    #[serde(default = "start")]
    pub(super) start: Time,
    /// Time that a program has to end, or to end an event that is cancelled.
    #[serde(default = "grace")]
    pub(super) grace: Time,
    /// Events that one program has at a time. By default it has at most one task, so that the other
    /// tasks wait in their queue, where their order can change.
    #[serde(default, deserialize_with = "is_concurrency")]
    #[schemars(range(min = 1, max = 10_000), extend("x-default" = "32; 1 for tasks"))]
    pub(super) concurrency: Option<usize>,
    /// Events that wait for the consumer or are in progress.
    #[serde(default)]
    pub(super) pending: Pending,
    /// Longest line that a program may write.
    #[serde(default = "line")]
    pub(super) line: Size,
    /// Content above this is a file.
    #[serde(default = "file_above")]
    pub(super) file_above: Size,
    /// Most actions of one line.
    #[serde(default = "actions")]
    pub(super) actions: usize,
    /// Largest `state` of a connection, as JSON.
    #[serde(default = "state")]
    pub(super) state: Size,
    /// Number of events after which a program is replaced.
    #[serde(default)]
    #[schemars(extend("x-default" = "none"))]
    pub(super) max_events: Option<u64>,
    /// Time after which a program is replaced; for lines, the longest time of a connection.
    #[serde(default)]
    #[schemars(extend("x-default" = "none; 1h for lines"))]
    pub(super) lifetime: Option<Time>,
    /// Time without an event after which a program above `min` ends.
    #[serde(default = "idle")]
    pub(super) idle: Time,
    /// Headers of the client's handshake or request that its events contain.
    #[serde(default, deserialize_with = "headers")]
    #[schemars(with = "Vec<String>", extend("x-default" = "none"))]
    pub(super) headers: Vec<HeaderName>,
    /// Clients that a program may act on by their names: `"all"`, or `"own"`, whose events it has
    /// seen.
    #[serde(default)]
    pub(super) reach: Reach,
    /// Where files are stored that are the answers of tasks. With it, the content of each task is
    /// a file, whatever its size.
    #[serde(default)]
    #[schemars(extend("x-default" = "none"))]
    pub(super) storage: Option<Storage>,
    /// When events are refused at once, after failures in a row.
    #[serde(default)]
    pub(super) breaker: BreakerOptions,
    /// Wait before a program that failed is started again.
    #[serde(default)]
    pub(super) backoff: Backoff,
}

impl Options {
    /// Whether each connection has a program of its own, so that it serves WebSockets alone.
    pub(crate) fn is_for_lines(&self) -> bool {
        self.mode == Mode::Lines
    }

    /// The program and its arguments, for people.
    pub(super) fn command(&self) -> String {
        self.exec.join(" ")
    }

    /// The files that match the patterns of `reload`.
    ///
    /// # Errors
    /// Why they cannot be watched.
    pub(crate) fn watched(&self) -> Result<Vec<PathBuf>, String> {
        self.reload.matching(self.folder.as_deref().unwrap_or(Path::new("")))
    }

    /// Where files are stored that are the answers of tasks.
    pub(crate) fn storage(&self) -> Option<&Storage> {
        self.storage.as_ref()
    }

    pub(super) fn instances(&self) -> Instances {
        self.instances.unwrap_or(match self.mode {
            Mode::Events => Instances { min: 1, max: 1 },
            Mode::Lines => Instances { min: 0, max: 64 },
        })
    }

    /// How many tasks all programs together do at a time.
    pub(super) fn tasks(&self) -> usize {
        self.instances().max.saturating_mul(self.concurrency.unwrap_or(1))
    }

    pub(super) fn lifetime(&self) -> Option<Duration> {
        let of_lines = (self.mode == Mode::Lines).then(|| Time::from_secs(3600));
        self.lifetime.or(of_lines).map(Time::duration)
    }

    pub(super) fn action_limits(&self) -> ActionLimits {
        ActionLimits { actions: self.actions, state: self.state.as_usize() }
    }

    /// The rights of a program.
    pub(super) fn confinement(&self) -> Confinement {
        Confinement {
            memory: self.limits.memory.map(Size::bytes),
            cpu: self.limits.cpu.map(|cpu| cpu.duration().as_secs().max(1)),
            open_files: self.limits.open_files,
            user: self.user.clone(),
        }
    }
}

/// The meaning of a program's lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mode {
    #[default]
    Events,
    Lines,
}

/// Which clients a program may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Reach {
    #[default]
    All,
    Own,
}

/// Limits of one program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Limits {
    /// Data: the heap and private mappings (`RLIMIT_DATA`).
    #[schemars(extend("x-default" = "none"))]
    pub(super) memory: Option<Size>,
    /// CPU time, in whole seconds.
    #[schemars(extend("x-default" = "none"))]
    pub(super) cpu: Option<Time>,
    /// Open files.
    #[schemars(extend("x-default" = "none"))]
    pub(super) open_files: Option<u64>,
}

/// Events that wait for a consumer or are in progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Pending {
    /// Number of events.
    #[schemars(range(min = 1))]
    pub(super) events: NonZeroUsize,
    /// Bytes of their content.
    pub(super) bytes: Size,
}

impl Default for Pending {
    fn default() -> Self {
        // 1024 is not zero.
        let events = NonZeroUsize::new(1024).unwrap_or(NonZeroUsize::MIN);
        Self { events, bytes: Size::new(16 << 20) }
    }
}

/// How many programs run: from `min` to `max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Instances {
    pub(super) min: usize,
    pub(super) max: usize,
}

impl JsonSchema for Instances {
    fn schema_name() -> Cow<'static, str> {
        "Instances".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let number = |least, about: &str| {
            let most = INSTANCES_MAX;
            json!({"type": "integer", "minimum": least, "maximum": most, "description": about})
        };
        let min = number(0, "Programs that run at all times. With 0, the first event starts one.");
        let max = number(1, "Programs that run while every one is busy.");
        json_schema!({
            "anyOf": [
                { "type": "integer", "minimum": 1, "maximum": INSTANCES_MAX },
                {
                    "type": "object",
                    "properties": {"min": min, "max": max},
                    "required": ["min", "max"],
                    "additionalProperties": false,
                },
            ],
        })
    }
}

/// The most programs of one consumer.
const INSTANCES_MAX: usize = 1000;

impl<'de> Deserialize<'de> for Instances {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Bounds {
            min: usize,
            max: usize,
        }

        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Bounds;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number, or { min = 1, max = 4 }")
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Bounds, E> {
                let number = usize::try_from(number).map_err(E::custom)?;
                Ok(Bounds { min: number, max: number })
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Bounds, E> {
                let number = usize::try_from(number).map_err(E::custom)?;
                Ok(Bounds { min: number, max: number })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Bounds, A::Error> {
                Bounds::deserialize(MapAccessDeserializer::new(map))
            }
        }

        let Bounds { min, max } = deserializer.deserialize_any(Either)?;
        if max == 0 || max > INSTANCES_MAX || min > max {
            return Err(D::Error::custom(format!(
                "{min} to {max} programs are not possible\nwrite numbers from 1 to {INSTANCES_MAX}, \
                 min not above max"
            )));
        }
        Ok(Self { min, max })
    }
}

fn variables<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    let variables = BTreeMap::<String, String>::deserialize(deserializer)?;
    if let Some(name) = variables.keys().find(|name| name.is_empty() || name.contains('=')) {
        let message = format!("{name:?} is not the name of a variable\nremove it from env");
        return Err(D::Error::custom(message));
    }
    Ok(variables)
}

fn is_concurrency<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    let concurrency = usize::deserialize(deserializer)?;
    if !(1..=10_000).contains(&concurrency) {
        let message = format!("concurrency {concurrency} is not possible\nwrite 1 to 10000");
        return Err(D::Error::custom(message));
    }
    Ok(Some(concurrency))
}

fn headers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<HeaderName>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    let header = |name: String| {
        name.parse().map_err(|_| {
            D::Error::custom(format!("{name:?} is not the name of a header\nremove it"))
        })
    };
    names.into_iter().map(header).collect()
}

const fn timeout() -> Time {
    Time::from_secs(30)
}

const fn start() -> Time {
    Time::from_secs(10)
}

const fn grace() -> Time {
    Time::from_secs(5)
}

const fn idle() -> Time {
    Time::from_secs(60)
}

const fn line() -> Size {
    Size::new(1 << 20)
}

const fn file_above() -> Size {
    Size::new(64 << 10)
}

fn actions() -> usize {
    ActionLimits::default().actions
}

fn state() -> Size {
    Size::new(ActionLimits::default().state as u64)
}
