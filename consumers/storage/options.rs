//! The option `storage`: where files are stored.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::{Value, json};
use waterway::setting::Size;

use super::address::Address;
use super::bucket::Bucket;
use super::bucket_options::S3;
use super::folder::Folder;
use super::retention::Retention;

/// Where files are stored.
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
    /// A folder of this machine. It is created if it is missing.
    pub fn folder(path: impl Into<PathBuf>) -> Self {
        Self::Folder(Folder::new(path, None))
    }

    /// Checks the options `url` and `retention` against the storage. An error has the way out on
    /// its second line.
    pub(crate) fn check(&self, address: &Address, retention: &Retention) -> Result<(), String> {
        match (self, address) {
            (Self::Folder(_), Address::Presigned(_)) => {
                Err("url = \"presigned\" needs a bucket, but files are kept in a folder\n\
                 remove url, or write storage = { s3 = { … } }"
                    .into())
            }
            (Self::S3(_), _) if retention.removes() => {
                Err("retention cannot be combined with a bucket\n\
                 remove retention, and let the bucket's lifecycle rules remove old objects"
                    .into())
            }
            _ => Ok(()),
        }
    }
}

impl Default for Storage {
    fn default() -> Self {
        Self::folder(FOLDER)
    }
}

impl<'de> Deserialize<'de> for Storage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StorageVisitor)
    }
}

struct StorageVisitor;

/// `storage` as a table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    folder: Option<PathBuf>,
    min_free: Option<Size>,
    s3: Option<S3>,
}

/// The forms in which `storage` may be written.
#[derive(JsonSchema)]
#[schemars(untagged, deny_unknown_fields)]
#[allow(dead_code, reason = "only for the schema: `Written` reads them, with better messages")]
enum Form {
    Path(PathBuf),
    Folder {
        /// Folder for the files, made if it is missing.
        folder: PathBuf,
        /// Space of the file system that stays free: a picture that would leave less is not stored,
        /// and its client gets the error `storage`. `"0B"` turns this off.
        #[schemars(extend("x-default" = "the smaller of 1 GiB and 5 % of the file system"))]
        min_free: Option<Size>,
    },
    Bucket {
        /// A bucket of an S3-compatible service, in a program that was built with
        /// `--features s3`.
        s3: S3,
    },
}

impl JsonSchema for Storage {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Storage".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Form::json_schema(generator)
    }
}

/// Adds the key `folder`, which is short for `storage = { folder = … }`, to the options of a
/// consumer.
pub(crate) fn or_folder(schema: &mut Schema) {
    let folder = json!({
        "description": "Folder for the files; short for `storage = { folder = … }`. The picture \
            service makes it if it is missing, and does not start if it cannot write there.",
        "type": "string",
        "default": FOLDER
    });
    if let Some(Value::Object(keys)) = schema.get_mut("properties") {
        let rest = std::mem::take(keys);
        keys.insert("folder".to_owned(), folder);
        keys.extend(rest);
    }
    schema.insert("not".to_owned(), json!({ "required": ["folder", "storage"] }));
}

/// The default folder.
const FOLDER: &str = "media";

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
                "min_free is for a folder, but files are kept in a bucket\nremove min_free",
            )),
            Written { folder: None, s3: Some(settings), .. } => {
                settings.check().map_err(A::Error::custom)?;
                Bucket::new(settings).map(Storage::S3).map_err(A::Error::custom)
            }
            Written { folder: Some(_), s3: Some(_), .. } => {
                Err(A::Error::custom("files are kept in a folder or in a bucket, not in both"))
            }
            Written { folder: None, s3: None, .. } => Err(A::Error::custom(
                "the place where files are kept is missing\ngive folder or s3",
            )),
        }
    }
}
