//! The option `storage.s3`: which bucket, and how the service reaches it.

use schemars::JsonSchema;
use serde::Deserialize;
use waterway::Time;
use waterway::config::{PublicUrl, Secret};

/// `s3`: a bucket of an S3-compatible service.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("anyOf" = [{ "required": ["region"] }, { "required": ["endpoint"] }]))]
pub struct S3 {
    /// Its name.
    pub bucket: BucketName,
    /// Its region.
    #[serde(default)]
    #[schemars(extend(
        "x-default" = "with an `endpoint`, `\"us-east-1\"`",
        "x-bound" = "required without `endpoint`"
    ))]
    pub region: Option<String>,
    /// Address of a service that is not Amazon's: `"http://127.0.0.1:9000"`.
    #[serde(default)]
    #[schemars(extend("x-default" = "Amazon's"))]
    pub endpoint: Option<PublicUrl>,
    /// Beginning of the names of its objects: `"pictures/"`.
    #[serde(default)]
    pub prefix: String,
    /// Key for writing.
    #[serde(default)]
    #[schemars(extend(
        "x-default" = "the environment's `AWS_…`, otherwise the machine's role",
        "x-bound" = "both keys or neither"
    ))]
    pub access_key: Option<Secret>,
    /// The secret of `access_key`.
    #[serde(default)]
    #[schemars(extend("x-default" = "as for `access_key`"))]
    pub secret_key: Option<Secret>,
    /// The bucket's name is in the path, not in the host name.
    #[serde(default)]
    #[schemars(extend("x-default" = "with an `endpoint`, true"))]
    pub path_style: Option<bool>,
    /// Time for one request.
    #[serde(default = "timeout")]
    #[schemars(extend("x-bound" = "above 0"))]
    pub timeout: Time,
    /// How often a failed request is repeated.
    #[serde(default = "retries")]
    #[schemars(range(min = 0, max = S3::RETRIES_MAX))]
    pub retries: u8,
}

impl S3 {
    const RETRIES_MAX: u8 = 10;

    /// Checks the keys together. An error has the way out on its second line.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        if self.region.is_none() && self.endpoint.is_none() {
            return Err("the bucket has no region\n\
                        give region = \"eu-central-1\", or the endpoint of another service");
        }
        if self.access_key.is_some() != self.secret_key.is_some() {
            return Err("access_key and secret_key belong together\n\
                        give both, or neither: then they come from the environment or the machine's role");
        }
        if self.timeout.duration().is_zero() {
            return Err(
                "with a timeout of 0 every request fails\ngive a longer one, such as \"10s\"",
            );
        }
        if self.retries > Self::RETRIES_MAX {
            return Err(
                "at most 10 retries are allowed\nafter so many failures the bucket is not available",
            );
        }
        Ok(())
    }
}

fn timeout() -> Time {
    Time::from_secs(10)
}

fn retries() -> u8 {
    2
}

/// The name of a bucket: 3 to 63 small letters, digits, `-`, `.` and, in old names, `_`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(extend("pattern" = r"^[a-z0-9._-]{3,63}$", "x-bound" = "3 to 63 bytes"))]
pub struct BucketName(String);

impl BucketName {
    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for BucketName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let plain = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.' | b'_')
        };
        if (3..=63).contains(&text.len()) && text.bytes().all(plain) {
            return Ok(Self(text));
        }
        Err(format!(
            "{text:?} is not the name of a bucket\na name has 3 to 63 small letters, digits, \"-\" and \".\""
        ))
    }
}
