//! Tests of path templates.

use proptest::prelude::*;

use super::PathTemplate;

fn check(template: &str, path: &str, found: Option<&[(&str, &str)]>) {
    let template = PathTemplate::parse(template).unwrap();
    let matched = template.matches(path);
    let parameters = matched
        .as_ref()
        .map(|found| found.iter().map(|(name, value)| (*name, value.as_str())).collect::<Vec<_>>());
    assert_eq!(parameters.as_deref(), found, "{template} {path}");
}

#[test]
fn paths_match_segment_by_segment() {
    check("/", "/", Some(&[]));
    check("/", "", None);
    check("/ws", "/ws", Some(&[]));
    check("/ws", "/ws/", None);
    check("/ws/", "/ws/", Some(&[]));
    check("/ws", "/w%73", Some(&[]));
    check("/café", "/caf%C3%A9", Some(&[]));
    check("/ws/{page}", "/ws/1", Some(&[("page", "1")]));
    check("/ws/{page}", "/ws/", None);
    check("/ws/{page}", "/ws", None);
    check("/ws/{page}", "/ws/1/2", None);
    check("/{a}/x/{b}", "/1/x/2", Some(&[("a", "1"), ("b", "2")]));
    check("/upload/{*file}", "/upload/a/b.jpg", Some(&[("file", "a/b.jpg")]));
    check("/upload/{*file}", "/upload/", None);
    check("/upload/{*file}", "/upload", None);
    check("/{*all}", "/a", Some(&[("all", "a")]));
    check("/{*all}", "/", None);
    check("/{*all?}", "/", Some(&[("all", "")]));
    check("/{*all?}", "/a/", Some(&[("all", "a/")]));
    check("/app/{*file?}", "/app/", Some(&[("file", "")]));
    check("/app/{*file?}", "/app/js/a.js", Some(&[("file", "js/a.js")]));
    check("/app/{*file?}", "/app", None);
}

#[test]
fn parameters_are_decoded() {
    check("/ws/{page}", "/ws/a%20b", Some(&[("page", "a b")]));
    check("/ws/{page}", "/ws/a%2Fb", None);
    check("/ws/{page}", "/ws/%FF", None);
    check("/ws/{page}", "/ws/100%", Some(&[("page", "100%")]));
    check("/upload/{*file}", "/upload/a%2Fb", Some(&[("file", "a/b")]));
    check("/upload/{*file}", "/upload/../x", Some(&[("file", "../x")]));
}

#[test]
fn mistakes_in_a_template_are_reported_with_their_offset() {
    for (template, offset, message) in [
        ("ws", 0, "the path \"ws\" does not begin with \"/\""),
        ("/ws?x", 3, "the path \"/ws?x\" contains more than a path"),
        ("/ws/{page", 4, "\"{page\" is not a parameter"),
        ("/ws/a{page}", 4, "\"a{page}\" is not a parameter"),
        ("/ws/{}", 4, "\"\" is not a name"),
        ("/ws/{a-b}", 4, "\"a-b\" is not a name"),
        ("/{a}/{a}", 5, "\"a\" is used twice"),
        ("/{*a?}/b", 7, "nothing can follow {*a?}"),
        ("/{a?}", 1, "\"a?\" is not a name"),
        ("/{*a?}?b", 6, "the path \"/{*a?}?b\" contains more than a path"),
        ("/{*a}/b", 6, "nothing can follow {*a}"),
    ] {
        let error = PathTemplate::parse(template).unwrap_err();
        assert_eq!((error.offset, error.message.as_str()), (offset, message), "{template}");
    }
}

#[test]
fn a_template_covers_templates_that_match_no_other_paths() {
    for (one, other, covers) in [
        ("/a", "/a", true),
        ("/a", "/b", false),
        ("/{x}", "/a", true),
        ("/{x}", "/{y}", true),
        ("/a", "/{x}", false),
        ("/{x}", "/", false),
        ("/{*x}", "/a/{y}", true),
        ("/{*x}", "/", false),
        ("/{*x}", "/{*y}", true),
        ("/{x}", "/{*y}", false),
        ("/{*x?}", "/", true),
        ("/{*x?}", "/a", true),
        ("/{*x?}", "/{*y}", true),
        ("/{*x}", "/{*y?}", false),
        ("/{*x}", "/a/{*y?}", true),
        ("/a/{*x?}", "/a", false),
        ("/a", "/a/b", false),
        ("/a/b", "/a", false),
    ] {
        let [one, other] = [one, other].map(|text| PathTemplate::parse(text).unwrap());
        assert_eq!(one.covers(&other), covers, "{one} {other}");
    }
}

#[test]
fn templates_overlap_where_a_path_matches_both() {
    for (one, other, overlaps) in [
        ("/a", "/a", true),
        ("/a", "/b", false),
        ("/a", "/a/", false),
        ("/{x}", "/a", true),
        ("/{x}", "/{y}", true),
        ("/{x}", "/", false),
        ("/{x}/b", "/a/{y}", true),
        ("/{x}/b", "/a/c", false),
        ("/ws/{page}", "/ws/{page}/", false),
        ("/{*x}", "/", false),
        ("/{*x}", "//", true),
        ("/{*x}", "/{y}", true),
        ("/{*x}", "/a/{*y}", true),
        ("/a/{*x}", "/a", false),
        ("/a/{*x}", "/a/", false),
        ("/a/{*x}", "/b/{*y}", false),
        ("/{*x?}", "/", true),
        ("/a/{*x?}", "/a", false),
        ("/a/{*x?}", "/a/", true),
        ("/a/{*x?}", "/{*y}", true),
    ] {
        let [one, other] = [one, other].map(|text| PathTemplate::parse(text).unwrap());
        assert_eq!(one.overlaps(&other), overlaps, "{one} {other}");
        assert_eq!(other.overlaps(&one), overlaps, "{other} {one}");
    }
}

/// Paths that match the template, enough to compare it with another template of up to three
/// segments: if any path of this template matches the other, one of these does; if all of these
/// match it, all paths do.
fn paths(template: &PathTemplate) -> Vec<String> {
    let segments = ["a", "b", "%2F", "zz"];
    let mut paths = vec![String::new()];
    for segment in template.as_str()[1..].split('/') {
        let choices: Vec<String> = if segment.starts_with("{*") {
            let tail = |depth: u32| {
                let of = |number: usize| {
                    let digits = (0..depth).map(|digit| number / 5_usize.pow(digit) % 5);
                    let texts = digits.map(|digit| segments.get(digit).copied().unwrap_or(""));
                    texts.collect::<Vec<_>>().join("/")
                };
                (0..5_usize.pow(depth)).map(of).collect::<Vec<_>>()
            };
            let may_be_empty = segment.ends_with("?}");
            (1..=3).flat_map(tail).filter(|tail| may_be_empty || !tail.is_empty()).collect()
        } else if segment.starts_with('{') {
            segments.iter().filter(|text| **text != "%2F").map(ToString::to_string).collect()
        } else {
            vec![segment.to_owned()]
        };
        let longer = |path: &String| {
            choices.iter().map(|choice| format!("{path}/{choice}")).collect::<Vec<_>>()
        };
        paths = paths.iter().flat_map(longer).collect();
    }
    paths
}

fn template() -> impl Strategy<Value = PathTemplate> {
    let segment = prop_oneof![Just("a"), Just("b"), Just(""), Just("{}")];
    let segments = prop::collection::vec(segment, 1..=3);
    let last = prop_oneof![Just(None), Just(Some("{*r}")), Just(Some("{*r?}"))];
    (segments, last).prop_map(|(mut segments, last)| {
        if let Some(rest) = last {
            *segments.last_mut().unwrap() = rest;
        }
        let named =
            |(index, segment): (usize, &&str)| segment.replace("{}", &format!("{{n{index}}}"));
        let text: Vec<String> = segments.iter().enumerate().map(named).collect();
        PathTemplate::parse(&format!("/{}", text.join("/"))).unwrap()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn templates_overlap_and_cover_as_their_paths_do(one in template(), other in template()) {
        let paths = paths(&one);
        prop_assert!(paths.iter().all(|path| one.matches(path).is_some()));
        let shared = paths.iter().any(|path| other.matches(path).is_some());
        prop_assert_eq!(one.overlaps(&other), shared, "{} {}", one, other);
        prop_assert_eq!(other.overlaps(&one), shared, "{} {}", other, one);
        let covered = paths.iter().all(|path| other.matches(path).is_some());
        prop_assert_eq!(other.covers(&one), covered, "{} {}", other, one);
    }
}

proptest! {
    #[test]
    fn no_template_or_path_causes_a_panic(template in "/?[a{}*?/%é]{0,12}", path in "/?[a/%F2é]{0,12}") {
        if let Ok(template) = PathTemplate::parse(&template) {
            let names = template.names().count();
            if let Some(parameters) = template.matches(&path) {
                prop_assert_eq!(parameters.len(), names);
            }
        }
    }
}
