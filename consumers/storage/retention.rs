//! The option `retention`: how long files stay in a folder.

use schemars::JsonSchema;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use waterway::Time;
use waterway::setting::Size;

/// How long files stay in a folder. By default all stay, except files that a crash left half
/// written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, remote = "Self")]
#[schemars(extend("anyOf" = [{ "required": ["age"] }, { "required": ["size"] }]))]
pub struct Retention {
    /// Removes pictures that were last answered longer ago.
    #[schemars(extend("x-default" = "none", "x-bound" = "at least `keep_for`"))]
    pub age: Option<Time>,
    /// Removes the oldest pictures while all pictures together are larger than this.
    #[schemars(extend("x-default" = "none"))]
    pub size: Option<Size>,
    /// Never removes pictures that were answered less than this ago; needs `age` or `size`.
    #[schemars(extend("x-bound" = "at least 1s"))]
    pub keep_for: Time,
    /// How often to look.
    #[schemars(extend("x-bound" = "at least 1s"))]
    pub every: Time,
}

impl Retention {
    /// Whether it removes more than half-written files.
    #[must_use]
    pub fn removes(&self) -> bool {
        self.age.is_some() || self.size.is_some()
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self { age: None, size: None, keep_for: Time::from_secs(3600), every: Time::from_secs(600) }
    }
}

/// Reads each key, and then checks the keys together.
impl<'de> Deserialize<'de> for Retention {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let retention = Self::deserialize(deserializer)?;
        let Self { age, keep_for, every, .. } = retention;
        if let Some(age) = age.filter(|age| *age < keep_for) {
            return Err(D::Error::custom(format_args!(
                "an age of {age} is less than the {keep_for} of keep_for\n\
                 a picture that was answered less than keep_for ago stays: give a longer age or a shorter keep_for"
            )));
        }
        for (key, time) in [("keep_for", keep_for), ("every", every)] {
            if time < Time::from_secs(1) {
                let text = format!("{time} is too short for {key}\ngive at least \"1s\"");
                return Err(D::Error::custom(text));
            }
        }
        if !retention.removes() {
            return Err(D::Error::custom(
                "this retention removes nothing\ngive age, size or both, such as age = \"30d\"",
            ));
        }
        Ok(retention)
    }
}
