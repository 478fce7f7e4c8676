//! Tests with random and damaged texts.

use proptest::prelude::*;

use super::*;

#[test]
fn depth_is_bounded() {
    for text in ["[".repeat(100_000), "a.".repeat(100_000), format!("a = {}", "{a=".repeat(50_000))]
    {
        let loaded = parse(&text);
        assert!(!loaded.diagnostics.is_empty());
        let _ = loaded.report().to_string();
    }
}

#[test]
fn a_list_that_is_not_closed_brings_no_secret_into_a_report() {
    for open in ["include = [\"a.toml\"", "include = [[\"a.toml\"]", "[server]\norigins = [{ a = 1"]
    {
        let loaded = parse(&format!("{open}\n[auth.token]\nsecret = \"hunter2-hunter2\"\n"));
        let shown = format!("{} {loaded:?}", loaded.report());
        assert!(!loaded.diagnostics.is_empty() && !shown.contains("hunter2"), "{shown}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,80}") {
        let loaded = parse(&text);
        let _ = loaded.report().to_string();
    }

    #[test]
    fn no_damage_to_a_valid_file_makes_the_parser_panic(
        cut in 0..DESIGN.len(),
        length in 0_usize..60,
        put in r#"[\[\]{}="$.,a-c0-9\n ]{0,8}"#,
    ) {
        let mut text: Vec<char> = DESIGN.chars().collect();
        let end = (cut + length).min(text.len());
        text.splice(cut.min(end)..end, put.chars());
        let text: String = text.into_iter().collect();
        let loaded = parse(&text);
        let report = loaded.report().to_string();
        prop_assert!(report.lines().count() > loaded.diagnostics.len());
        // No mistake is reported twice.
        let mut places: Vec<_> = loaded.diagnostics.iter().map(|m| (m.span, &m.message)).collect();
        places.dedup();
        prop_assert_eq!(places.len(), loaded.diagnostics.len());
    }

    #[test]
    fn no_typing_mistake_brings_a_secret_into_a_report(
        before in any::<bool>(),
        at in any::<prop::sample::Index>(),
        length in 0_usize..60,
        put in r#"[\[\]{}="$.,a-c0-9\n ]{0,8}"#,
    ) {
        let text = DESIGN.replace("${WATERWAY_SECRET}", "hunter2-hunter2");
        let (start, _) = text.split_once("[auth.token]").unwrap();
        let (_, end) = text.split_once("hunter2-hunter2\"").unwrap();
        let own = &text[start.len()..text.len() - end.len()];
        // Damages the text before or after the secret, but neither its line nor its header.
        let slip = |text: &str| {
            let mut text: Vec<char> = text.chars().collect();
            let at = at.index(text.len() + 1);
            text.splice(at..(at + length).min(text.len()), put.chars());
            text.into_iter().collect::<String>()
        };
        let text = if before {
            format!("{}\n{own}{end}", slip(start))
        } else {
            format!("{start}{own}{}", slip(end))
        };
        let loaded = parse(&text);
        let shown = format!("{} {loaded:?}", loaded.report());
        prop_assert!(!shown.contains("hunter2"), "{}\n{}", text, shown);
    }
}
