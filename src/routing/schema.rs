//! The JSON schema of a table, with the options of every consumer of a registry.

use schemars::Schema;
use serde_json::{Map, Value, json};

use crate::config::RoutingConfig;
use crate::consumer::{Listed, Registry};
use crate::queue::StoreKind;
use crate::setting::schema::{ABOUT, BOUND, DEFAULT, schema_of, without_links};

/// A reference to the environment. It may replace any value but a list or a table.
const REFERENCE: &str = r"\$\{";

/// The schema of tables, with the keywords `x-default`, `x-bound` and `x-about`.
pub(crate) fn described(registry: &Registry) -> Schema {
    let mut schema = schema_of::<RoutingConfig>();
    let listed: Vec<Listed> = registry.names().filter_map(|name| registry.list(name)).collect();
    let uses = schema.pointer("/properties/consumer/additionalProperties/properties/use").cloned();
    let uses = uses.and_then(|uses| Some(uses.get("description")?.as_str()?.to_owned()));
    if let Some(consumers) = schema.pointer_mut("/properties/consumer") {
        consumers["additionalProperties"] = consumer(&listed, &uses.unwrap_or_default());
    }
    schema.insert("definitions".into(), definitions(&listed));
    if let Some(Value::Object(keywords)) = schema.pointer_mut("/properties/layer/properties/store")
    {
        add_stores(registry, keywords);
    }
    if let Some(named) = schema.pointer_mut("/properties/route/items/properties/consumer")
        && let Some(keywords) = named.as_object_mut()
    {
        // Any name is allowed, because the table may give names of its own.
        let one = json!({ "anyOf": [names(&listed), { "type": "string" }] });
        let list = json!({ "type": "array", "minItems": 1, "items": one });
        keywords.insert("anyOf".into(), json!([names(&listed), { "type": "string" }, list]));
        keywords.remove("type");
    }
    schema
}

/// The schema of tables for editors and validators (draft 7).
pub(super) fn for_editors(registry: &Registry) -> Schema {
    let mut schema = described(registry).to_value();
    tell(&mut schema);
    allow_environment(&mut schema);
    let mut whole = Map::new();
    whole.insert("$schema".into(), "http://json-schema.org/draft-07/schema#".into());
    whole.insert("title".into(), "routing.toml".into());
    if let Value::Object(keywords) = schema {
        whole.extend(keywords);
    }
    whole.into()
}

/// The names of consumers, each with its description.
fn names(listed: &[Listed]) -> Value {
    let name = |one: &Listed| match one.about {
        "" => json!({ "const": one.name }),
        about => json!({ "const": one.name, "description": about }),
    };
    json!({ "oneOf": listed.iter().map(name).collect::<Vec<_>>() })
}

/// A `[consumer.NAME]`: its `use`, or the key that implies one, decides on its options.
fn consumer(listed: &[Listed], uses: &str) -> Value {
    let mut named = names(listed);
    named["description"] = uses.into();
    let mut rules = vec![json!({ "properties": { "use": named } })];
    let mut required = vec![json!({ "required": ["use"] })];
    // Taplo does not look into conditions for keys to suggest. This one holds for every table.
    let mut suggested = vec![json!({})];
    for one in listed {
        let options = json!({ "$ref": format!("#/definitions/{}", one.name) });
        let condition =
            json!({ "properties": { "use": { "const": one.name } }, "required": ["use"] });
        rules.push(json!({ "if": condition, "then": options }));
        for kind in &one.kinds {
            let condition = json!({ "required": [kind], "not": { "required": ["use"] } });
            rules.push(json!({ "if": condition, "then": options }));
            required.push(json!({ "required": [kind] }));
        }
        suggested.push(options);
    }
    rules.extend([json!({ "anyOf": required }), json!({ "anyOf": suggested })]);
    json!({ "type": "object", "allOf": rules })
}

/// Lets `[layer] store` have the form of each kind that the program knows besides the folder.
fn add_stores(registry: &Registry, keywords: &mut Map<String, Value>) {
    let folder = ["type", "properties", "required", "additionalProperties"];
    let folder = folder.map(|keyword| (keyword.to_owned(), keywords.remove(keyword)));
    let folder: Map<_, _> =
        folder.into_iter().filter_map(|(keyword, value)| Some((keyword, value?))).collect();
    let form = |(key, kind): (&&str, &StoreKind)| {
        json!({
            "type": "object",
            "properties": { *key: kind.schema() },
            "required": [key],
            "additionalProperties": false
        })
    };
    let forms = registry.stores().iter().map(form);
    let forms = [Value::from(folder)].into_iter().chain(forms).collect::<Vec<_>>();
    keywords.insert("anyOf".into(), forms.into());
}

/// The schemas of the consumers' options, by their names.
fn definitions(listed: &[Listed]) -> Value {
    let options = |one: &Listed| (one.name.clone(), with_use(one.options.clone().to_value()));
    listed.iter().map(options).collect::<Map<_, _>>().into()
}

/// Lets the table of a consumer's options have the key `use` too.
fn with_use(mut options: Value) -> Value {
    if let Some(Value::Array(all)) = options.get_mut("allOf") {
        *all = std::mem::take(all).into_iter().map(with_use).collect();
    } else if let Value::Object(keywords) = &mut options {
        let keys = keywords.entry("properties").or_insert_with(|| Map::new().into());
        if let Value::Object(keys) = keys {
            keys.insert("use".into(), true.into());
        }
    }
    options
}

/// Adds defaults and bounds to the descriptions, for editors that show nothing else.
fn tell(schema: &mut Value) {
    each_subschema(schema, &mut tell);
    let Value::Object(keywords) = schema else { return };
    keywords.remove(ABOUT);
    let mut more = Vec::new();
    let default = match (keywords.remove(DEFAULT), keywords.get("default")) {
        (Some(Value::String(words)), _) => Some(words),
        (_, Some(default)) => Some(format!("`{}`", as_written(default))),
        _ => None,
    };
    more.extend(default.map(|default| format!("Default: {default}.")));
    if let Some(Value::String(bound)) = keywords.remove(BOUND) {
        more.push(format!("Bound: {bound}."));
    }
    if let (Some(Value::String(words)), false) = (keywords.get_mut("description"), more.is_empty())
    {
        *words = format!("{words}\n\n{}", more.join(" "));
    }
    if let Some(Value::String(words)) = keywords.get_mut("description") {
        // Links lead to places of the reference.
        *words = without_links(words);
    }
}

/// Lets a text with `${…}` replace each value that is not a list or a table.
fn allow_environment(schema: &mut Value) {
    each_subschema(schema, &mut allow_environment);
    let Value::Object(keywords) = schema else { return };
    if let Some(Value::String(pattern)) = keywords.get_mut("pattern") {
        *pattern = format!("({pattern})|{REFERENCE}");
        return;
    }
    let reference = json!({ "type": "string", "pattern": REFERENCE });
    for choice in ["anyOf", "oneOf"] {
        let constants = |choices: &[Value]| choices.iter().any(|one| one.get("const").is_some());
        if let Some(Value::Array(choices)) = keywords.get_mut(choice)
            && constants(choices)
        {
            choices.push(reference);
            return;
        }
    }
    if let Some(constants) = keywords.remove("enum") {
        keywords.insert("anyOf".into(), json!([{ "enum": constants }, reference]));
        return;
    }
    let numbers = ["integer", "number", "boolean"];
    if let Some(Value::String(name)) = keywords.get("type")
        && numbers.contains(&name.as_str())
    {
        keywords.insert("type".into(), json!([name, "string"]));
        keywords.insert("pattern".into(), REFERENCE.into());
    }
}

/// Visits the schemas of the values in a value; conditions are left as they are.
fn each_subschema(schema: &mut Value, visit: &mut dyn FnMut(&mut Value)) {
    let Value::Object(keywords) = schema else { return };
    for (keyword, value) in keywords {
        match (keyword.as_str(), value) {
            ("properties" | "patternProperties" | "definitions", Value::Object(keys)) => {
                keys.values_mut().for_each(&mut *visit);
            }
            ("anyOf" | "oneOf" | "allOf", Value::Array(schemas)) => {
                schemas.iter_mut().for_each(&mut *visit);
            }
            ("items", Value::Array(schemas)) => schemas.iter_mut().for_each(&mut *visit),
            ("items" | "additionalProperties" | "then", schema) => visit(schema),
            _ => {}
        }
    }
}

/// A value as it is written in a table.
pub(crate) fn as_written(value: &Value) -> String {
    match value {
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(as_written).collect();
            format!("[{}]", values.join(", "))
        }
        Value::Object(entries) if entries.is_empty() => "{}".to_owned(),
        Value::Object(entries) => {
            let entries: Vec<String> = entries
                .iter()
                .map(|(key, value)| format!("{key} = {}", as_written(value)))
                .collect();
            format!("{{ {} }}", entries.join(", "))
        }
        plain => plain.to_string(),
    }
}
