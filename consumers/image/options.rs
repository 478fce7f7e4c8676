//! The picture service's options: the table `[consumer.<name>]` of a consumer of pictures.

use std::collections::BTreeMap;
use std::sync::Arc;

use imaging::{Pipeline, Step};
use schemars::JsonSchema;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use waterway::setting::Size;

use super::header::DEFAULT_RESULT;
use super::limits::Limits;
use super::pipelines;
use crate::storage::{self, Address, Retention, Storage, Store};

/// How pictures are worked on, and where they are stored.
///
/// Without `url`, the URLs of results begin with `<public_url>/upload/`, so route `media` with the
/// same folder or bucket at `/upload/{*file}`.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, remote = "Self")]
#[schemars(transform = storage::or_folder)]
pub struct Pictures {
    /// Pipelines: each name is a value of `rType`, each list its steps in order; `[]` does nothing. A
    /// header without `rType` means `rl`, so keep a pipeline of that name. See [steps.md](steps.md).
    #[serde(deserialize_with = "pipelines::read")]
    #[schemars(
        schema_with = "pipelines::schema",
        extend("default" = { (DEFAULT_RESULT): ["grayscale"] })
    )]
    pub results: BTreeMap<String, Pipeline>,
    /// In place of `folder`: `{ folder = "media", min_free = "10GiB" }`, or a bucket,
    /// `{ s3 = { … } }`.
    #[serde(alias = "folder")]
    #[schemars(extend("x-default" = "`folder`"))]
    pub storage: Storage,
    /// Beginning of the results' URLs, followed by the file's name: `"https://…"` (files then lie
    /// flat in the folder); or the bucket's own signed URLs, `"presigned"` or
    /// `{ presigned = "15m" }` with their lifetime (`"1h"`).
    #[schemars(extend("x-default" = "`<public_url>/upload`"))]
    pub url: Address,
    /// Which pictures are removed.
    pub retention: Retention,
    /// Beginning of the names of results; the rest is the name of the received picture.
    pub prefix: Prefix,
    /// The answer to a file that was cut short.
    pub on_truncated: OnTruncated,
    /// The second file that is stored with each result.
    pub keep: Keep,
    /// How large a picture may be, and how much all pictures in progress may take.
    pub limits: Limits,
    /// Memory for finding results of equal pictures again; the least recently used go first, and a
    /// result that is gone from the store is not answered. `"0B"` turns this off.
    pub cache: Size,
}

impl Default for Pictures {
    fn default() -> Self {
        Self {
            results: BTreeMap::from([(
                DEFAULT_RESULT.to_owned(),
                Pipeline::new(vec![Step::grayscale()]),
            )]),
            limits: Limits::default(),
            on_truncated: OnTruncated::default(),
            keep: Keep::default(),
            cache: Size::default(),
            storage: Storage::default(),
            url: Address::default(),
            retention: Retention::default(),
            prefix: Prefix::default(),
        }
    }
}

impl Pictures {
    /// The store, with the addresses for a client that knows this service as `public_url`.
    #[must_use]
    pub fn store(&self, public_url: impl Into<Arc<str>>) -> Store {
        Store::new(self.storage.clone(), self.url.clone(), public_url)
    }
}

/// Reads each key, and then checks the keys together.
impl<'de> Deserialize<'de> for Pictures {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let pictures = Self::deserialize(deserializer)?;
        pictures.storage.check(&pictures.url, &pictures.retention).map_err(D::Error::custom)?;
        Ok(pictures)
    }
}

/// The answer to a picture that was cut short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnTruncated {
    /// The part that arrived is shown, with grey for the rest and `"truncated": true`.
    #[default]
    Grey,
    /// `bad_image`.
    Reject,
}

/// The files that are stored in addition to a picture's result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Keep {
    /// The file as it was sent, with its metadata; `media` serves it only if its `prefix` allows.
    #[default]
    Original,
    /// The zoomed picture, encoded again, as the Tornado program did.
    Zoomed,
    /// Nothing.
    None,
}

/// The beginning of a result's name: 1 to 32 letters, digits, `_` and `-`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(extend("pattern" = r"^[A-Za-z0-9_-]{1,32}$", "x-bound" = "1 to 32 letters, digits, `_`, `-`"))]
pub struct Prefix(String);

impl Prefix {
    const LENGTH_MAX: usize = 32;

    /// The prefix itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Prefix {
    fn default() -> Self {
        Self("rb_".to_owned())
    }
}

impl TryFrom<String> for Prefix {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if (1..=Self::LENGTH_MAX).contains(&text.len()) && text.bytes().all(plain) {
            return Ok(Self(text));
        }
        Err(format!("a prefix {text:?}: it is 1 to 32 letters, digits, \"_\" and \"-\""))
    }
}
