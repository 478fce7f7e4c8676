//! Tests that reading finds every mistake.

use serde::Deserialize;

use super::super::{Diagnostic, Entry, Span, Spanned, SpannedValue, Table, Value, read};

/// Makes a tree of values, each with a span of its own in the order of writing.
struct Writer(usize);

impl Writer {
    fn span(&mut self) -> Span {
        self.0 += 1;
        Span { file: 0, start: self.0, end: self.0 + 1 }
    }

    fn value(&mut self, json: &serde_json::Value) -> SpannedValue {
        use serde_json::Value as Json;
        let span = self.span();
        let value = match json {
            Json::Null => Value::Lost,
            Json::Bool(value) => Value::Bool(*value),
            Json::Number(number) => match number.as_i64() {
                Some(number) => Value::Integer(number),
                None => Value::Float(number.as_f64().unwrap()),
            },
            Json::String(text) => match text.strip_prefix("$") {
                Some(text) => Value::Substituted(text.to_owned()),
                None => Value::Text(text.clone()),
            },
            Json::Array(list) => Value::List(list.iter().map(|json| self.value(json)).collect()),
            Json::Object(object) => Value::Table(Table {
                entries: object
                    .iter()
                    .map(|(key, json)| Entry {
                        key: Spanned::new(key.clone(), self.span()),
                        value: self.value(json),
                    })
                    .collect(),
                partial: false,
            }),
        };
        SpannedValue::new(value, span)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Options {
    workers: Option<u8>,
    bind_ip: bool,
    quality: f32,
    steps: Vec<Step>,
    parts: Vec<Part>,
    fit: Option<(u32, u32)>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    name: Spanned<String>,
    #[serde(default)]
    count: u32,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Step {
    Grayscale,
    Fit(u32, u32),
    Jpeg { quality: u8 },
    Turn(u16),
}

fn read_json(json: &serde_json::Value) -> (Option<Options>, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    let options = read(&Writer(0).value(json), &mut diagnostics);
    (options, diagnostics)
}

fn check(json: &serde_json::Value, reported: &[&str]) {
    let (_, diagnostics) = read_json(json);
    let lines: Vec<String> = diagnostics
        .into_iter()
        .map(|diagnostic| match diagnostic.help {
            Some(help) => format!("{} | {help}", diagnostic.message),
            None => diagnostic.message,
        })
        .collect();
    assert_eq!(lines, reported, "{json}");
}

#[test]
fn every_mistake_is_reported_once_in_words() {
    use serde_json::json;
    let keys = "the keys here are: workers, bind_ip, quality, steps, parts, fit";
    check(&json!({}), &[]);
    check(&json!({"wrokers": 3}), &["unknown key \"wrokers\" | did you mean \"workers\"?"]);
    check(&json!({"colour": 3}), &[&format!("unknown key \"colour\" | {keys}")]);
    check(
        &json!({"bind_ip": 3, "quality": "good", "workers": "four", "x": 1}),
        &[
            "expected true or false, found 3",
            "expected a number, found text \"good\"",
            "expected a whole number, found text \"four\"",
            &format!("unknown key \"x\" | {keys}"),
        ],
    );
    check(&json!({"workers": 256}), &["expected a whole number from 0 to 255, found 256"]);
    check(&json!({"workers": -1}), &["expected a whole number from 0 to 255, found -1"]);
    check(&json!({"workers": 1.5}), &["expected a whole number, found 1.5"]);
    check(&json!({"parts": {"name": 1}}), &["expected a list, found a table"]);
    check(&json!([]), &["expected a table, found a list"]);
}

#[test]
fn consequences_of_a_mistake_are_not_reported() {
    use serde_json::json;
    check(&json!({"parts": [{"count": 1}, {}]}), &["missing key \"name\""; 2]);
    check(&json!({"parts": [{"name": 1}]}), &["expected text, found 1"]);
    check(&json!({"parts": [{"nmae": "a"}]}), &["unknown key \"nmae\" | did you mean \"name\"?"]);
    check(&json!({"parts": [{"name": null}]}), &[]);
    check(&json!({"fit": ["wide", 3]}), &["expected a whole number, found text \"wide\""]);
    check(&json!({"fit": [1]}), &["expected a list of 2, found 1"]);
    check(&json!({"fit": [1, 2, 3]}), &["expected a list of 2, found 3"]);
}

#[test]
fn a_choice_is_a_name_or_a_table_with_one_key() {
    use serde_json::json;
    let (options, diagnostics) = read_json(
        &json!({"steps": ["grayscale", {"fit": [3, 4]}, {"jpeg": {"quality": 80}}, {"turn": 90}]}),
    );
    let steps = [Step::Grayscale, Step::Fit(3, 4), Step::Jpeg { quality: 80 }, Step::Turn(90)];
    assert_eq!((options.unwrap().steps.as_slice(), diagnostics.as_slice()), (&steps[..], &[][..]));
    check(
        &json!({"steps": [
            "greyscale", "fit", {"grayscale": 1}, {"turn": "left"}, {"fit": [1, "x"]},
            {"jpeg": {"qualty": 80}}, {"trn": 90}, {"fit": [1, 2], "turn": 90}, 5,
        ]}),
        &[
            "unknown choice \"greyscale\" | did you mean \"grayscale\"?",
            "\"fit\" takes a value | write { fit = … }",
            "\"grayscale\" takes no value | write \"grayscale\"",
            "expected a whole number, found text \"left\"",
            "expected a whole number, found text \"x\"",
            "unknown key \"qualty\" | did you mean \"quality\"?",
            "unknown choice \"trn\" | did you mean \"turn\"?",
            "expected a name, or a table with one key, found a table with more or less than one key",
            "expected a name, or a table with one key, found 5",
        ],
    );
}

#[test]
fn a_text_from_the_environment_is_read_as_the_wanted_type() {
    let (options, diagnostics) =
        read_json(&serde_json::json!({"workers": "$4", "bind_ip": "$true", "quality": "$0.5"}));
    let options = options.unwrap();
    assert_eq!(diagnostics, []);
    assert_eq!((options.workers, options.bind_ip, options.quality), (Some(4), true, 0.5));
    check(
        &serde_json::json!({"workers": "$many"}),
        &["expected a whole number, found text \"many\""],
    );
    check(&serde_json::json!({"workers": "4"}), &["expected a whole number, found text \"4\""]);
}

#[test]
fn valid_parts_are_kept_with_their_spans() {
    let (options, diagnostics) =
        read_json(&serde_json::json!({"parts": [{"name": "a"}, {"name": 2}, {"name": "c"}]}));
    let parts = options.unwrap().parts;
    assert_eq!(diagnostics.len(), 1);
    assert_eq!(parts.iter().map(|part| part.name.as_str()).collect::<Vec<_>>(), ["a", "c"]);
    assert_eq!(parts.iter().map(|part| part.name.span.start).collect::<Vec<_>>(), [6, 12]);
    assert_eq!(parts[0].count, 0);
}

#[test]
fn reading_stops_after_too_many_mistakes() {
    let mut json = serde_json::Map::new();
    for number in 0..300 {
        json.insert(format!("wrong{number}"), 1.into());
    }
    let (options, diagnostics) = read_json(&json.into());
    assert_eq!((options.is_none(), diagnostics.len()), (true, 200));
}

#[test]
fn a_spanned_value_can_be_read_from_formats_without_spans() {
    let part: Part = serde_json::from_str(r#"{"name": "a"}"#).unwrap();
    assert_eq!(part.name, Spanned::new("a".to_owned(), Span::default()));
}

#[test]
fn a_wrong_key_that_is_a_choice_does_not_hide_later_mistakes() {
    #[derive(Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
    #[serde(rename_all = "lowercase")]
    enum Side {
        Left,
        Right,
    }
    let json = serde_json::json!([{"lefft": 1}, {"left": 1}, true]);
    let list = Writer(0).value(&json);
    let mut diagnostics = Vec::new();
    let read: Option<Vec<std::collections::BTreeMap<Side, i64>>> = read(&list, &mut diagnostics);
    let reported: Vec<&str> =
        diagnostics.iter().map(|diagnostic| diagnostic.message.as_str()).collect();
    assert_eq!(reported.len(), 2, "{diagnostics:?}");
    assert!(reported[0].contains("lefft") && reported[1].contains("true"), "{reported:?}");
    assert!(read.is_some_and(|read| read.iter().any(|sides| sides.contains_key(&Side::Left))));
}
