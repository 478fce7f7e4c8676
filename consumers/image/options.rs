//! The picture service's options: the table `[consumer.<name>]` of a consumer of pictures.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::codec::Limits;
use super::header::DEFAULT_RESULT;
use super::step::Step;

/// How pictures are worked on and where they are kept.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pictures {
    /// The pipelines: what a header's `rType` names, and the steps that it stands for, in order.
    pub results: BTreeMap<String, Vec<Step>>,
    /// How large a picture may be, as it came and zoomed.
    pub limits: Limits,
    /// What to do with a picture that was cut short.
    pub on_truncated: OnTruncated,
    /// Where pictures are kept; made when it is missing.
    pub folder: PathBuf,
    /// What a result's name begins with: the rest of it is the received picture's name.
    pub prefix: Prefix,
}

impl Default for Pictures {
    fn default() -> Self {
        Self {
            results: BTreeMap::from([(DEFAULT_RESULT.to_owned(), vec![Step::grayscale()])]),
            limits: Limits::default(),
            on_truncated: OnTruncated::default(),
            folder: PathBuf::from("media"),
            prefix: Prefix::default(),
        }
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
