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
fn what_is_no_template_is_told_where() {
    for (template, offset, message) in [
        ("ws", 0, "the path \"ws\" does not begin with \"/\""),
        ("/ws?x", 3, "the path \"/ws?x\" has more than a path in it"),
        ("/ws/{page", 4, "\"{page\" is not a parameter"),
        ("/ws/a{page}", 4, "\"a{page}\" is not a parameter"),
        ("/ws/{}", 4, "\"\" is not a name"),
        ("/ws/{a-b}", 4, "\"a-b\" is not a name"),
        ("/{a}/{a}", 5, "\"a\" stands twice"),
        ("/{*a}/b", 6, "nothing can follow {*a}"),
    ] {
        let error = PathTemplate::parse(template).unwrap_err();
        assert_eq!((error.offset, error.message.as_str()), (offset, message), "{template}");
    }
}

#[test]
fn a_template_covers_what_can_only_match_it_too() {
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
        ("/a", "/a/b", false),
        ("/a/b", "/a", false),
    ] {
        let [one, other] = [one, other].map(|text| PathTemplate::parse(text).unwrap());
        assert_eq!(one.covers(&other), covers, "{one} {other}");
    }
}

proptest! {
    #[test]
    fn no_template_and_no_path_is_too_strange(template in "/?[a{}*/%é]{0,12}", path in "/?[a/%F2é]{0,12}") {
        if let Ok(template) = PathTemplate::parse(&template) {
            let names = template.names().count();
            if let Some(parameters) = template.matches(&path) {
                prop_assert_eq!(parameters.len(), names);
            }
        }
    }
}
