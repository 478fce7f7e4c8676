//! Headers as clients write them, and their fields.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn parse(header: &Value) -> Result<Header, Error> {
    Header::parse(&header.to_string())
}

fn with(name: &str, value: Value) -> Result<Header, Error> {
    let mut header = json!({"uuid": "a"});
    header[name] = value;
    parse(&header)
}

#[test]
fn a_header_of_a_name_alone_has_all_defaults() {
    let expected = Header {
        uuid: json!("a"),
        offset_top: 0,
        zoom: 1.0,
        result: "rl".into(),
        response: Response::Url,
        height: 0,
        progress: false,
    };
    assert_eq!(parse(&json!({"uuid": "a"})).unwrap(), expected);
    assert_eq!(parse(&json!({"uuid": "a", "unknown": [1, {}]})).unwrap(), expected);
    assert_eq!(Header::parse("  {\"uuid\": \"a\"}      ").unwrap(), expected);
}

#[test]
fn a_uuid_comes_back_as_it_came_and_is_found_by_its_text() {
    for (uuid, key) in [
        (json!("abc"), "abc"),
        (json!("5"), "5"),
        (json!(5), "5"),
        (json!(-5), "-5"),
        (json!(1.5), "1.5"),
        (json!(u64::MAX), "18446744073709551615"),
    ] {
        let header = parse(&json!({"uuid": uuid})).unwrap();
        assert_eq!(header.uuid, uuid);
        assert_eq!(header.key(), key);
    }
}

#[test]
fn numbers_are_taken_as_numbers_and_as_strings() {
    let offsets = [
        (json!(120), 120),
        (json!(-3.9), -3),
        (json!("120.9"), 120),
        (json!(" 7 "), 7),
        (json!("-0.5"), 0),
        (json!("1e3"), 1000),
        (json!(1e300), i64::MAX),
        (json!("-1e300"), i64::MIN),
        (json!(u64::MAX), i64::MAX),
        (json!(9_007_199_254_740_993_i64), 9_007_199_254_740_993),
        (json!("9007199254740993"), 9_007_199_254_740_993),
    ];
    for (value, expected) in offsets {
        assert_eq!(with("offset_top", value.clone()).unwrap().offset_top, expected, "{value}");
    }
    for (value, expected) in [(json!(0.5), 0.5), (json!("0.5"), 0.5), (json!(2), 2.0)] {
        assert!((with("zoom", value).unwrap().zoom - expected).abs() < 1e-9);
    }
}

#[test]
fn choices_are_taken_in_all_their_spellings() {
    let responses = [
        (json!("url"), Response::Url),
        (json!("URL"), Response::Inline),
        (json!("json"), Response::Inline),
        (json!(null), Response::Inline),
    ];
    for (value, expected) in responses {
        assert_eq!(with("responseType", value).unwrap().response, expected);
    }
    let flags = [
        (json!(true), true),
        (json!("true"), true),
        (json!(1), true),
        (json!("1"), true),
        (json!(false), false),
        (json!("false"), false),
        (json!(0), false),
    ];
    for (value, expected) in flags {
        assert_eq!(with("progress", value).unwrap().progress, expected);
    }
    assert_eq!(with("rType", json!("small")).unwrap().result.as_ref(), "small");
}

#[test]
fn a_wrong_field_is_named_with_its_value_and_what_goes_and_the_uuid() {
    let table = [
        ("offset_top", json!("NaN"), r#"the header's "offset_top" takes a number, and is "NaN""#),
        ("offset_top", json!("inf"), r#"the header's "offset_top" takes a number, and is "inf""#),
        (
            "offset_top",
            json!("1e999"),
            r#"the header's "offset_top" takes a number, and is "1e999""#,
        ),
        ("offset_top", json!([1]), r#"the header's "offset_top" takes a number, and is [1]"#),
        ("offset_top", json!(null), r#"the header's "offset_top" takes a number, and is null"#),
        ("zoom", json!(0), r#"the header's "zoom" takes a number above 0, and is 0"#),
        ("zoom", json!(-1), r#"the header's "zoom" takes a number above 0, and is -1"#),
        ("zoom", json!("nan"), r#"the header's "zoom" takes a number above 0, and is "nan""#),
        ("zoom", json!(""), r#"the header's "zoom" takes a number above 0, and is """#),
        ("height", json!(-1), r#"the header's "height" takes a number from 0, and is -1"#),
        ("rType", json!(5), r#"the header's "rType" takes a string, and is 5"#),
        ("progress", json!("yes"), r#"the header's "progress" takes true or false, and is "yes""#),
    ];
    for (name, value, message) in table {
        let error = with(name, value).unwrap_err();
        assert_eq!((error.code(), error.message()), (code::BAD_HEADER, message));
        assert_eq!(error.field("uuid"), Some(&json!("a")));
    }
    let error = with("zoom", json!("x".repeat(1000))).unwrap_err();
    assert!(error.message().len() < 200, "{}", error.message());
}

#[test]
fn a_header_without_a_name_is_refused() {
    for head in [
        "",
        "{",
        "[]",
        "null",
        "5",
        "\"uuid\"",
        "{}",
        r#"{"uuid":null}"#,
        r#"{"uuid":true}"#,
        r#"{"uuid":""}"#,
        r#"{"uuid":{}}"#,
        r#"{"uuid":1e999}"#,
        r#"{"uuid":1} x"#,
    ] {
        let error = Header::parse(head).unwrap_err();
        assert_eq!(error.code(), code::BAD_HEADER, "{head}");
        assert_eq!(error.field("uuid"), None, "{head}");
    }
    assert!(parse(&json!({"uuid": "x".repeat(UUID_MAX + 1)})).is_err());
}

#[test]
fn a_query_says_the_same_and_need_not_name_the_picture() {
    let made = || "made".to_owned();
    let header =
        Header::from_query([("zoom", "0.5"), ("rType", "small"), ("x", "y")], made).unwrap();
    assert_eq!(header.uuid, json!("made"));
    assert!((header.zoom - 0.5).abs() < 1e-9);
    assert_eq!(&*header.result, "small");
    let header =
        Header::from_query([("uuid", "a"), ("responseType", "json"), ("progress", "1")], made)
            .unwrap();
    assert_eq!(
        (header.key().as_str(), header.response, header.progress),
        ("a", Response::Inline, true)
    );
    let error = Header::from_query([("zoom", "0")], made).unwrap_err();
    assert_eq!((error.code(), error.field("uuid")), (code::BAD_HEADER, Some(&json!("made"))));
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<f64>().prop_map(|number| json!(number)),
        any::<i64>().prop_map(|number| json!(number)),
        any::<f64>().prop_map(|number| json!(number.to_string())),
        any::<bool>().prop_map(|flag| json!(flag)),
        ".{0,20}".prop_map(|text| json!(text)),
        Just(json!(null)),
        Just(json!([{}])),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_header_makes_it_panic(head in ".{0,300}") {
        let _ = Header::parse(&head);
    }

    #[test]
    fn no_value_makes_it_panic_and_what_is_taken_can_be_worked_with(
        uuid in any_value(),
        offset_top in any_value(),
        zoom in any_value(),
        height in any_value(),
        progress in any_value(),
    ) {
        let header = json!({"uuid": uuid, "offset_top": offset_top, "zoom": zoom,
            "height": height, "progress": progress});
        match parse(&header) {
            Ok(header) => prop_assert!(header.zoom > 0.0 && header.zoom.is_finite() && header.height >= 0),
            Err(error) => prop_assert_eq!(error.code(), code::BAD_HEADER),
        }
    }
}
