//! The pipelines of the table: the formats that this program can write, and the files that their
//! steps need.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, absolute};

use imaging::step::{About, Key, Shape, Takes};
use imaging::{Encoding, Pipeline, Step};
use schemars::{Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

/// The largest file of a watermark or a font, in bytes.
const FILE_MAX: u64 = 8 << 20;

/// Reads `results`. The steps have yet to be given their files.
///
/// # Errors
/// For a wrong step, and for a format that this program was built without.
pub(super) fn read<'de, D>(deserializer: D) -> Result<BTreeMap<String, Pipeline>, D::Error>
where
    D: Deserializer<'de>,
{
    let usable = BTreeMap::<String, Usable>::deserialize(deserializer)?;
    Ok(usable.into_iter().map(|(name, Usable(pipeline))| (name, pipeline)).collect())
}

/// The schema of `results`: each step by its name, with the keys of its table.
pub(super) fn schema(_: &mut SchemaGenerator) -> Schema {
    let steps: Vec<Value> = Step::ALL.iter().flat_map(|about| forms(about)).collect();
    json_schema!({
        "type": "object",
        "additionalProperties": { "type": "array", "items": { "anyOf": steps } }
    })
}

/// The forms in which a step may be written: its name, a table of one key, or both.
fn forms(about: &About) -> Vec<Value> {
    let About { name, takes, summary, details, value, keys, .. } = about;
    let bare = json!({ "const": name, "description": summary });
    let required: Vec<&str> =
        keys.iter().filter(|key| key.default.is_empty()).map(|key| key.name).collect();
    let of_key = |Key { name, shape, meaning, default }: &Key| {
        let mut schema = of_shape(shape);
        schema["description"] = (*meaning).into();
        if !default.is_empty() {
            schema["x-default"] = (*default).into();
        }
        ((*name).to_owned(), schema)
    };
    let properties: Map<String, Value> = keys.iter().map(of_key).collect();
    let short = value.as_ref().map(of_shape);
    let long = (!keys.is_empty()).then(|| {
        json!({
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false
        })
    });
    let mut value = match (short, long) {
        (Some(short), Some(long)) => json!({ "anyOf": [short, long] }),
        (short, long) => short.or(long).unwrap_or_default(),
    };
    value["description"] = format!("{summary}. {details}").into();
    let table = json!({
        "type": "object",
        "properties": { *name: value },
        "required": [name],
        "additionalProperties": false
    });
    match takes {
        Takes::Nothing => vec![bare],
        Takes::Value => vec![table],
        Takes::Either => vec![bare, table],
    }
}

/// The schema of a value in a step.
fn of_shape(shape: &Shape) -> Value {
    match shape {
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::Number(least, most) => {
            json!({ "type": "number", "minimum": least, "maximum": most })
        }
        Shape::NumberAbove(least, most) => {
            json!({ "type": "number", "exclusiveMinimum": least, "maximum": most })
        }
        Shape::Whole(least, most) => {
            json!({ "type": "integer", "minimum": least, "maximum": most })
        }
        Shape::WholeOf(values) => json!({ "enum": values }),
        Shape::Word(words) => json!({ "enum": words }),
        Shape::Colour => json!({ "type": "string", "pattern": COLOUR }),
        Shape::Text(most) => {
            json!({ "type": "string", "pattern": r"\S", "maxLength": most })
        }
        Shape::Path => json!({ "type": "string" }),
        Shape::List(values) => {
            let values: Vec<Value> = values.iter().map(of_shape).collect();
            let count = values.len();
            json!({ "type": "array", "items": values, "minItems": count, "maxItems": count })
        }
        Shape::AnyOf(shapes) => {
            json!({ "anyOf": shapes.iter().map(of_shape).collect::<Vec<_>>() })
        }
    }
}

/// A colour as it is written.
const COLOUR: &str = "^(#([0-9A-Fa-f]{3}|[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})|white|black|transparent)$";

/// A pipeline whose result this program can write.
struct Usable(Pipeline);

impl<'de> Deserialize<'de> for Usable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let pipeline = Pipeline::new(Vec::deserialize(deserializer)?);
        match pipeline.encoding().and_then(Encoding::missing_feature) {
            None => Ok(Self(pipeline)),
            Some(feature) => {
                let format = if feature == "avif" { "AVIF" } else { "lossy WebP" };
                Err(D::Error::custom(format_args!(
                    "this program was built without {format}\nbuild it with: \
                     cargo build --release -p waterway-consumers --features {feature}"
                )))
            }
        }
    }
}

/// The pipelines with the files that their steps need. It reads them, which may take a while.
///
/// # Errors
/// The first mistake in a file, with the way out on a second line.
pub(super) fn load(
    results: &BTreeMap<String, Pipeline>,
) -> Result<BTreeMap<String, Pipeline>, String> {
    let loaded = results.iter().map(|(name, pipeline)| {
        let steps = pipeline.steps().iter().map(with_file).collect::<Result<_, _>>();
        let steps = steps.map_err(|error| format!("the file of a step of {name}: {error}"))?;
        Ok((name.clone(), Pipeline::new(steps)))
    });
    loaded.collect()
}

/// The mistakes in the files that steps need, each with the name of its pipeline and the place of
/// its step there.
pub(crate) fn mistakes(results: &BTreeMap<String, Pipeline>) -> Vec<(&str, usize, String)> {
    let steps = results.iter().flat_map(|(name, pipeline)| {
        pipeline.steps().iter().enumerate().map(move |(at, step)| (name.as_str(), at, step))
    });
    steps.filter_map(|(name, at, step)| Some((name, at, with_file(step).err()?))).collect()
}

/// The step with the file that it needs, if it needs one.
fn with_file(step: &Step) -> Result<Step, String> {
    let mut step = step.clone();
    if let Some(file) = step.file() {
        let content = content(file)?;
        step.load(content)?;
    }
    Ok(step)
}

fn content(file: &Path) -> Result<Vec<u8>, String> {
    let absolute = absolute(file).unwrap_or_else(|_| file.to_owned());
    let refused = |why: String| format!("{}: {why}", absolute.display());
    let length = fs::metadata(file).map_err(|error| refused(error.to_string()))?.len();
    if length > FILE_MAX {
        return Err(refused(format!("it has {length} bytes, at most {FILE_MAX} are allowed")));
    }
    fs::read(file).map_err(|error| refused(error.to_string()))
}

#[cfg(test)]
mod tests;
