//! The picture service's options: the table `[consumer.<name>]` of a consumer of pictures.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use waterway::Size;

use super::codec::Limits;
use super::header::DEFAULT_RESULT;
use super::pipeline::Pipeline;
use super::step::Step;
use crate::storage::{Address, Retention, Storage, Store};

/// How pictures are worked on and where they are kept.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, remote = "Self")]
pub struct Pictures {
    /// The pipelines: what a header's `rType` names, and the steps that it stands for, in order.
    pub results: BTreeMap<String, Pipeline>,
    /// How large a picture may be, as it came and zoomed.
    pub limits: Limits,
    /// What to do with a picture that was cut short.
    pub on_truncated: OnTruncated,
    /// What is kept of a picture beside its result.
    pub keep: Keep,
    /// The memory for results that are found again when an equal picture comes; none by default.
    pub cache: Size,
    /// Where pictures are kept: `folder = PATH` is short for `storage = PATH`.
    #[serde(alias = "folder")]
    pub storage: Storage,
    /// What kept pictures are called in answers.
    pub url: Address,
    /// How long they stay there.
    pub retention: Retention,
    /// What a result's name begins with: the rest of it is the received picture's name.
    pub prefix: Prefix,
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
    /// The store, as it is called from outside by a client that knows this service as `public_url`.
    #[must_use]
    pub fn store(&self, public_url: impl Into<Arc<str>>) -> Store {
        Store::new(self.storage.clone(), self.url.clone(), public_url)
    }
}

/// Key by key, and then what keys say together.
impl<'de> Deserialize<'de> for Pictures {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let pictures = Self::deserialize(deserializer)?;
        pictures.storage.check(&pictures.url, &pictures.retention).map_err(D::Error::custom)?;
        Ok(pictures)
    }
}

/// What to do with a picture that was cut short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnTruncated {
    /// Show what came with grey for the rest, and say `"truncated": true`.
    #[default]
    Grey,
    /// Answer `bad_image`.
    Reject,
}

/// What is kept of a picture beside its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Keep {
    /// The file as it came, its EXIF data with it.
    #[default]
    Original,
    /// The picture zoomed, written anew: what the seed program kept.
    Zoomed,
    /// Nothing.
    None,
}

/// What a result's name begins with: 1 to 32 letters, digits, `_` and `-`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
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
