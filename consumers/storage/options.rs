//! Where files are kept, as a routing table says it.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use waterway::{PublicUrl, Secret, Size, Time};

use super::{Address, Bucket, Folder, Retention};

/// Where files are kept.
///
/// Written `"media"`, a folder, `{ folder = "media", min_free = "10GiB" }`, or `{ s3 = { bucket = "pictures", … } }`.
#[derive(Debug, Clone, PartialEq)]
pub enum Storage {
    /// A folder of this machine.
    Folder(Folder),
    /// A bucket of an S3-compatible service.
    S3(Bucket),
}

impl Storage {
    /// A folder of this machine, made when it is missing.
    pub fn folder(path: impl Into<PathBuf>) -> Self {
        Self::Folder(Folder::new(path, None))
    }

    /// Says what of the keys beside it does not fit, with the way out on a second line.
    pub(crate) fn check(&self, address: &Address, retention: &Retention) -> Result<(), String> {
        match (self, address) {
            (Self::Folder(_), Address::Presigned(_)) => {
                Err("url = \"presigned\" is of a bucket, and files are kept in a folder\n\
                 leave url out, or say storage = { s3 = { … } }"
                    .into())
            }
            (Self::S3(_), _) if retention.removes() => {
                Err("retention is of a folder, and files are kept in a bucket\n\
                 leave retention out: the bucket's lifecycle rules remove what is old"
                    .into())
            }
            _ => Ok(()),
        }
    }
}

impl Default for Storage {
    fn default() -> Self {
        Self::folder("media")
    }
}

/// `s3`: a bucket of an S3-compatible service.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S3 {
    /// Its name, 3 to 63 bytes.
    pub bucket: BucketName,
    /// Where it is; needed unless `endpoint` is given, and then `"us-east-1"`.
    #[serde(default)]
    pub region: Option<String>,
    /// The service, where it is not Amazon's own.
    #[serde(default)]
    pub endpoint: Option<PublicUrl>,
    /// What the names of all its objects begin with, such as `"pictures/"`; none by default.
    #[serde(default)]
    pub prefix: String,
    /// Who writes to it. Without keys they are looked for where Amazon's own programs do: in the
    /// environment (`AWS_ACCESS_KEY_ID` and so on), then in the role of the machine.
    #[serde(default)]
    pub access_key: Option<Secret>,
    /// The secret of `access_key`.
    #[serde(default)]
    pub secret_key: Option<Secret>,
    /// Whether the bucket stands in the path and not in the host's name; by default, with an
    /// `endpoint`, it does.
    #[serde(default)]
    pub path_style: Option<bool>,
    /// How long one request may take; above 0, `"10s"` by default.
    #[serde(default = "timeout")]
    pub timeout: Time,
    /// How often a request that failed is sent again; 2 by default, at most 10.
    #[serde(default = "retries")]
    pub retries: u8,
}

impl S3 {
    const RETRIES_MAX: u8 = 10;

    /// Says what the keys lack together, with the way out on a second line.
    fn check(&self) -> Result<(), &'static str> {
        if self.region.is_none() && self.endpoint.is_none() {
            return Err("the bucket has no region\n\
                        give region = \"eu-central-1\", or an endpoint that is not Amazon's");
        }
        if self.access_key.is_some() != self.secret_key.is_some() {
            return Err("access_key and secret_key belong together\n\
                        give both, or neither: then the environment or the machine's role has them");
        }
        if self.timeout.duration().is_zero() {
            return Err("a timeout of nothing lets no request through\ngive one such as \"10s\"");
        }
        if self.retries > Self::RETRIES_MAX {
            return Err("at most 10 retries go\nwhat has failed so often is not there");
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

/// The name of a bucket: 3 to 63 small letters, digits, `-`, `.` and, of old ones, `_`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
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
            "{text:?} is not the name of a bucket\n3 to 63 small letters, digits, \"-\", \".\""
        ))
    }
}

impl<'de> Deserialize<'de> for Storage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StorageVisitor)
    }
}

struct StorageVisitor;

/// The table that a storage may be.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    folder: Option<PathBuf>,
    /// The free space that the folder's file system must keep. The default is the smaller of 1 GiB
    /// and 5 % of the file system; `"0B"` turns it off.
    min_free: Option<Size>,
    s3: Option<S3>,
}

impl<'de> Visitor<'de> for StorageVisitor {
    type Value = Storage;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a folder's path or { s3 = { bucket = \"…\", … } }")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Storage, E> {
        Ok(Storage::folder(text))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Storage, A::Error> {
        let written = Written::deserialize(MapAccessDeserializer::new(map))?;
        match written {
            Written { folder: Some(path), min_free, s3: None } => {
                Ok(Storage::Folder(Folder::new(path, min_free)))
            }
            Written { folder: None, min_free: Some(_), s3: Some(_) } => Err(A::Error::custom(
                "min_free is for a folder, and files are kept in a bucket\nleave min_free out",
            )),
            Written { folder: None, s3: Some(settings), .. } => {
                settings.check().map_err(A::Error::custom)?;
                Bucket::new(settings).map(Storage::S3).map_err(A::Error::custom)
            }
            Written { folder: Some(_), s3: Some(_), .. } => {
                Err(A::Error::custom("files are kept in a folder or in a bucket, not in both"))
            }
            Written { folder: None, s3: None, .. } => Err(A::Error::custom(
                "this says nothing of where files are kept\ngive folder or s3",
            )),
        }
    }
}
