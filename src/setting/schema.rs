//! JSON schemas of the types that are read from the table: keys with their words, defaults and
//! bounds.
//!
//! Two keywords of our own say what JSON Schema cannot: [`DEFAULT`] and [`BOUND`].

use std::any::TypeId;
use std::borrow::Cow;
use std::fmt;

use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::Spanned;

/// The options of a consumer: a type that is read from `[consumer.NAME]`, and whose schema says
/// what may be written there.
///
/// It is implemented for every type that derives both traits:
///
/// ```
/// use waterway::schemars;
///
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// #[serde(default, deny_unknown_fields)]
/// pub struct Shout {
///     /// The number of exclamation marks.
///     #[schemars(range(max = 10))]
///     marks: usize,
/// }
///
/// impl Default for Shout {
///     fn default() -> Self {
///         Self { marks: 1 }
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the options of a consumer",
    note = "derive `serde::Deserialize` and `schemars::JsonSchema` for it; \
            `use waterway::schemars;` brings the second one"
)]
pub trait ConsumerOptions: DeserializeOwned + JsonSchema + Send + 'static {}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned + JsonSchema + Send + 'static> ConsumerOptions for T {}

/// A default in words, for a default that is not one value: `"the working folder"`.
pub(crate) const DEFAULT: &str = "x-default";

/// A bound in words, for a bound that JSON Schema cannot express: `"at least \"8KiB\""`.
pub(crate) const BOUND: &str = "x-bound";

/// Gives schemas to types that are written as text.
macro_rules! text_schemas {
    ($($type:ty: $schema:tt;)*) => {$(
        impl schemars::JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!($schema)
            }
        }
    )*};
}
pub(crate) use text_schemas;

/// The text with each link of Markdown replaced by its own text.
pub(crate) fn without_links(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, link)) = rest.split_once('[') {
        plain.push_str(before);
        match link.split_once("](").and_then(|(name, url)| Some((name, url.split_once(')')?.1))) {
            Some((name, after)) if !name.contains(['[', ']']) => {
                plain.push_str(name);
                rest = after;
            }
            _ => {
                plain.push('[');
                rest = link;
            }
        }
    }
    plain.push_str(rest);
    plain
}

/// The description of a whole section; its key in the table has one of its own.
pub(crate) const ABOUT: &str = "x-about";

/// The description of a type, for [`ABOUT`].
pub(crate) fn about<T: JsonSchema>() -> String {
    let schema = schema_of::<T>();
    schema.get("description").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The schema of a type, without references, and without `null`, which TOML does not have.
pub(crate) fn schema_of<T: JsonSchema + ?Sized>() -> Schema {
    let settings = SchemaSettings::draft07().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.remove("title");
    Tidy.transform(&mut schema);
    schema
}

/// The types of options that the arguments of a consumer read, each once.
#[derive(Clone, Default)]
pub(crate) struct OptionSchemas(Vec<(TypeId, fn() -> Schema)>);

impl OptionSchemas {
    pub(crate) fn add<T: ConsumerOptions>(&mut self) {
        let id = TypeId::of::<T>();
        if self.0.iter().all(|(other, _)| *other != id) {
            self.0.push((id, schema_of::<T>));
        }
    }

    /// The schema of a table that all of these types accept. Without a type, it has no keys.
    pub(crate) fn merged(&self) -> Schema {
        match &self.0[..] {
            [] => json_schema!({ "type": "object", "additionalProperties": false }),
            [(_, only)] => only(),
            all => {
                let schemas: Vec<Schema> = all.iter().map(|(_, schema)| schema()).collect();
                json_schema!({ "allOf": schemas })
            }
        }
    }
}

/// Removes what describes Rust or JSON rather than the table.
struct Tidy;

impl Transform for Tidy {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        let Some(keywords) = schema.as_object_mut() else { return };
        // Formats such as `uint32` are schemars' own.
        keywords.remove("format");
        if keywords.contains_key(DEFAULT) || keywords.get("default").is_some_and(Value::is_null) {
            keywords.remove("default");
        }
        if let Some(Value::Array(types)) = keywords.get_mut("type") {
            types.retain(|name| name != "null");
            if let [only] = &mut types[..] {
                keywords["type"] = only.take();
            }
        }
        for choice in ["anyOf", "oneOf", "allOf"] {
            if let Some(Value::Array(schemas)) = keywords.get_mut(choice) {
                schemas.retain(|schema| schema.get("type").is_none_or(|name| name != "null"));
                if let [Value::Object(only)] = &mut schemas[..] {
                    let only = std::mem::take(only);
                    keywords.remove(choice);
                    add(keywords, only);
                }
            }
        }
        if let Some(Value::String(words)) = keywords.get_mut("description") {
            *words = unfolded(words);
        }
    }
}

/// Adds keywords that are not there yet.
fn add(keywords: &mut Map<String, Value>, more: Map<String, Value>) {
    for (keyword, value) in more {
        keywords.entry(keyword).or_insert(value);
    }
}

/// The text of a doc comment with one line for each paragraph, list item and table row.
fn unfolded(text: &str) -> String {
    let mut unfolded = String::new();
    for line in text.lines() {
        let begins = ["|", "- ", "#"].iter().any(|mark| line.starts_with(mark));
        if !unfolded.is_empty() {
            let after_text = !unfolded.ends_with('\n') && !line.is_empty() && !begins;
            unfolded.push(if after_text { ' ' } else { '\n' });
        }
        unfolded.push_str(line);
    }
    unfolded
}

/// `#[schemars(transform = above_zero)]`: a number, a time or a size that is not zero.
pub(crate) fn above_zero(schema: &mut Schema) {
    let Some(keywords) = schema.as_object_mut() else { return };
    if let Some(Value::String(pattern)) = keywords.get_mut("pattern") {
        *pattern = pattern.replacen("^[0-9]+", "^0*[1-9][0-9]*", 1);
        keywords.insert(BOUND.into(), "above 0".into());
    } else {
        keywords.insert("minimum".into(), 1.into());
    }
}

/// `#[schemars(transform = one_or_more)]`: a list of at least one, or a single value.
pub(crate) fn one_or_more(schema: &mut Schema) {
    any_number(schema);
    if let Some(list) = schema.pointer_mut("/anyOf/1").and_then(Value::as_object_mut) {
        list.insert("minItems".into(), 1.into());
    }
}

/// `#[schemars(transform = any_number)]`: a list, or a single value.
pub(crate) fn any_number(schema: &mut Schema) {
    let Some(keywords) = schema.as_object_mut() else { return };
    let Some(one) = keywords.get("items").cloned() else { return };
    let mut list = Map::new();
    for keyword in ["type", "items", "minItems", "maxItems", "uniqueItems"] {
        list.extend(keywords.remove(keyword).map(|value| (keyword.to_owned(), value)));
    }
    list.insert("type".into(), "array".into());
    keywords.insert("anyOf".into(), json!([one, list]));
}

/// The bound "at least", in words.
pub(crate) fn at_least(least: impl fmt::Display) -> String {
    format!("at least `\"{least}\"`")
}

/// The bound "at most", in words.
pub(crate) fn at_most(most: impl fmt::Display) -> String {
    format!("at most `\"{most}\"`")
}

/// Both bounds, in words.
pub(crate) fn between(least: impl fmt::Display, most: impl fmt::Display) -> String {
    format!("`\"{least}\"` to `\"{most}\"`")
}

/// As the value itself.
impl<T: JsonSchema> JsonSchema for Spanned<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// As the value itself.
impl<T: serde::Serialize> serde::Serialize for Spanned<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}
